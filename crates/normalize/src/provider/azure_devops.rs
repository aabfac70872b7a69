//! Azure DevOps: service hooks about builds, and about runs, stages and jobs of pipelines.
//!
//! Source: Azure DevOps docs, "Service hook events".
//!
//! Each body names its event in `eventType`. How much of `resource` there is depends on the subscription.

use meshhook_model::{Details, Round, RunUrl, State, Text, Timestamp, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::newest::of_fields;
use crate::provider::RUNS;
use crate::refs::branch_of;
use crate::rounds::round_at;
use crate::tree::{Node, first};
use crate::{Identity, Ignored, Provider, Unreadable, provider};

pub(crate) static PROVIDER: Provider = Provider {
    name: "azure-devops",
    schemes: provider::UNSIGNED,
    default_scheme: None,
    units: RUNS,
    forks_untold: &[],
    event_header: None,
    fits: |body| !matches!(Kind::of(body), Kind::Other | Kind::Unknown),
    newest,
    read,
};

/// The envelope's time is that of the event. Those of stages and jobs are their agents'.
fn newest(body: Node<'_>) -> Option<Timestamp> {
    let (resource, run) = (body.get("resource"), body.get("resource").get("run"));
    let of_run = [run.get("createdDate"), run.get("finishedDate")];
    of_fields(
        [body.get("createdDate"), resource.get("queueTime"), resource.get("lastChangedDate")]
            .into_iter()
            .chain(of_run),
    )
}

fn read(body: Node<'_>, _: Option<&str>) -> Found {
    let resource = body.get("resource");
    match Kind::of(body) {
        Kind::Build => build(body).with(build_state(resource)),
        Kind::Run => run(body).with(state(resource.get("run"))),
        Kind::Stage => part(body, Unit::Stage, resource.get("stage")).with(state(resource.get("stage"))),
        Kind::Job => part(body, Unit::Job, resource.get("job")).with(state(resource.get("job"))),
        Kind::Other => Found::ignored(Ignored::UnsupportedEvent, Details::default()),
        Kind::Unknown => Found::unreadable(Unreadable::UnknownShape, Details::default()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Build,
    Run,
    Stage,
    Job,
    Other,
    Unknown,
}

impl Kind {
    fn of(body: Node<'_>) -> Self {
        match body.get("eventType").str() {
            Some("build.complete") => Self::Build,
            Some("ms.vss-pipelines.run-state-changed-event") => Self::Run,
            Some("ms.vss-pipelines.stage-state-changed-event") => Self::Stage,
            Some("ms.vss-pipelines.job-state-changed-event") => Self::Job,
            Some(_) => Self::Other,
            None => Self::Unknown,
        }
    }
}

fn build(body: Node<'_>) -> Draft {
    let build = body.get("resource");
    let (branch, commit) = source(build);
    let finished_at = build.get("finishTime").time();
    let requested = [build, build.get("requests").items().next().unwrap_or(Node::Null)];
    let workflow = build.get("definition").get("name");
    let details = Details {
        unit: Unit::Run,
        workflow: workflow.text(),
        outcome: build_word(build).text(),
        branch: branch.and_then(|name| branch_of(None, name)),
        commit: commit.and_then(Text::new),
        run_url: page(build).or_else(|| told_page(body)),
        run_id: build.get("id").id_text(),
        round: round_at(finished_at),
        repo: build.get("repository").get("name").text(),
        actor: first(requested.map(|by| by.get("requestedFor").get("displayName")), Node::text),
        title: build.get("buildNumber").text(),
        started_at: build.get("startTime").time(),
        ..Details::default()
    };
    let id = first([build.get("id"), build.get("uri")], Node::id);
    Draft { details, identity: Identity::new(project(body), workflow.id(), id), machine: None, finished_at }
}

fn run(body: Node<'_>) -> Draft {
    let run = body.get("resource").get("run");
    let finished_at = run.get("finishedDate").time();
    let details = Details {
        unit: Unit::Run,
        outcome: word(run).text(),
        // A run of which stages are run again keeps its id: only its end tells one from another.
        round: round_at(finished_at.filter(|_| is_completed(run))),
        started_at: run.get("createdDate").time(),
        ..of_run(body)
    };
    Draft { details, identity: identity(body), machine: None, finished_at }
}

/// A stage or a job of a run.
fn part(body: Node<'_>, unit: Unit, part: Node<'_>) -> Draft {
    let attempt = part.get("attempt").attempt();
    let details = Details {
        unit,
        job: first([part.get("name"), part.get("displayName")], Node::text),
        outcome: word(part).text(),
        attempt,
        round: attempt.map_or(Round::FIRST, Round::from),
        started_at: part.get("startTime").time(),
        ..of_run(body)
    };
    let identity = identity(body).of_job(first([part.get("id"), part.get("name")], Node::id));
    Draft { details, identity, machine: None, finished_at: part.get("finishTime").time() }
}

/// What all events of a run tell of it.
fn of_run(body: Node<'_>) -> Details {
    let resource = body.get("resource");
    let run = resource.get("run");
    let source = run.get("resources").get("repositories").get("self");
    let sources = || resource.get("repositories").items();
    let own = sources().find(|source| source.get("alias").str() == Some("self")).or_else(|| sources().next());
    Details {
        workflow: first(pipelines(body).map(|pipeline| pipeline.get("name")), Node::text),
        branch: source.get("refName").str().and_then(|name| branch_of(None, name)),
        commit: source.get("version").text(),
        run_url: [run, resource.get("stage"), resource.get("job")]
            .into_iter()
            .find_map(page)
            .or_else(|| told_page(body)),
        run_id: run_id(resource).as_deref().and_then(Text::new),
        // One of Azure Repos has a number only.
        repo: source.get("repository").get("fullName").text(),
        actor: resource.get("requestedFor").get("displayName").text(),
        title: own
            .and_then(|source| source.get("change").get("message").first_line())
            .or_else(|| run.get("name").text()),
        ..Details::default()
    }
}

fn identity(body: Node<'_>) -> Identity {
    let resource = body.get("resource");
    let workflow = first(pipelines(body).map(|pipeline| pipeline.get("name")), Node::id);
    let id = run_id(resource).or_else(|| resource.get("run").get("url").id());
    Identity::new(project(body), workflow, id)
}

/// The number of a run; some bodies have it in the run's address only: `…/_apis/pipelines/7/runs/480`.
fn run_id(resource: Node<'_>) -> Option<String> {
    let run = resource.get("run");
    let addressed = || {
        let (_, id) = first([run.get("url"), resource.get("runUrl")], Node::str)?.rsplit_once("/runs/")?;
        id.parse::<u64>().ok().map(|id| id.to_string())
    };
    first([run.get("id"), resource.get("runId")], Node::id).or_else(addressed)
}

fn pipelines(body: Node<'_>) -> [Node<'_>; 2] {
    let resource = body.get("resource");
    [resource.get("pipeline"), resource.get("run").get("pipeline")]
}

/// What runs are counted in, here for all kinds of events: the project's id, of which the envelope tells always.
fn project(body: Node<'_>) -> Option<String> {
    let resource = body.get("resource");
    let ids = [
        body.get("resourceContainers").get("project").get("id"),
        resource.get("projectId"),
        resource.get("project").get("id"),
    ];
    first(ids, Node::id)
}

/// A build's branch and commit; of an old version both in one: `LG:refs/heads/main:<sha>`.
fn source(build: Node<'_>) -> (Option<&str>, Option<&str>) {
    let (branch, commit) = (build.get("sourceBranch").str(), build.get("sourceVersion").str());
    let old = || build.get("sourceGetVersion").str()?.split_once(':')?.1.rsplit_once(':');
    match old() {
        Some((old_branch, old_commit)) => (branch.or(Some(old_branch)), commit.or(Some(old_commit))),
        None => (branch, commit),
    }
}

fn page(object: Node<'_>) -> Option<RunUrl> {
    object.get("_links").get("web").get("href").link()
}

/// The page of an event whose resource has none: the message for people links to it.
///
/// Azure DevOps writes that HTML, and escapes what others named.
fn told_page(body: Node<'_>) -> Option<RunUrl> {
    let (_, link) = body.get("message").get("html").str()?.split_once("href=\"")?;
    RunUrl::new(&link.split('"').next()?.replace("&amp;", "&"))
}

fn is_completed(part: Node<'_>) -> bool {
    part.get("state").str() == Some("completed")
}

/// The word that tells the state.
fn word(part: Node<'_>) -> Node<'_> {
    part.get(if is_completed(part) { "result" } else { "state" })
}

fn state(part: Node<'_>) -> Result<State, Silence> {
    match part.get("state").str().ok_or(Silence::MISSING)? {
        "notStarted" | "pending" | "waiting" => Ok(State::Queued),
        "inProgress" | "running" | "canceling" => Ok(State::Running),
        "completed" => result(part.get("result").str()),
        _ => Err(Silence::UNKNOWN),
    }
}

/// Version 1.0 of the event has its result for a status.
fn build_word(build: Node<'_>) -> Node<'_> {
    let status = build.get("status");
    let told = !status.is_missing() && status.str() != Some("completed");
    if told { status } else { build.get("result") }
}

fn build_state(build: Node<'_>) -> Result<State, Silence> {
    match build.get("status").str() {
        Some("notStarted" | "postponed") => Ok(State::Queued),
        Some("inProgress" | "cancelling") => Ok(State::Running),
        None if build.get("result").is_missing() => Err(Silence::MISSING),
        _ => result(build_word(build).str()),
    }
}

fn result(word: Option<&str>) -> Result<State, Silence> {
    match word {
        None | Some("none") => Err(Silence::Ignored(Ignored::NoConclusion)),
        Some("succeeded" | "partiallySucceeded" | "succeededWithIssues" | "skipped") => Ok(State::Succeeded),
        // A stage is rejected by those who had to approve it.
        Some("failed" | "canceled" | "stopped" | "rejected" | "abandoned") => Ok(State::Failed),
        Some(_) => Err(Silence::UNKNOWN),
    }
}
