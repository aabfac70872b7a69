//! Tekton: pipeline runs, and task runs as jobs.
//!
//! Source: Tekton docs, "Events in Tekton", and the code that sends them (`pkg/reconciler/events/cloudevent`): the
//! type is told from the condition `Succeeded` of the object in the body, so the condition is read.

use meshhook_model::{Details, State, Text, Timestamp, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::provider::{RUNS, UNSIGNED};
use crate::tree::{Node, first};
use crate::{Identity, Ignored, Provider, Unreadable, cloud_event};

pub(crate) static PROVIDER: Provider = Provider {
    name: "tekton",
    schemes: UNSIGNED,
    default_scheme: None,
    units: RUNS,
    forks_untold: &[],
    event_header: Some("ce-type"),
    fits: |body| matches!(Kind::of(data(body)), Kind::Pipeline | Kind::Task),
    newest,
    read,
};

fn read(body: Node<'_>, header: Option<&str>) -> Found {
    let data = data(body);
    let kind = Kind::of(data);
    let object = kind.object(data);
    let state = state(object);
    let stands = state.as_ref().ok().copied();
    let found = match kind {
        Kind::Pipeline => pipeline(object).with(state),
        Kind::Task => task(object).with(state),
        Kind::Custom => Found::ignored(Ignored::UnsupportedEvent, Details::default()),
        Kind::Unknown => Found::unreadable(Unreadable::UnknownShape, Details::default()),
    };
    found.under(header, |event| kind.agrees_with(event, stands))
}

fn data(body: Node<'_>) -> Node<'_> {
    cloud_event::data(body, |data| Kind::of(data) != Kind::Unknown)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pipeline,
    Task,
    /// A task that somebody's own controller runs.
    Custom,
    Unknown,
}

impl Kind {
    fn of(data: Node<'_>) -> Self {
        let has = |key: &str| data.get(key).get("metadata").is_object();
        match (has("pipelineRun"), has("taskRun")) {
            (true, false) => Self::Pipeline,
            (false, true) => Self::Task,
            (false, false) if has("customRun") || has("run") => Self::Custom,
            _ => Self::Unknown,
        }
    }

    fn object(self, data: Node<'_>) -> Node<'_> {
        data.get(if self == Self::Pipeline { "pipelineRun" } else { "taskRun" })
    }

    /// Whether a type may stand over such a body: `dev.tekton.event.taskrun.successful.v1`.
    fn agrees_with(self, header: &str, state: Option<State>) -> bool {
        let mut parts = header.strip_prefix("dev.tekton.event.").unwrap_or_default().split('.');
        let (kind, word) = (parts.next(), parts.next());
        match (self, kind) {
            (Self::Pipeline, Some("pipelinerun")) | (Self::Task, Some("taskrun")) => {
                state.is_none_or(|state| word.is_some_and(|word| names(word, state)))
            }
            (Self::Pipeline | Self::Task, _) => false,
            (Self::Custom | Self::Unknown, kind) => !matches!(kind, Some("pipelinerun" | "taskrun")),
        }
    }
}

/// Whether a word of a type is one for this state.
fn names(word: &str, state: State) -> bool {
    match word {
        "successful" => state == State::Succeeded,
        "failed" => state == State::Failed,
        "queued" | "started" | "running" | "unknown" => !state.is_terminal(),
        _ => false,
    }
}

fn pipeline(object: Node<'_>) -> Draft {
    let details = Details { unit: Unit::Run, workflow: pipeline_name(object), ..common(object) };
    let id = uid(object);
    draft(object, Details { run_id: id.id_text(), ..details }, Identity::new(None, None, id.id()))
}

fn task(object: Node<'_>) -> Draft {
    let labels = labels(object);
    let name = [
        labels.get("tekton.dev/pipelineTask"),
        labels.get("tekton.dev/task"),
        object.get("spec").get("taskRef").get("name"),
        object.get("metadata").get("name"),
    ];
    // A task outside of any pipeline is a run of its own.
    let run = [owner(object), labels.get("tekton.dev/pipelineRunUID"), uid(object)];
    let details = Details {
        unit: Unit::Job,
        workflow: pipeline_name(object),
        job: first(name, Node::text),
        run_id: first(run, Node::id_text),
        ..common(object)
    };
    let identity = Identity::new(None, None, first(run, Node::id)).of_job(uid(object).id());
    draft(object, details, identity)
}

fn draft(object: Node<'_>, details: Details, identity: Identity) -> Draft {
    Draft { details, identity, machine: None, finished_at: object.get("status").get("completionTime").time() }
}

fn common(object: Node<'_>) -> Details {
    Details {
        outcome: outcome(condition(object)),
        started_at: object.get("status").get("startTime").time(),
        ..Details::default()
    }
}

/// The pipeline's name. One that a run brings along has none.
fn pipeline_name(object: Node<'_>) -> Option<Text> {
    let reference = object.get("spec").get("pipelineRef").get("name");
    first([labels(object).get("tekton.dev/pipeline"), reference], Node::text)
}

fn labels(object: Node<'_>) -> Node<'_> {
    object.get("metadata").get("labels")
}

fn uid(object: Node<'_>) -> Node<'_> {
    object.get("metadata").get("uid")
}

/// The id of the pipeline run that a task belongs to.
fn owner(object: Node<'_>) -> Node<'_> {
    let owners = object.get("metadata").get("ownerReferences");
    let run = owners.items().find(|owner| owner.get("kind").str() == Some("PipelineRun"));
    run.unwrap_or(owners).get("uid")
}

/// The condition that says how a run stands; of a kind that has no fields where there is none.
fn condition(object: Node<'_>) -> Node<'_> {
    let conditions = object.get("status").get("conditions");
    let found = conditions.items().find(|condition| condition.get("type").str() == Some("Succeeded"));
    found.unwrap_or(conditions)
}

fn state(object: Node<'_>) -> Result<State, Silence> {
    let condition = condition(object);
    // Nobody has looked at it yet.
    if uid(object).str().is_some() && condition.is_missing() {
        return Ok(State::Queued);
    }
    match condition.get("status").str().ok_or(Silence::MISSING)? {
        "Unknown" if is_pending(condition.get("reason")) => Ok(State::Queued),
        "Unknown" => Ok(State::Running),
        "True" => Ok(State::Succeeded),
        "False" => Ok(State::Failed),
        _ => Err(Silence::UNKNOWN),
    }
}

/// Made to wait for somebody who lets it begin. A task whose reason is `Pending` has its pod already.
fn is_pending(reason: Node<'_>) -> bool {
    reason.str() == Some("PipelineRunPending")
}

/// The reason says more than the three values of a condition, if they are ones.
fn outcome(condition: Node<'_>) -> Option<Text> {
    let status = condition.get("status");
    let known = matches!(status.str(), Some("Unknown" | "True" | "False"));
    condition.get("reason").text().filter(|_| known).or_else(|| status.text())
}

/// Tekton's controllers and Kubernetes write all of them.
fn newest(body: Node<'_>) -> Option<Timestamp> {
    let data = data(body);
    let object = Kind::of(data).object(data);
    let status = object.get("status");
    let times = [
        object.get("metadata").get("creationTimestamp"),
        status.get("startTime"),
        status.get("completionTime"),
        condition(object).get("lastTransitionTime"),
    ];
    times.into_iter().filter_map(Node::time).max()
}
