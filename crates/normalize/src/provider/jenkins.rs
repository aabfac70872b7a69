//! Jenkins: the Notification plugin, the CloudEvents plugin and the Outbound WebHook plugin.
//!
//! Source: the plugins' documents and code (`jenkinsci/notification-plugin`, `cloudevents-plugin`,
//! `outbound-webhook-plugin`).
//!
//! None of them signs, and none names the machine. The first two send the same build under other keys: `full_url`
//! and `scm`, `fullUrl` and `scmState`.

use meshhook_model::{Details, State, Text, Timestamp, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::provider::{RUNS, UNSIGNED};
use crate::refs::branch_of;
use crate::tree::{Node, first};
use crate::{Identity, Ignored, Provider, Unreadable, remote};

pub(crate) static PROVIDER: Provider = Provider {
    name: "jenkins",
    schemes: UNSIGNED,
    default_scheme: None,
    units: RUNS,
    forks_untold: &[],
    event_header: None,
    fits: |body| matches!(Kind::of(body), Kind::Build | Kind::Outbound),
    newest: |body| body.get("build").get("timestamp").unix_millis(),
    read,
};

fn read(body: Node<'_>, _: Option<&str>) -> Found {
    match Kind::of(body) {
        Kind::Build => build(body),
        Kind::Outbound => outbound(body),
        Kind::Queue => Found::ignored(Ignored::UnsupportedEvent, queue(body)),
        Kind::Other => Found::ignored(Ignored::UnsupportedEvent, Details::default()),
        Kind::Unknown => Found::unreadable(Unreadable::UnknownShape, Details::default()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Build,
    Outbound,
    Queue,
    /// Of a node, or of a job's configuration.
    Other,
    Unknown,
}

impl Kind {
    fn of(body: Node<'_>) -> Self {
        let build = body.get("build");
        let has = |keys: &[&str]| keys.iter().all(|key| body.has(key));
        if ["phase", "full_url", "fullUrl", "scmState"].iter().any(|key| build.has(key)) {
            Self::Build
        } else if has(&["projectName", "buildUrl"]) || has(&["projectName", "buildName", "event"]) {
            Self::Outbound
        } else if has(&["jenkinsQueueId"]) {
            Self::Queue
        } else if has(&["nodeName", "numExecutors"]) || has(&["name", "url", "displayName", "userId"]) {
            Self::Other
        } else {
            Self::Unknown
        }
    }
}

fn build(body: Node<'_>) -> Found {
    let build = body.get("build");
    let scm = if build.has("scmState") { build.get("scmState") } else { build.get("scm") };
    let state = state(build);
    let (started_at, finished_at) = times(build);
    let details = Details {
        unit: Unit::Run,
        workflow: name(body).and_then(Node::text),
        outcome: word(build).text(),
        branch: scm.get("branch").str().and_then(branch),
        commit: scm.get("commit").text(),
        run_url: page(build).and_then(Node::link),
        run_id: run_id(name(body), build.get("number")),
        repo: scm.get("url").str().and_then(remote::shown),
        // Without a user of its own Jenkins does things as SYSTEM.
        actor: body.get("userName").text().filter(|name| name.as_str() != "SYSTEM"),
        started_at,
        ..Details::default()
    };
    // The repository is known only once it was checked out, so it is no part of what a build is known by; and a
    // job's name is unique only within its folder.
    let job = first([body.get("url"), body.get("name")], Node::id);
    let numbered = || Some(format!("{} {}", job.as_ref()?, build.get("number").id()?));
    let run =
        first([build.get("full_url"), build.get("fullUrl"), build.get("url")], Node::id).or_else(numbered);
    let identity = Identity::new(None, job.clone(), run);
    Draft { details, identity, machine: None, finished_at }.with(state)
}

fn outbound(body: Node<'_>) -> Found {
    let (project, build) = (body.get("projectName"), body.get("buildName"));
    let details = Details {
        unit: Unit::Run,
        workflow: project.text(),
        outcome: body.get("event").text(),
        run_url: body.get("buildUrl").link(),
        run_id: run_id(Some(project), build),
        ..Details::default()
    };
    let numbered = || Some(format!("{} {}", project.id()?, build.id()?));
    let run = body.get("buildUrl").id().or_else(numbered);
    let identity = Identity::new(None, project.id(), run);
    Draft { details, identity, machine: None, finished_at: None }.with(outbound_state(body.get("event")))
}

/// What waits has no build yet: its number is the queue's.
fn queue(body: Node<'_>) -> Details {
    Details {
        workflow: body.get("displayName").text(),
        outcome: body.get("status").text(),
        run_id: body.get("jenkinsQueueId").id_text(),
        actor: body.get("startedBy").text(),
        ..Details::default()
    }
}

fn name(body: Node<'_>) -> Option<Node<'_>> {
    let names = [body.get("name"), body.get("display_name"), body.get("displayName")];
    names.into_iter().find(|name| name.str().is_some())
}

fn page(build: Node<'_>) -> Option<Node<'_>> {
    [build.get("full_url"), build.get("fullUrl")].into_iter().find(|url| url.str().is_some())
}

/// A number is unique only within its job.
fn run_id(job: Option<Node<'_>>, number: Node<'_>) -> Option<Text> {
    Text::new(&format!("{}#{}", job?.str()?, number.id()?))
}

/// The phase while a build runs, then its result.
fn word(build: Node<'_>) -> Node<'_> {
    let (phase, status) = (build.get("phase"), build.get("status"));
    if is_ended(phase.str()) && !status.is_missing() { status } else { phase }
}

/// Both phases tell the result: the second is sent when the build's files are closed too. Before version 1.6 of the
/// Notification plugin that was called `FINISHED`.
fn is_ended(phase: Option<&str>) -> bool {
    matches!(phase, Some("COMPLETED" | "FINALIZED" | "FINISHED"))
}

fn state(build: Node<'_>) -> Result<State, Silence> {
    match build.get("phase").str().ok_or(Silence::MISSING)? {
        phase if is_ended(Some(phase)) => result(build.get("status")),
        "QUEUED" => Ok(State::Queued),
        // The result of a build that still runs may change.
        "STARTED" => Ok(State::Running),
        // Somebody's pipeline step says something.
        "NONE" => Err(Silence::Ignored(Ignored::UnsupportedEvent)),
        _ => Err(Silence::UNKNOWN),
    }
}

fn result(status: Node<'_>) -> Result<State, Silence> {
    if status.is_missing() {
        return Err(Silence::Ignored(Ignored::NoConclusion));
    }
    match status.str() {
        Some("SUCCESS" | "UNSTABLE") => Ok(State::Succeeded),
        Some("FAILURE" | "FAILED" | "ABORTED" | "NOT_BUILT") => Ok(State::Failed),
        _ => Err(Silence::UNKNOWN),
    }
}

/// Versions differ in the case of the words.
fn outbound_state(event: Node<'_>) -> Result<State, Silence> {
    match event.str().ok_or(Silence::MISSING)?.to_ascii_lowercase().as_str() {
        "start" => Ok(State::Running),
        "success" | "unstable" => Ok(State::Succeeded),
        "failure" => Ok(State::Failed),
        // Of a pipeline's step, with what its author wrote.
        "pipeline" => Err(Silence::Ignored(Ignored::UnsupportedEvent)),
        _ => Err(Silence::UNKNOWN),
    }
}

/// Without the name of the remote; a detached head is no branch.
fn branch(name: &str) -> Option<Text> {
    let name = name.strip_prefix("refs/remotes/").unwrap_or(name);
    let name = name.strip_prefix("origin/").unwrap_or(name);
    branch_of(None, name).filter(|name| !matches!(name.as_str(), "detached" | "HEAD"))
}

/// When a build started and ended: `timestamp` is the time of the phase, the duration that of an ended build.
fn times(build: Node<'_>) -> (Option<Timestamp>, Option<Timestamp>) {
    let (phase, time) = (build.get("phase").str(), build.get("timestamp").unix_millis());
    if !is_ended(phase) {
        return (time.filter(|_| phase == Some("STARTED")), None);
    }
    let lasted = build.get("duration").number().filter(|millis| *millis > 0);
    let started = lasted.zip(build.get("timestamp").number());
    let started = started.and_then(|(lasted, end)| i64::try_from(end.checked_sub(lasted)? / 1000).ok());
    (started.and_then(Timestamp::from_unix), time)
}
