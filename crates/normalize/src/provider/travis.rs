//! Travis CI: builds.
//!
//! Source: Travis CI docs, "Configuring Build Notifications", section on webhooks. On the wire the body is a form
//! whose `payload` is the JSON.
//!
//! The numbers `status` and `result` are not read: 1 stands for a failed build and for one that has not finished.

use meshhook_model::{Details, Round, State, Text, Timestamp, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::provider::RUNS;
use crate::refs::{branch_of, is_request};
use crate::tree::{Node, first};
use crate::{Identity, Provider, Unreadable};

pub(crate) static PROVIDER: Provider = Provider {
    name: "travis",
    schemes: &["travis"],
    default_scheme: Some("travis"),
    units: RUNS,
    forks_untold: &[],
    event_header: None,
    fits: is_build,
    // The time of the commit, `committed_at`, is its author's to choose.
    newest: |body| started(body).max(finished(body)),
    read,
};

fn is_build(body: Node<'_>) -> bool {
    let repository = body.get("repository");
    let states = ["state", "status_message", "result_message"].iter().any(|key| body.has(key));
    states && repository.has("owner_name") && body.has("id")
}

fn read(body: Node<'_>, _: Option<&str>) -> Found {
    if is_build(body) {
        build(body).with(state(body))
    } else {
        Found::unreadable(Unreadable::UnknownShape, Details::default())
    }
}

fn build(body: Node<'_>) -> Draft {
    let repo = repo(body);
    let finished_at = finished(body);
    let details = Details {
        unit: Unit::Run,
        workflow: repo.as_deref().and_then(Text::new),
        outcome: word(body).and_then(Text::new),
        branch: body.get("branch").str().and_then(|name| branch_of(None, name)),
        owner_unknown: is_pull_request(body),
        // Travis builds a pull request as merged; its own commit is the head.
        commit: first([body.get("head_commit"), body.get("commit")], Node::text),
        run_url: body.get("build_url").link(),
        run_id: body.get("id").id_text(),
        round: round(finished_at),
        repo: repo.as_deref().and_then(Text::new),
        title: body.get("pull_request_title").text().or_else(|| body.get("message").first_line()),
        started_at: started(body),
        ..Details::default()
    };
    let run = first([body.get("id"), body.get("build_url")], Node::id);
    Draft { details, identity: Identity::new(repo, None, run), machine: None, finished_at }
}

/// Of a pull request `branch` is the one that it is to go to; whose the one is that was built is not told.
fn is_pull_request(body: Node<'_>) -> bool {
    is_request(body.get("pull_request_number"))
        || body.get("type").str() == Some("pull_request")
        || body.get("pull_request").flag() == Some(true)
}

/// A build that is restarted keeps its id: only the time at which it finished tells one end from another.
fn round(finished_at: Option<Timestamp>) -> Round {
    finished_at.and_then(|time| u64::try_from(time.unix()).ok()).map_or(Round::FIRST, Round::new)
}

/// The word for the state, else that for people. Old bodies call every finished build `finished`.
fn word(body: Node<'_>) -> Option<&str> {
    let state = body.get("state").str().filter(|state| *state != "finished");
    state.or_else(|| first([body.get("status_message"), body.get("result_message")], Node::str))
}

fn state(body: Node<'_>) -> Result<State, Silence> {
    let word = word(body).ok_or(Silence::MISSING)?;
    match word.to_lowercase().as_str() {
        "pending" | "created" | "queued" | "received" => Ok(State::Queued),
        "started" => Ok(State::Running),
        "passed" | "fixed" => Ok(State::Succeeded),
        "broken" | "failed" | "still failing" | "errored" | "canceled" => Ok(State::Failed),
        _ => Err(Silence::UNKNOWN),
    }
}

fn repo(body: Node<'_>) -> Option<String> {
    let repository = body.get("repository");
    Some(format!("{}/{}", repository.get("owner_name").str()?, repository.get("name").str()?))
}

fn started(body: Node<'_>) -> Option<Timestamp> {
    body.get("started_at").time()
}

fn finished(body: Node<'_>) -> Option<Timestamp> {
    body.get("finished_at").time()
}
