//! Harness: pipelines and their stages.
//!
//! Source: Harness docs, "Add a pipeline notification strategy", the fields of its `WebhookNotificationEvent`, and
//! the words of its execution status.
//!
//! The event says what happened, the status how: where both do, they have to say the same.

use meshhook_model::{Details, State, Text, Timestamp, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::provider::{RUNS, UNSIGNED};
use crate::tree::{Node, first};
use crate::{Identity, Ignored, Provider, Unreadable};

pub(crate) static PROVIDER: Provider = Provider {
    name: "harness",
    schemes: UNSIGNED,
    default_scheme: None,
    units: RUNS,
    forks_untold: &[],
    event_header: None,
    fits: |body| event(body).is_some_and(|event| unit(event).is_some()),
    newest: |body| started(data(body)).max(ended(data(body))),
    read,
};

fn read(body: Node<'_>, _: Option<&str>) -> Found {
    let data = data(body);
    let Some(event) = event(body) else {
        return Found::unreadable(Unreadable::UnknownShape, Details::default());
    };
    match unit(event) {
        Some((unit, word)) => draft(data, unit, event).with(state(&word, status(data))),
        None => Found::ignored(Ignored::UnsupportedEvent, common(data)),
    }
}

fn data(body: Node<'_>) -> Node<'_> {
    ["eventData", "data"].into_iter().map(|key| body.get(key)).find(|data| data.is_object()).unwrap_or(body)
}

/// `PipelineStart`, `StageFailed`, `TriggerFailed`, …
fn event(body: Node<'_>) -> Option<&str> {
    let data = data(body);
    let known = data.has("planExecutionId") || data.has("pipelineIdentifier");
    first([body.get("eventType"), data.get("eventType")], Node::str).filter(|_| known)
}

/// What the event is about, and what happened to it.
fn unit(event: &str) -> Option<(Unit, String)> {
    let event = letters(event);
    let of = |unit, name| Some((unit, event.strip_prefix(name)?.to_owned()));
    of(Unit::Run, "pipeline").or_else(|| of(Unit::Stage, "stage"))
}

/// A word without its spelling: `PipelineStart` is `PIPELINE_START`, and `AsyncWaiting` is `ASYNC_WAITING`.
fn letters(word: &str) -> String {
    word.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

fn draft(data: Node<'_>, unit: Unit, event: &str) -> Draft {
    let run = data.get("planExecutionId");
    let (stage, name) = (data.get("stageIdentifier"), data.get("stageName"));
    let of_stage = unit == Unit::Stage;
    let details = Details {
        unit,
        job: first([name, stage], Node::text).filter(|_| of_stage),
        outcome: status(data).or(Some(event)).and_then(Text::new),
        run_url: first([data.get("executionUrl"), data.get("pipelineUrl")], Node::link),
        run_id: run.id_text(),
        started_at: started(data),
        ..common(data)
    };
    // The id of an execution is unique, and each retry of a pipeline is one.
    let identity = Identity::new(
        None,
        data.get("pipelineIdentifier").id(),
        first([run, data.get("executionUrl")], Node::id),
    );
    let identity = if of_stage { identity.of_job(first([stage, name], Node::id)) } else { identity };
    Draft { details, identity, machine: None, finished_at: ended(data) }
}

fn common(data: Node<'_>) -> Details {
    Details {
        workflow: first([data.get("pipelineName"), data.get("pipelineIdentifier")], Node::text),
        actor: data.get("triggeredBy").get("name").text(),
        ..Details::default()
    }
}

fn status(data: Node<'_>) -> Option<&str> {
    first([data.get("nodeStatus"), data.get("status")], Node::str)
}

fn state(event: &str, status: Option<&str>) -> Result<State, Silence> {
    let status = status.map(|word| of_status(word).ok_or(Silence::UNKNOWN)).transpose()?;
    let told = match event {
        "start" => State::Running,
        // Paused by a person, who has to let it go on.
        "paused" | "pause" => State::Queued,
        "success" => State::Succeeded,
        "failed" => State::Failed,
        "end" => return status.filter(|state| state.is_terminal()).ok_or(Silence::MISSING),
        _ => return Err(Silence::UNKNOWN),
    };
    match status {
        Some(status) if status != told && (status.is_terminal() || told.is_terminal()) => {
            Err(Silence::UNKNOWN)
        }
        _ => Ok(told),
    }
}

/// A status, or one of the few words that notifications have for them.
fn of_status(word: &str) -> Option<State> {
    match letters(word).as_str() {
        "notstarted" | "queued" | "queuedlicenselimitreached" | "queuedexecutionconcurrencyreached" => {
            Some(State::Queued)
        }
        // Waiting for a resource, or for a person.
        "resourcewaiting" | "approvalwaiting" | "interventionwaiting" | "inputwaiting" | "paused" => {
            Some(State::Queued)
        }
        "starting" | "started" | "running" | "pausing" | "discontinuing" => Some(State::Running),
        "asyncwaiting" | "taskwaiting" | "timedwaiting" | "waitsteprunning" => Some(State::Running),
        "success" | "succeeded" | "completed" | "skipped" => Some(State::Succeeded),
        // Failed, and by its author's will no failure.
        "ignorefailed" => Some(State::Succeeded),
        "failed" | "errored" | "error" | "expired" | "suspended" => Some(State::Failed),
        "aborted" | "abortedbyfreeze" | "approvalrejected" | "rejected" => Some(State::Failed),
        _ => None,
    }
}

fn started(data: Node<'_>) -> Option<Timestamp> {
    data.get("startTs").unix_time()
}

fn ended(data: Node<'_>) -> Option<Timestamp> {
    data.get("endTs").unix_time()
}
