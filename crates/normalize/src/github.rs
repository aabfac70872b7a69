//! GitHub Actions: `workflow_run` and `workflow_job`.
//!
//! Source: GitHub docs, "Webhook events and payloads", and its schemas (`@octokit/openapi-webhooks`); some habits
//! show in real payloads only.
//!
//! A body is a snapshot of the run or job, newer than the `action` that caused it: `action: requested` comes with
//! `status: completed`. So status and conclusion are read, and of the action only that there is one.

use meshhook_model::{Details, Round, State, Text, Timestamp, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::newest::of_fields_named_at;
use crate::tree::Node;
use crate::{Identity, Ignored, Machine, Provider, Unreadable};

pub(crate) static PROVIDER: Provider = Provider {
    name: "github",
    schemes: &["github"],
    default_scheme: Some("github"),
    event_header: Some("X-GitHub-Event"),
    fits,
    newest: |body| of_fields_named_at(body, Timestamp::parse_rfc3339),
    read,
};

fn fits(body: &Node<'_>) -> bool {
    matches!(Kind::of(body), Kind::Run | Kind::Job)
}

fn read(body: &Node<'_>, header: Option<&str>) -> Found {
    if !body.is_object() {
        return Found::unreadable(Unreadable::UnknownShape, Details::default());
    }
    let kind = Kind::of(body);
    let found = match kind {
        Kind::Run => run(body).with(state(body, body.get("workflow_run"))),
        Kind::Job => job(body).with(state(body, body.get("workflow_job"))),
        Kind::Ping => Found::ignored(Ignored::Ping, common(body)),
        Kind::Other => Found::ignored(Ignored::UnsupportedEvent, common(body)),
    };
    match header {
        Some(event) if !kind.agrees_with(event) => found.mismatched(),
        _ => found,
    }
}

/// Which event a body is, told by its own keys: those at the top are GitHub's alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Run,
    Job,
    Ping,
    Other,
}

/// What stands beside a `workflow_run` in events about something else: check_run, check_suite, deployment,
/// deployment_status, deployment_protection_rule, and (the last three keys) deployment_review.
const NOT_A_RUN: [&str; 7] = [
    "check_run",
    "check_suite",
    "deployment",
    "deployment_status",
    "since",
    "workflow_job_run",
    "workflow_job_runs",
];

impl Kind {
    fn of(body: &Node<'_>) -> Self {
        match (body.has("workflow_run"), body.has("workflow_job")) {
            (true, false) if NOT_A_RUN.iter().all(|key| body.get(key).is_missing()) => Self::Run,
            (false, true) => Self::Job,
            (false, false) if body.has("zen") && body.has("hook_id") => Self::Ping,
            _ => Self::Other,
        }
    }

    /// Whether a header may stand over such a body; over an event that is not read any word that is not.
    fn agrees_with(self, header: &str) -> bool {
        let named = match header {
            "workflow_run" => Self::Run,
            "workflow_job" => Self::Job,
            "ping" => Self::Ping,
            _ => Self::Other,
        };
        named == self
    }
}

fn run(body: &Node<'_>) -> Draft {
    let run = body.get("workflow_run");
    let workflow =
        [body.get("workflow").get("name"), run.get("name")].into_iter().find(|n| n.str().is_some());
    let details = Details {
        unit: Unit::Run,
        workflow: workflow.and_then(Node::text),
        branch: branch(body, run),
        run_id: run.get("id").id().and_then(|id| Text::new(&id)),
        actor: run
            .get("triggering_actor")
            .get("login")
            .text()
            .or_else(|| run.get("actor").get("login").text()),
        title: run.get("display_title").text().or_else(|| run.get("head_commit").get("message").first_line()),
        started_at: run.get("run_started_at").time(),
        ..build(body, run)
    };
    let id = run.get("id").id().or_else(|| run.get("html_url").id());
    let identity = Identity::new(repo(body).map(str::to_owned), workflow.and_then(Node::id), id);
    Draft { details, identity, machine: None, finished_at: run.get("updated_at").time() }
}

