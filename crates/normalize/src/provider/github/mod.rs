//! GitHub: Actions' runs and jobs, and what others report of a commit: checks, statuses and deployments.
//!
//! Source: GitHub docs, "Webhook events and payloads", and its schemas (`@octokit/openapi-webhooks`); some habits
//! show in real payloads only.
//!
//! A body is a snapshot of what it is about, newer than the `action` that caused it: `action: requested` comes with
//! `status: completed`. So status and conclusion are read, and of the action only that there is one.

mod actions;
mod checks;
mod reports;

use meshhook_model::{Details, State, Text, Timestamp, Unit};

use super::gitea;
use crate::draft::{Found, Silence};
use crate::newest::of_fields_named_at;
use crate::provider::RUNS;
use crate::tree::Node;
use crate::{Ignored, Provider, Unreadable};

pub(crate) static PROVIDER: Provider = Provider {
    name: "github",
    schemes: &["github"],
    default_scheme: Some("github"),
    units: RUNS,
    forks_untold: &[Unit::Job, Unit::Check, Unit::Suite],
    event_header: Some("X-GitHub-Event"),
    fits,
    newest: |body| of_fields_named_at(body, Timestamp::parse_rfc3339),
    read,
};

/// Gitea sends bodies of nearly this shape, and more in them.
fn fits(body: Node<'_>) -> bool {
    !matches!(Kind::of(body), Kind::Ping | Kind::Other) && !gitea::is_marked(body)
}

fn read(body: Node<'_>, header: Option<&str>) -> Found {
    if !body.is_object() {
        return Found::unreadable(Unreadable::UnknownShape, Details::default());
    }
    let kind = Kind::of(body);
    let found = match kind {
        Kind::Run => actions::run(body).with(actions::state(body, body.get("workflow_run"))),
        Kind::Job => actions::job(body).with(actions::state(body, body.get("workflow_job"))),
        Kind::CheckRun => checks::run(body).with(checks::state(body, body.get("check_run"))),
        Kind::CheckSuite => checks::suite(body).with(checks::state(body, body.get("check_suite"))),
        Kind::Status => reports::status(body).with(reports::status_state(body)),
        Kind::DeploymentStatus => reports::deployment(body).with(reports::deployment_state(body)),
        Kind::Ping => Found::ignored(Ignored::Ping, common(body)),
        Kind::Other => Found::ignored(Ignored::UnsupportedEvent, common(body)),
    };
    found.under(header, |event| kind.agrees_with(event))
}

/// Which event a body is, told by its own keys: those at the top are GitHub's alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Run,
    Job,
    CheckRun,
    CheckSuite,
    Status,
    DeploymentStatus,
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
    fn of(body: Node<'_>) -> Self {
        match (body.has("workflow_run"), body.has("workflow_job")) {
            // It names the run and the check that deploy, if they do.
            _ if [body.get("deployment_status"), body.get("deployment")].iter().all(|it| it.is_object()) => {
                Self::DeploymentStatus
            }
            (true, false) if NOT_A_RUN.iter().all(|key| body.get(key).is_missing()) => Self::Run,
            (false, true) => Self::Job,
            (false, false) => Self::without_workflow(body),
            _ => Self::Other,
        }
    }

    fn without_workflow(body: Node<'_>) -> Self {
        let has = |key| !body.get(key).is_missing();
        match (has("check_run"), has("check_suite")) {
            _ if has("deployment") => Self::Other,
            (true, false) => Self::CheckRun,
            (false, true) => Self::CheckSuite,
            (false, false) if reports::is_status(body) => Self::Status,
            (false, false) if body.has("zen") && body.has("hook_id") => Self::Ping,
            _ => Self::Other,
        }
    }

    /// Whether a header may stand over such a body; over an event that is not read any word that is not.
    fn agrees_with(self, header: &str) -> bool {
        let named = match header {
            "workflow_run" => Self::Run,
            "workflow_job" => Self::Job,
            "check_run" => Self::CheckRun,
            "check_suite" => Self::CheckSuite,
            "status" => Self::Status,
            "deployment_status" => Self::DeploymentStatus,
            "ping" => Self::Ping,
            _ => Self::Other,
        };
        named == self
    }
}

/// What every event tells.
fn common(body: Node<'_>) -> Details {
    Details {
        repo: repo(body).and_then(Text::new),
        actor: body.get("sender").get("login").text(),
        ..Details::default()
    }
}

/// `owner/name` of the repository that the hook belongs to.
fn repo(body: Node<'_>) -> Option<&str> {
    body.get("repository").get("full_name").str()
}

/// What runs, jobs and checks say of their state by the same words.
fn state(body: Node<'_>, build: Node<'_>, concluded: fn(&str) -> Option<State>) -> Result<State, Silence> {
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

/// The word that a state is read from.
fn outcome(build: Node<'_>) -> Option<Text> {
    let status = build.get("status");
    if is_completed(status) { build.get("conclusion").text() } else { status.text() }
}

fn is_completed(status: Node<'_>) -> bool {
    status.str() == Some("completed")
}
