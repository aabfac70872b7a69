//! GitLab: pipeline, job and deployment events.
//!
//! Source: GitLab docs, "Webhook events", and the code that fills the bodies (`lib/gitlab/data_builder`).
//!
//! Each body names its event in `object_kind`; those of system and group hooks about people and projects have an
//! `event_name` instead.

use std::collections::BTreeSet;

use meshhook_model::{Attempt, Details, Round, RunUrl, State, Text, Timestamp, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::newest::of_fields_named_at;
use crate::provider::RUNS;
use crate::rounds::round_at;
use crate::times::ruby as time;
use crate::tree::{Node, first};
use crate::{Identity, Ignored, Machine, Provider, Unreadable};

/// Without a default scheme: a webhook with a signing token signs its bodies, one with a secret token does not.
pub(crate) static PROVIDER: Provider = Provider {
    name: "gitlab",
    schemes: &["standard-webhooks", "gitlab-token"],
    default_scheme: None,
    units: RUNS,
    forks_untold: &[Unit::Job],
    event_header: Some("X-Gitlab-Event"),
    fits: |body| !matches!(Kind::of(body), Kind::Other | Kind::Unknown),
    newest: |body| of_fields_named_at(body, time),
    read,
};

/// How many machines a pipeline names: as many as a store keeps for a run.
const MAX_MACHINES: usize = 64;

fn read(body: Node<'_>, header: Option<&str>) -> Found {
    let kind = Kind::of(body);
    let found = match kind {
        Kind::Pipeline => pipeline(body).with(state(body.get("object_attributes").get("status"))),
        Kind::Job => job(body).with(state(body.get("build_status"))),
        Kind::Deployment => deployment(body).with(deployment_state(body.get("status"))),
        Kind::Other => Found::ignored(Ignored::UnsupportedEvent, common(body)),
        Kind::Unknown => Found::unreadable(Unreadable::UnknownShape, common(body)),
    };
    found.under(header, |event| kind.agrees_with(event))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pipeline,
    Job,
    Deployment,
    Other,
    Unknown,
}

impl Kind {
    fn of(body: Node<'_>) -> Self {
        match body.get("object_kind").str() {
            Some("pipeline") => Self::Pipeline,
            Some("build") => Self::Job,
            Some("deployment") => Self::Deployment,
            Some(_) => Self::Other,
            None if body.get("event_name").str().is_some() => Self::Other,
            None => Self::Unknown,
        }
    }

    /// Whether a header may stand over such a body; over an event that is not read any word that is not.
    fn agrees_with(self, header: &str) -> bool {
        match header {
            "Pipeline Hook" => self == Self::Pipeline,
            // Before 9.3 it was called after its `object_kind`.
            "Job Hook" | "Build Hook" => self == Self::Job,
            "Deployment Hook" => self == Self::Deployment,
            // It tells who set the hook up, and no event.
            "System Hook" => true,
            _ => matches!(self, Self::Other | Self::Unknown),
        }
    }
}

fn pipeline(body: Node<'_>) -> Draft {
    let pipeline = body.get("object_attributes");
    let page = || page(body, "pipelines", pipeline.get("id"));
    let finished_at = at(pipeline.get("finished_at"));
    let workflow = pipeline.get("name");
    let details = Details {
        unit: Unit::Run,
        workflow: workflow.text().or_else(|| text(repo(body))),
        outcome: outcome(pipeline),
        branch: branch(body),
        commit: pipeline.get("sha").text(),
        run_url: pipeline.get("url").link().or_else(page),
        nodes: machines(body),
        run_id: pipeline.get("id").id_text(),
        round: round(body, finished_at),
        title: body.get("merge_request").get("title").text().or_else(|| title(body)),
        started_at: finished_at.and_then(|end| before(end, pipeline.get("duration"))),
        ..common(body)
    };
    let run = pipeline.get("id").id().or_else(|| pipeline.get("url").id());
    let identity = Identity::new(project(body), workflow.id(), run);
    Draft { details, identity, machine: None, finished_at }
}

fn job(body: Node<'_>) -> Draft {
    let commit = body.get("commit");
    // What the body calls its commit's id is the pipeline's.
    let pipeline = first([body.get("pipeline_id"), commit.get("id")], Node::id);
    let machine = machine(Runner::of(body.get("runner")), is_on_gitlab_com(body));
    let details = Details {
        unit: Unit::Job,
        workflow: commit.get("name").text().or_else(|| text(repo(body))),
        job: body.get("build_name").text(),
        outcome: body.get("build_status").text(),
        // A job's body does not say whether its branch is a fork's.
        branch: body.get("ref").text(),
        commit: first([body.get("sha"), commit.get("sha")], Node::text),
        run_url: page(body, "jobs", body.get("build_id")),
        mesh_node_id: machine.as_ref().map(|machine| machine.name.clone()),
        run_id: text(pipeline.as_deref()),
        // Of no round: a job that is started again has another id.
        attempt: attempt(body.get("retries_count")),
        title: title(body),
        started_at: at(body.get("build_started_at")),
        ..common(body)
    };
    let identity = Identity::new(project(body), commit.get("name").id(), pipeline)
        .of_job(first([body.get("build_id"), body.get("build_name")], Node::id));
    Draft { details, identity, machine, finished_at: at(body.get("build_finished_at")) }
}

fn deployment(body: Node<'_>) -> Draft {
    let environment = body.get("environment");
    let details = Details {
        unit: Unit::Deployment,
        workflow: environment.text(),
        outcome: body.get("status").text(),
        branch: body.get("ref").text(),
        commit: body.get("short_sha").text(),
        run_url: body.get("deployable_url").link(),
        run_id: body.get("deployment_id").id_text(),
        title: environment.text(),
        ..common(body)
    };
    // Deployments are counted apart from pipelines: the machines of one are not those of the other.
    let id = first([body.get("deployment_id"), body.get("deployable_url")], Node::id);
    let run = id.map(|id| format!("deployment {id}"));
    let identity = Identity::new(project(body), environment.id(), run);
    Draft { details, identity, machine: None, finished_at: at(body.get("status_changed_at")) }
}

/// What every event tells.
fn common(body: Node<'_>) -> Details {
    let user = body.get("user");
    Details {
        repo: text(repo(body)),
        actor: first([user.get("username"), user.get("name")], Node::text),
        ..Details::default()
    }
}

/// Of pipelines and jobs (GitLab docs, "Pipelines API" and "Jobs API").
fn state(status: Node<'_>) -> Result<State, Silence> {
    match word(status)? {
        "created" | "waiting_for_resource" | "preparing" | "pending" => Ok(State::Queued),
        // Waiting for a person, or for the clock.
        "manual" | "scheduled" => Ok(State::Queued),
        "waiting_for_callback" | "running" | "canceling" => Ok(State::Running),
        "success" | "skipped" => Ok(State::Succeeded),
        "failed" | "canceled" => Ok(State::Failed),
        _ => Err(Silence::UNKNOWN),
    }
}

fn deployment_state(status: Node<'_>) -> Result<State, Silence> {
    match word(status)? {
        // Waiting for somebody's approval.
        "created" | "blocked" => Ok(State::Queued),
        "running" => Ok(State::Running),
        "success" | "skipped" => Ok(State::Succeeded),
        "failed" | "canceled" => Ok(State::Failed),
        // Of somebody's approval, not of the deployment.
        "approved" | "rejected" => Err(Silence::Ignored(Ignored::UnsupportedEvent)),
        _ => Err(Silence::UNKNOWN),
    }
}

fn word(status: Node<'_>) -> Result<&str, Silence> {
    status.str().ok_or(Silence::MISSING)
}

/// The status; of a success with failed jobs that were allowed to fail, GitLab's words for people.
fn outcome(pipeline: Node<'_>) -> Option<Text> {
    let (status, detailed) = (pipeline.get("status"), pipeline.get("detailed_status"));
    let warned = status.str() == Some("success") && detailed.str() == Some("passed with warnings");
    if warned { detailed.text() } else { status.text() }
}

/// A job that is started again gets a new id, the highest of its pipeline, which keeps its own.
///
/// A pipeline lists the latest run of each of its jobs. Where it lists none, the time at which it finished tells
/// one end from another.
fn round(body: Node<'_>, finished_at: Option<Timestamp>) -> Round {
    let jobs = ["builds", "bridges"].into_iter().flat_map(|kind| body.get(kind).items());
    let newest = jobs.filter_map(|job| job.get("id").number()).max();
    newest.map_or_else(|| round_at(finished_at), Round::new)
}

/// How often a job was started: GitLab counts the starts after the first.
fn attempt(retries: Node<'_>) -> Option<Attempt> {
    Attempt::new(retries.number()?.checked_add(1)?)
}

/// The branch or tag; of a merge request its source branch.
///
/// Of a fork's branch a pipeline that runs in the target project tells the fork's number and not its owner.
fn branch(body: Node<'_>) -> Option<Text> {
    let name = body.get("object_attributes").get("ref").str()?;
    let source = body.get("merge_request").get("source_branch").str();
    let name = source.filter(|_| name.starts_with("refs/merge-requests/")).unwrap_or(name);
    if is_of_fork(body) { Text::new(&format!("unknown:{name}")) } else { Text::new(name) }
}

/// Whether the commit is from another project than the pipeline's own.
fn is_of_fork(body: Node<'_>) -> bool {
    let request = body.get("merge_request");
    // Null once the fork is deleted, which is nothing that its owner may gain by.
    let source = request.get("source_project_id").id();
    let ours = [request.get("target_project_id").id(), body.get("project").get("id").id()];
    request.has("source_project_id") && !ours.contains(&source)
}

/// The machines of a pipeline's jobs that are the team's own: jobs are many, and their runners few.
fn machines(body: Node<'_>) -> Vec<Text> {
    let on_gitlab_com = is_on_gitlab_com(body);
    let runners: BTreeSet<_> = body.get("builds").items().map(|job| Runner::of(job.get("runner"))).collect();
    let machines = runners.into_iter().filter_map(|runner| machine(runner, on_gitlab_com));
    let machines = machines.filter(|machine| !machine.hosted);
    machines.map(|machine| machine.name).collect::<BTreeSet<_>>().into_iter().take(MAX_MACHINES).collect()
}

/// What tells whose machine a runner is.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Runner<'t> {
    name: Option<&'t str>,
    is_everybodys: bool,
}