fn job(body: &Node<'_>) -> Draft {
    let job = body.get("workflow_job");
    let machine = machine(job);
    let details = Details {
        unit: Unit::Job,
        workflow: job.get("workflow_name").text(),
        job: job.get("name").text(),
        // A job's body does not say whether its branch is a fork's.
        branch: job.get("head_branch").str().and_then(|name| Text::new(plain_branch(name))),
        mesh_node_id: machine.as_ref().map(|machine| machine.name.clone()),
        run_id: job.get("run_id").id().and_then(|id| Text::new(&id)),
        actor: body.get("sender").get("login").text(),
        started_at: job.get("started_at").time(),
        ..build(body, job)
    };
    let run = job.get("run_id").id().or_else(|| job.get("html_url").id());
    let identity = Identity::new(repo(body).map(str::to_owned), job.get("workflow_name").id(), run)
        .of_job(job.get("id").id().or_else(|| job.get("name").id()));
    Draft { details, identity, machine, finished_at: job.get("completed_at").time() }
}

/// What a run and a job call by the same names.
fn build(body: &Node<'_>, build: &Node<'_>) -> Details {
    let status = build.get("status");
    let outcome = if is_completed(status) { build.get("conclusion") } else { status };
    let attempt = build.get("run_attempt").attempt();
    Details {
        outcome: outcome.text(),
        commit: build.get("head_sha").text(),
        // A later attempt keeps the run's address, which shows the latest.
        run_url: build.get("html_url").link(),
        attempt,
        round: attempt.map_or(Round::FIRST, Round::from),
        repo: repo(body).and_then(Text::new),
        ..Details::default()
    }
}

/// What an event tells that is no build's.
fn common(body: &Node<'_>) -> Details {
    Details {
        repo: repo(body).and_then(Text::new),
        actor: body.get("sender").get("login").text(),
        ..Details::default()
    }
}

fn state(body: &Node<'_>, build: &Node<'_>) -> Result<State, Silence> {
    if body.get("action").str().is_none() {
        return Err(Silence::MISSING);
    }
    let word = build.get("status").str().ok_or(Silence::MISSING)?;
    let conclusion = build.get("conclusion");
    let known = match word {
        "requested" | "queued" | "pending" | "waiting" => Some(State::Queued),
        "in_progress" => Some(State::Running),
        "completed" if conclusion.is_missing() => return Err(Silence::Ignored(Ignored::NoConclusion)),
        "completed" => conclusion.str().and_then(concluded),
        _ => None,
    };
    known.ok_or(Silence::UNKNOWN)
}

fn concluded(word: &str) -> Option<State> {
    match word {
        "success" | "skipped" | "neutral" => Some(State::Succeeded),
        "failure" | "cancelled" | "timed_out" | "startup_failure" | "stale" => Some(State::Failed),
        // A first-time contributor's run waits for a maintainer: nothing has run.
        "action_required" => Some(State::Queued),
        _ => None,
    }
}

fn is_completed(status: &Node<'_>) -> bool {
    status.str() == Some("completed")
}

/// `owner/name` of the repository that the hook belongs to.
fn repo<'b>(body: &'b Node<'b>) -> Option<&'b str> {
    body.get("repository").get("full_name").str()
}

/// The branch or tag of a run; of a fork's run `owner:branch`, so that a fork's `main` is never taken for ours.
fn branch(body: &Node<'_>, run: &Node<'_>) -> Option<Text> {
    let name = plain_branch(run.get("head_branch").str()?);
    match fork_owner(body, run) {
        Some(owner) => Text::new(&format!("{owner}:{name}")),
        None => Text::new(name),
    }
}

/// Who owns the repository that a run's commit is from, if it is not the hook's own.
fn fork_owner<'b>(body: &'b Node<'b>, run: &'b Node<'b>) -> Option<&'b str> {
    if !run.has("head_repository") {
        return None;
    }
    match run.get("head_repository").get("full_name").str() {
        // GitHub sends null once the fork is deleted, which is nothing that its owner may gain by.
        None => Some("unknown"),
        Some(head) if Some(head) == repo(body) => None,
        Some(head) => head.split('/').next(),
    }
}

/// `refs/pull/N/head` stays: it is no branch. So does `refs/tags/…`: a tag named `main` is not the branch.
fn plain_branch(name: &str) -> &str {
    name.strip_prefix("refs/heads/").unwrap_or(name)
}

fn machine(job: &Node<'_>) -> Option<Machine> {
    let name = job.get("runner_name").text()?;
    let hosted =
        is_hosted_name(name.as_str()) || job.get("runner_group_name").str() == Some("GitHub Actions");
    Some(Machine { name, hosted })
}

/// GitHub calls its own runners `GitHub Actions 12`, and `Hosted Agent` in their environment.
fn is_hosted_name(name: &str) -> bool {
    match name.strip_prefix("GitHub Actions") {
        Some(number) => number.trim_start().bytes().all(|b| b.is_ascii_digit()),
        None => name == "Hosted Agent",
    }
}
