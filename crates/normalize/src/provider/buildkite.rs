//! Buildkite: build and job events, as webhooks and in Amazon EventBridge's envelope.
//!
//! Source: Buildkite docs, "Webhooks", "REST API: builds" and "Amazon EventBridge".
//!
//! A body shows the build as it is when the request is made, which can be later than the event. So the states are
//! read, and of the event only what it is about.

use meshhook_model::{Attempt, Details, Round, State, Text, Timestamp, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::provider::RUNS;
use crate::refs::branch_of;
use crate::times::ruby;
use crate::tree::{Node, first};
use crate::{Identity, Ignored, Machine, Provider, Unreadable, remote};

pub(crate) static PROVIDER: Provider = Provider {
    name: "buildkite",
    schemes: &["buildkite", "buildkite-token"],
    default_scheme: Some("buildkite"),
    units: RUNS,
    forks_untold: &[],
    event_header: Some("X-Buildkite-Event"),
    fits: |body| {
        let of_build = matches!(Kind::of(body), Kind::Build | Kind::Job | Kind::Unblocked);
        of_build && event(body).get("build").is_object()
    },
    newest,
    read,
};

fn read(body: Node<'_>, header: Option<&str>) -> Found {
    let event = event(body);
    let found = match Kind::of(body) {
        Kind::Build => build(event),
        Kind::Job => job(event).with(job_state(event.get("job"))),
        Kind::Unblocked => Found::ignored(Ignored::UnsupportedEvent, unblocked(event)),
        Kind::Ping => Found::ignored(Ignored::Ping, Details::default()),
        Kind::Other => Found::ignored(Ignored::UnsupportedEvent, Details::default()),
        Kind::Unknown => Found::unreadable(Unreadable::UnknownShape, Details::default()),
    };
    found.under(header, |event| body.get("event").str() == Some(event))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Build,
    Job,
    /// A step that waited for a person, who has come.
    Unblocked,
    Ping,
    Other,
    Unknown,
}

impl Kind {
    fn of(body: Node<'_>) -> Self {
        let event = event(body);
        let name = if body.has("detail-type") { body.get("detail-type") } else { body.get("event") };
        let about = name.str().map(|name| name.split_once(['.', ' ']).unwrap_or(("", name)));
        match about {
            Some(("", "ping")) => Self::Ping,
            Some(("build" | "Build", _)) => Self::Build,
            Some(("job" | "Job", what)) if is_manual(what, event.get("job")) => Self::Unblocked,
            Some(("job" | "Job", _)) => Self::Job,
            Some(_) => Self::Other,
            None if !event.get("build").is_object() || !event.get("pipeline").is_object() => Self::Unknown,
            None if event.get("job").is_object() => Self::Job,
            None => Self::Build,
        }
    }
}

/// Steps that only a person takes have no result: `passed` is false of one that was unblocked.
fn is_manual(event: &str, job: Node<'_>) -> bool {
    event.eq_ignore_ascii_case("activated") || job.get("type").str() == Some("manual")
}

/// What an event is about: the body, or what EventBridge wraps.
fn event(body: Node<'_>) -> Node<'_> {
    if body.has("detail-type") { body.get("detail") } else { body }
}

fn build(event: Node<'_>) -> Found {
    let build = event.get("build");
    let state = build_state(build);
    let finished_at = at(build.get("finished_at"));
    let details = Details {
        unit: Unit::Run,
        outcome: if is_blocked(build) { Text::new(BLOCKED) } else { build.get("state").text() },
        round: round(&state, build, finished_at),
        started_at: at(build.get("started_at")),
        ..common(event)
    };
    Draft { details, identity: identity(event), machine: None, finished_at }.with(state)
}

fn job(event: Node<'_>) -> Draft {
    let job = event.get("job");
    let machine = machine(first([job.get("agent"), event.get("agent")], object));
    let details = Details {
        unit: Unit::Job,
        job: job_name(job),
        outcome: Text::new(result(job)).or_else(|| job.get("state").text()),
        run_url: first([job.get("web_url"), event.get("build").get("web_url")], Node::link),
        mesh_node_id: machine.as_ref().map(|machine| machine.name.clone()),
        // Of no round: a job that is retried gets another id.
        attempt: job.get("retries_count").number().and_then(|retries| Attempt::new(retries.checked_add(1)?)),
        started_at: at(job.get("started_at")),
        ..common(event)
    };
    let id = first([job.get("id"), job.get("uuid"), job.get("step_key"), job.get("name")], Node::id);
    let finished_at = at(job.get("finished_at"));
    Draft { details, identity: identity(event).of_job(id), machine, finished_at }
}

/// The words are ours: the step's own `state` tells nothing that could be said of a build.
fn unblocked(event: Node<'_>) -> Details {
    Details {
        unit: Unit::Job,
        job: job_name(event.get("job")),
        outcome: Text::new("block_step_unblocked"),
        ..common(event)
    }
}

fn common(event: Node<'_>) -> Details {
    let (build, pipeline) = (event.get("build"), event.get("pipeline"));
    Details {
        workflow: first([pipeline.get("name"), pipeline.get("slug")], Node::text),
        branch: branch(event),
        owner_unknown: has_unknown_owner(event),
        // Until an agent has looked, the newest commit of a branch is asked for by this name.
        commit: build.get("commit").text().filter(|commit| commit.as_str() != "HEAD"),
        run_url: build.get("web_url").link(),
        run_id: first([build.get("id"), build.get("uuid")], Node::id_text),
        repo: repository(event).and_then(remote::shown),
        actor: first([build.get("creator").get("name"), build.get("author").get("name")], Node::text),
        title: build.get("message").first_line(),
        ..Details::default()
    }
}

fn identity(event: Node<'_>) -> Identity {
    let (build, pipeline) = (event.get("build"), event.get("pipeline"));
    // Numbers are a pipeline's own, and two organisations may have a pipeline of the same name.
    let number = || {
        let of = first([pipeline.get("id"), pipeline.get("url"), pipeline.get("slug")], Node::id)?;
        Some(format!("{of} {}", build.get("number").id()?))
    };
    let id = first([build.get("id"), build.get("uuid"), build.get("web_url")], Node::id).or_else(number);
    let workflow = first([pipeline.get("slug"), pipeline.get("name"), pipeline.get("id")], Node::id);
    Identity::new(repository(event).map(str::to_owned), workflow, id)
}

const BLOCKED: &str = "blocked";

/// A build that waits for a person is sent as finished, with what it came to so far.
fn is_blocked(build: Node<'_>) -> bool {
    let so_far = matches!(build.get("state").str(), Some("passed" | "failed"));
    so_far && build.get("blocked").flag() == Some(true)
}

fn build_state(build: Node<'_>) -> Result<State, Silence> {
    match build.get("state").str().ok_or(Silence::MISSING)? {
        _ if is_blocked(build) => Ok(State::Queued),
        "creating" | "scheduled" | "waiting" | BLOCKED => Ok(State::Queued),
        "running" | "started" | "failing" | "canceling" => Ok(State::Running),
        "passed" | "skipped" | "not_run" => Ok(State::Succeeded),
        "failed" | "canceled" | "waiting_failed" => Ok(State::Failed),
        _ => Err(Silence::UNKNOWN),
    }
}

fn job_state(job: Node<'_>) -> Result<State, Silence> {
    match job.get("state").str().ok_or(Silence::MISSING)? {
        "pending" | "waiting" | BLOCKED | "limiting" | "limited" | "platform_limiting"
        | "platform_limited" => Ok(State::Queued),
        "scheduled" | "reserved" | "assigned" | "accepted" => Ok(State::Queued),
        "running" | "started" | "canceling" | "timing_out" => Ok(State::Running),
        "passed" | "skipped" => Ok(State::Succeeded),
        "failed" | "canceled" | "timed_out" | "broken" | "expired" => Ok(State::Failed),
        "waiting_failed" | "blocked_failed" | "unblocked_failed" => Ok(State::Failed),
        "unblocked" => Err(Silence::Ignored(Ignored::UnsupportedEvent)),
        "finished" => match job.get("passed").flag() {
            Some(true) => Ok(State::Succeeded),
            Some(false) => Ok(State::Failed),
            None => Err(Silence::MISSING),
        },
        _ => Err(Silence::UNKNOWN),
    }
}

/// How a job came out that EventBridge calls only finished.
fn result(job: Node<'_>) -> &'static str {
    match (job.get("state").str(), job.get("passed").flag()) {
        (Some("finished"), Some(true)) => "passed",
        (Some("finished"), Some(false)) => "failed",
        _ => "",
    }
}

/// A build keeps its id when somebody unblocks it or retries one of its jobs; then it finishes anew.
fn round(state: &Result<State, Silence>, build: Node<'_>, finished_at: Option<Timestamp>) -> Round {
    let waits = is_blocked(build) || build.get("state").str() == Some(BLOCKED);
    let ended = waits || matches!(state, Ok(state) if state.is_terminal());
    let finished = finished_at.filter(|_| ended).and_then(|time| u64::try_from(time.unix()).ok());
    finished.map_or(Round::FIRST, Round::new)
}

/// Of a fork's pull request Buildkite writes `owner:branch` itself, unless a pipeline is set to leave the owner out.
fn branch(event: Node<'_>) -> Option<Text> {
    let build = event.get("build");
    let name = build.get("branch").str()?;
    let head = build.get("pull_request").get("repository").str().filter(|_| !name.contains(':'));
    let owner = head.zip(repository(event)).and_then(|(head, base)| remote::fork_owner(head, base));
    branch_of(owner, name)
}

/// Whether it was built for a pull request of which the body does not tell from where it comes.
fn has_unknown_owner(event: Node<'_>) -> bool {
    let request = event.get("build").get("pull_request");
    !request.get("id").is_missing() && request.get("repository").str().is_none()
}

fn repository(event: Node<'_>) -> Option<&str> {
    let pipeline = event.get("pipeline");
    pipeline.get("repository").str().or_else(|| pipeline.get("repo").str())
}

/// Its label; a step without one by its key.
fn job_name(job: Node<'_>) -> Option<Text> {
    first([job.get("name"), job.get("label"), job.get("step_key")], Node::text)
}

fn machine(agent: Option<Node<'_>>) -> Option<Machine> {
    let agent = agent?;
    let name = first([agent.get("name"), agent.get("hostname")], Node::text)?;
    Some(Machine { name, hosted: false })
}

fn object(node: Node<'_>) -> Option<Node<'_>> {
    Some(node).filter(|node| node.is_object())
}

/// What Buildkite itself wrote: when a job started and finished its agent says.
fn newest(body: Node<'_>) -> Option<Timestamp> {
    let event = event(body);
    let (build, job) = (event.get("build"), event.get("job"));
    let sent = body.has("detail-type").then(|| body.get("time"));
    let of_build = ["created_at", "scheduled_at", "failing_at", "finished_at"].map(|name| build.get(name));
    let of_job = ["created_at", "scheduled_at", "runnable_at"].map(|name| job.get(name));
    sent.into_iter().chain(of_build).chain(of_job).filter_map(at).max()
}

fn at(field: Node<'_>) -> Option<Timestamp> {
    field.str().and_then(ruby)
}