impl<'t> Runner<'t> {
    fn of(runner: Node<'t>) -> Self {
        let is_everybodys = runner.get("runner_type").str() == Some("instance_type");
        Self { name: runner.get("description").str(), is_everybodys }
    }
}

fn machine(runner: Runner<'_>, on_gitlab_com: bool) -> Option<Machine> {
    let name = Text::new(runner.name?)?;
    let hosted = is_hosted_name(name.as_str()) || (runner.is_everybodys && on_gitlab_com);
    Some(Machine { name, hosted })
}

/// gitlab.com's own are `4-blue.shared.runners-manager.gitlab.com/default`, `shared-runners-manager-6.gitlab.com`.
fn is_hosted_name(name: &str) -> bool {
    name.split('/').next().is_some_and(|host| host.ends_with(".gitlab.com"))
}

/// There the runners for everybody are GitLab's; on another instance they are its operator's.
fn is_on_gitlab_com(body: Node<'_>) -> bool {
    project_page(body).is_some_and(|page| page.starts_with("https://gitlab.com/"))
}

/// `group/project`; old job events have only its title, `Group / Project`.
fn repo(body: Node<'_>) -> Option<&str> {
    body.get("project").get("path_with_namespace").str().or_else(|| body.get("project_name").str())
}

/// What a project is known by: its number, which pipeline and job events both have, and which survives a new name.
fn project(body: Node<'_>) -> Option<String> {
    first([body.get("project").get("id"), body.get("project_id")], Node::id)
        .or_else(|| repo(body).map(str::to_owned))
}

