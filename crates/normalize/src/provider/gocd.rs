//! GoCD: the status of a stage, as notification plugins send it.
//!
//! Source: GoCD plugin API, "Notifications: stage status changed". Plugins send that as it is (`gocd-plugin-webhooker`)
//! or as the `data` of `{"type": "stage"}` (`gocd-http-notifications-plugin`, `gocd-webhook-notification-plugin`).
//!
//! A pipeline as a whole has no status. Of the machines it says only the ids that GoCD gave its agents.

use meshhook_model::{Attempt, Details, Round, State, Text, Timestamp, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::provider::UNSIGNED;
use crate::refs::branch_of;
use crate::times::java;
use crate::tree::{Node, first};
use crate::{Identity, Ignored, Provider, Unreadable};

pub(crate) static PROVIDER: Provider = Provider {
    name: "gocd",
    schemes: UNSIGNED,
    default_scheme: None,
    units: &[Unit::Stage],
    forks_untold: &[],
    event_header: None,
    fits: |body| is_stage(body),
    newest,
    read,
};

fn read(body: Node<'_>, _: Option<&str>) -> Found {
    let stage = pipeline(body).get("stage");
    if is_stage(body) {
        self::stage(pipeline(body)).with(state(stage.get("state")))
    } else if body.get("type").str() == Some("agent") || body.has("agent_state") {
        Found::ignored(Ignored::UnsupportedEvent, Details::default())
    } else {
        Found::unreadable(Unreadable::UnknownShape, Details::default())
    }
}

fn pipeline(body: Node<'_>) -> Node<'_> {
    if body.has("data") { body.get("data").get("pipeline") } else { body.get("pipeline") }
}

fn is_stage(body: Node<'_>) -> bool {
    pipeline(body).get("stage").is_object() && matches!(body.get("type").str(), Some("stage") | None)
}

fn stage(pipeline: Node<'_>) -> Draft {
    let stage = pipeline.get("stage");
    let attempt = number(stage.get("counter")).and_then(Attempt::new);
    let source = source(pipeline);
    let details = Details {
        unit: Unit::Stage,
        workflow: pipeline.get("name").text(),
        job: stage.get("name").text(),
        outcome: stage.get("state").text(),
        branch: source.and_then(branch),
        commit: source.and_then(revision),
        run_id: run_id(pipeline, stage),
        attempt,
        round: attempt.map_or(Round::FIRST, Round::from),
        actor: stage.get("approved-by").text().filter(|by| !NOBODY.contains(&by.as_str())),
        started_at: at(stage.get("create-time")),
        ..Details::default()
    };
    // A stage that is run again keeps its pipeline's counter, and its own grows: another round.
    let run = pipeline.get("name").id().zip(pipeline.get("counter").id());
    let run = run.map(|(name, counter)| format!("{name}/{counter}"));
    let identity = Identity::new(None, pipeline.get("name").id(), run).of_job(stage.get("name").id());
    Draft { details, identity, machine: None, finished_at: at(stage.get("last-transition-time")) }
}

/// What sets a stage off that no person does, and whoever uses a server without accounts.
const NOBODY: [&str; 3] = ["changes", "timer", "anonymous"];

fn state(word: Node<'_>) -> Result<State, Silence> {
    match word.str().ok_or(Silence::MISSING)? {
        // Sent when a stage is scheduled.
        "Building" | "Failing" => Ok(State::Running),
        "Passed" => Ok(State::Succeeded),
        "Failed" | "Cancelled" => Ok(State::Failed),
        _ => Err(Silence::UNKNOWN),
    }
}

/// What a pipeline was built from, and at which revision: of several repositories the one that changed.
fn source(pipeline: Node<'_>) -> Option<Node<'_>> {
    let causes = pipeline.get("build-cause").items();
    let mut of_commits = causes.filter(|cause| COMMITS.iter().any(|kind| cause.get("material").has(kind)));
    let changed = of_commits.clone().find(|cause| cause.get("changed").flag() == Some(true));
    changed.or_else(|| of_commits.next())
}

/// The materials whose revision is a commit's hash: not another pipeline, and not a number of Subversion's.
const COMMITS: [&str; 3] = ["git-configuration", "mercurial-configuration", "scm-configuration"];

fn revision(source: Node<'_>) -> Option<Text> {
    source.get("modifications").items().next()?.get("revision").text()
}

fn branch(source: Node<'_>) -> Option<Text> {
    branch_of(None, source.get("material").get("git-configuration").get("branch").str()?)
}

/// `pipeline/counter/stage/counter`, as GoCD's own addresses have it.
fn run_id(pipeline: Node<'_>, stage: Node<'_>) -> Option<Text> {
    let parts = [pipeline.get("name"), pipeline.get("counter"), stage.get("name"), stage.get("counter")];
    let parts: Option<Vec<_>> = parts.into_iter().map(Node::id).collect();
    Text::new(&parts?.join("/"))
}

/// Counters are sent as texts.
fn number(counter: Node<'_>) -> Option<u64> {
    counter.id()?.parse().ok()
}

fn newest(body: Node<'_>) -> Option<Timestamp> {
    let stage = pipeline(body).get("stage");
    first([stage.get("last-transition-time"), stage.get("create-time")], at)
}

/// Old versions write the time of day as their server's language does, without a zone: that is no time.
fn at(field: Node<'_>) -> Option<Timestamp> {
    field.str().and_then(java)
}
