//! CDEvents: pipeline runs, builds, and task runs as jobs.
//!
//! Source: the CDEvents specification, "Core" and "Continuous Integration", and its conformance examples. A field's
//! name has changed between versions (`url`, `uri`), the version is part of the type and not looked at.

use meshhook_model::{Details, RunUrl, State, Text, Timestamp, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::provider::{RUNS, UNSIGNED};
use crate::tree::{Node, first};
use crate::{Identity, Ignored, Provider, Unreadable, cloud_event};

pub(crate) static PROVIDER: Provider = Provider {
    name: "cdevents",
    schemes: UNSIGNED,
    default_scheme: None,
    units: RUNS,
    forks_untold: &[],
    event_header: Some("ce-type"),
    fits: |body| Kind::of(data(body)).is_some_and(|(kind, _)| kind != Kind::Other),
    newest: |body| time(data(body)),
    read,
};

fn read(body: Node<'_>, header: Option<&str>) -> Found {
    let data = data(body);
    let Some((kind, word)) = Kind::of(data) else {
        return Found::unreadable(Unreadable::UnknownShape, Details::default());
    };
    let found = match kind {
        Kind::Other => Found::ignored(Ignored::UnsupportedEvent, Details::default()),
        _ => draft(data, kind, word).with(state(word, data)),
    };
    found.under(header, |event| subject_and_predicate(event) == of_type(data))
}

fn data(body: Node<'_>) -> Node<'_> {
    cloud_event::data(body, |data| data.has("context"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pipeline,
    Build,
    Task,
    Other,
}

impl Kind {
    /// What the event is about, and what happened to it.
    fn of(data: Node<'_>) -> Option<(Self, &str)> {
        let (subject, predicate) = of_type(data).filter(|_| data.get("subject").is_object())?;
        let kind = match subject {
            "pipelinerun" => Self::Pipeline,
            "build" => Self::Build,
            "taskrun" => Self::Task,
            _ => Self::Other,
        };
        Some((kind, predicate))
    }
}

fn of_type(data: Node<'_>) -> Option<(&str, &str)> {
    subject_and_predicate(data.get("context").get("type").str()?)
}

/// Of `dev.cdevents.pipelinerun.finished.0.3.0` the two words in the middle.
fn subject_and_predicate(name: &str) -> Option<(&str, &str)> {
    let mut parts = name.strip_prefix("dev.cdevents.")?.split('.');
    Some((parts.next()?, parts.next()?))
}

fn draft(data: Node<'_>, kind: Kind, word: &str) -> Draft {
    let (context, subject) = (data.get("context"), data.get("subject"));
    let content = subject.get("content");
    let id = subject.get("id");
    let run = [content.get("pipelineRun").get("id"), id];
    let details = Details {
        unit: if kind == Kind::Task { Unit::Job } else { Unit::Run },
        workflow: content.get("pipelineName").text(),
        job: content.get("taskName").text().filter(|_| kind == Kind::Task),
        outcome: content.get("outcome").text().or_else(|| Text::new(word)),
        run_url: first([content.get("uri"), content.get("url")], |uri| uri.link().and_then(page)),
        run_id: if kind == Kind::Task { first(run, Node::id_text) } else { id.id_text() },
        ..Details::default()
    };
    // Ids are unique within their source, which is the event's where the subject has none.
    let source = first([subject.get("source"), context.get("source")], Node::id);
    let identity = Identity::new(source, None, None);
    let identity = match kind {
        Kind::Task => Identity { run: first(run, Node::id), ..identity }.of_job(id.id()),
        // A build may be part of a pipeline run of the same id.
        Kind::Build => Identity { run: id.id().map(|id| format!("build {id}")), ..identity },
        _ => Identity { run: id.id(), ..identity },
    };
    Draft { details, identity, machine: None, finished_at: time(data) }
}

/// RFC 3339; Harness writes milliseconds.
fn time(data: Node<'_>) -> Option<Timestamp> {
    let timestamp = data.get("context").get("timestamp");
    timestamp.time().or_else(|| timestamp.unix_time())
}

/// A URI may be relative.
fn page(uri: RunUrl) -> Option<RunUrl> {
    uri.link().is_some().then_some(uri)
}

fn state(word: &str, data: Node<'_>) -> Result<State, Silence> {
    let outcome = data.get("subject").get("content").get("outcome");
    match word {
        "queued" => Ok(State::Queued),
        "started" => Ok(State::Running),
        // A build's end has no outcome in the specification, the others' may be left out.
        "finished" if outcome.is_missing() => Err(Silence::Ignored(Ignored::NoConclusion)),
        "finished" => finished(outcome),
        _ => Err(Silence::UNKNOWN),
    }
}

fn finished(outcome: Node<'_>) -> Result<State, Silence> {
    match outcome.str().ok_or(Silence::UNKNOWN)? {
        "success" => Ok(State::Succeeded),
        "failure" | "error" | "cancel" => Ok(State::Failed),
        _ => Err(Silence::UNKNOWN),
    }
}