/// The page of a pipeline or job whose body does not have it.
fn page(body: Node<'_>, kind: &str, id: Node<'_>) -> Option<RunUrl> {
    let (project, id) = (project_page(body)?, id.number()?);
    RunUrl::new(&format!("{}/-/{kind}/{id}", project.trim_end_matches('/')))
}

fn project_page(body: Node<'_>) -> Option<&str> {
    body.get("project").get("web_url").str().or_else(|| body.get("repository").get("homepage").str())
}

fn title(body: Node<'_>) -> Option<Text> {
    let commit = body.get("commit");
    commit.get("title").text().or_else(|| commit.get("message").first_line())
}

/// When a pipeline that took so many seconds began.
///
/// The body does not say when. Its duration is the one that GitLab shows: the time in which jobs ran, without that
/// between a pipeline's end and a later start of one of its jobs.
fn before(end: Timestamp, seconds: Node<'_>) -> Option<Timestamp> {
    let seconds = i64::try_from(seconds.number()?).ok()?;
    Timestamp::from_unix(end.unix().checked_sub(seconds)?)
}

fn at(field: Node<'_>) -> Option<Timestamp> {
    field.str().and_then(time)
}

fn text(found: Option<&str>) -> Option<Text> {
    found.and_then(Text::new)
}
