//! Buildbot: the build of its data API, as `HttpStatusPush` sends it, and the shorter body of `ZulipStatusPush`.
//!
//! Source: Buildbot docs, "Reporters" and "Data API: build"; its code (`buildbot/reporters`, `process/results`).

use meshhook_model::{Details, State, Text, Timestamp, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::provider::{RUNS, UNSIGNED};
use crate::refs::branch_of;
use crate::times::ruby;
use crate::tree::{Node, first};
use crate::{Identity, Ignored, Machine, Provider, Unreadable, remote};

pub(crate) static PROVIDER: Provider = Provider {
    name: "buildbot",
    schemes: UNSIGNED,
    default_scheme: None,
    units: RUNS,
    forks_untold: &[],
    event_header: None,
    fits,
    newest,
    read,
};

fn fits(body: Node<'_>) -> bool {
    let build = ["results", "builderid", "builder", "buildername", "state_string"];
    body.has("buildid") && build.iter().any(|key| body.has(key))
}

fn read(body: Node<'_>, _: Option<&str>) -> Found {
    if fits(body) {
        build(body).with(state(body))
    } else if body.get("buildrequest").is_object() {
        // What a `BuildRequestGenerator` tells has no build yet, and nothing that its build will be known by.
        Found::ignored(Ignored::UnsupportedEvent, Details::default())
    } else {
        Found::unreadable(Unreadable::UnknownShape, Details::default())
    }
}

fn build(body: Node<'_>) -> Draft {
    let machine = machine(body);
    let source = source(body);
    let (branch, revision) = (property(body, "branch"), property(body, "revision"));
    let details = Details {
        unit: Unit::Run,
        workflow: first([body.get("buildername"), body.get("builder").get("name")], Node::text),
        outcome: outcome(body),
        branch: first([source.get("branch"), branch], Node::str).and_then(|name| branch_of(None, name)),
        // What was checked out, else what was asked for.
        commit: first([checked_out(body), revision, source.get("revision")], Node::text),
        run_url: body.get("url").link(),
        mesh_node_id: machine.as_ref().map(|machine| machine.name.clone()),
        run_id: body.get("buildid").id_text(),
        repo: project(body).or_else(|| source.get("repository").str().and_then(remote::shown)),
        actor: property(body, "owner").text(),
        started_at: at(body.get("started_at"))
            .or_else(|| at(body.get("timestamp")).filter(|_| !is_ended(body))),
        ..Details::default()
    };
    // Its id is the only part that every reporter sends with every build; it is unique to a master.
    let run = first([body.get("buildid"), body.get("url")], Node::id);
    let workflow =
        first([body.get("buildername"), body.get("builder").get("name"), body.get("builderid")], Node::id);
    let identity = Identity::new(None, workflow, run);
    let finished_at = first([body.get("complete_at"), body.get("timestamp")], at);
    Draft { details, identity, machine, finished_at }
}

/// A finished build has a result, or ought to.
fn is_ended(body: Node<'_>) -> bool {
    let complete = body.get("complete").flag() == Some(true) || body.get("event").str() == Some("finished");
    complete || !body.get("results").is_missing()
}

fn state(body: Node<'_>) -> Result<State, Silence> {
    match (body.get("event").str(), body.get("results")) {
        // The events of the shorter body.
        (Some(event), _) if !matches!(event, "new" | "finished") => Err(Silence::UNKNOWN),
        (Some("new"), _) => Ok(State::Running),
        (_, results) if !results.is_missing() => result(results),
        _ if is_ended(body) => Err(Silence::Ignored(Ignored::NoConclusion)),
        _ if body.get("complete").flag() == Some(false) => Ok(State::Running),
        _ => Err(Silence::MISSING),
    }
}

/// Buildbot's names of its results, in the order of their numbers.
const RESULTS: [&str; 7] = ["success", "warnings", "failure", "skipped", "exception", "retry", "cancelled"];

fn result(results: Node<'_>) -> Result<State, Silence> {
    match name(results) {
        Some("success" | "warnings" | "skipped") => Ok(State::Succeeded),
        Some("failure" | "exception" | "cancelled") => Ok(State::Failed),
        // Another build is to follow.
        Some("retry") => Ok(State::Queued),
        _ => Err(Silence::UNKNOWN),
    }
}

fn name(results: Node<'_>) -> Option<&'static str> {
    RESULTS.get(usize::try_from(results.number()?).ok()?).copied()
}

fn outcome(body: Node<'_>) -> Option<Text> {
    let (results, event) = (body.get("results"), body.get("event"));
    if results.is_missing() || matches!(event.str(), Some(event) if event != "finished") {
        return event.text().filter(|event| event.as_str() != "finished");
    }
    name(results).and_then(Text::new).or_else(|| results.id_text())
}

/// The first of a build's sources; a build of several codebases has several.
fn source(body: Node<'_>) -> Node<'_> {
    let mut sources = body.get("buildset").get("sourcestamps").items();
    sources.next().unwrap_or_else(|| body.get("sourcestamp"))
}

/// The value of a property, which comes with where it is from: `[value, source]`.
fn property<'b>(body: Node<'b>, name: &str) -> Node<'b> {
    let property = body.get("properties").get(name);
    property.items().next().unwrap_or_else(|| property.get("value"))
}

/// The commit that was built; of several codebases the one of the first source.
fn checked_out(body: Node<'_>) -> Node<'_> {
    let got = property(body, "got_revision");
    source(body).get("codebase").str().filter(|_| got.is_object()).map_or(got, |codebase| got.get(codebase))
}

fn project(body: Node<'_>) -> Option<Text> {
    first([body.get("project"), property(body, "project"), source(body).get("project")], Node::text)
}

/// Workers were once called slaves.
fn machine(body: Node<'_>) -> Option<Machine> {
    let name = first([property(body, "workername"), property(body, "slavename")], Node::text)?;
    Some(Machine { name, hosted: false })
}

/// The master's clock.
fn newest(body: Node<'_>) -> Option<Timestamp> {
    let (set, request) = (body.get("buildset"), body.get("buildrequest"));
    let own = ["timestamp", "started_at", "complete_at"].map(|name| body.get(name));
    let asked = [set.get("submitted_at"), set.get("complete_at"), request.get("submitted_at")];
    own.into_iter().chain(asked).filter_map(at).max()
}

/// Seconds since 1970; where somebody's own formatter wrote it, perhaps a text.
fn at(field: Node<'_>) -> Option<Timestamp> {
    field.unix_seconds().or_else(|| field.str().and_then(ruby))
}
