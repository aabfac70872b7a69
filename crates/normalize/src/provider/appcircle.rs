//! Appcircle: builds.
//!
//! Source: Appcircle docs, "Webhooks". They name the events of the build module in words for people, and show one
//! body. Its ids of branch, commit and profile are Appcircle's own; names are found in the message's text only.

use meshhook_model::{Details, State, Text, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::provider::RUNS;
use crate::tree::{Node, first};
use crate::{Identity, Ignored, Provider, Unreadable};

pub(crate) static PROVIDER: Provider = Provider {
    name: "appcircle",
    schemes: &["appcircle"],
    default_scheme: Some("appcircle"),
    units: RUNS,
    forks_untold: &[],
    event_header: None,
    fits: |body| module(body) == Some("Build") && body.has("deliveryId"),
    newest: |body| body.get("timestamp").time(),
    read,
};

fn read(body: Node<'_>, _: Option<&str>) -> Found {
    match module(body) {
        Some("Build") => build(body).with(state(body)),
        Some(_) => Found::ignored(Ignored::UnsupportedEvent, Details::default()),
        None => Found::unreadable(Unreadable::UnknownShape, Details::default()),
    }
}

/// What stands before the bar in `Build|BuildStart`.
fn module(body: Node<'_>) -> Option<&str> {
    let action = body.get("action").str().filter(|_| body.get("item").is_object())?;
    action.split('|').next()
}

fn build(body: Node<'_>) -> Draft {
    let (item, time) = (body.get("item"), body.get("timestamp").time());
    // The task is the build's from its start to its end; the build's own id is all zeros at first.
    let run = [item.get("taskId"), item.get("id")];
    let details = Details {
        unit: Unit::Run,
        outcome: body.get("action").text(),
        run_url: body.get("links").get("detail").link(),
        run_id: first(run, Node::id_text),
        title: message(body.get("message")),
        ..Details::default()
    };
    let identity = Identity::new(item.get("organizationId").id(), None, first(run, Node::id));
    Draft { details, identity, machine: None, finished_at: time }
}

/// The event's text, which alone tells the branch and profile by name, without the address at its end.
fn message(text: Node<'_>) -> Option<Text> {
    let words = text.str()?.split_whitespace().filter(|word| !word.contains("://"));
    Text::new(&words.collect::<Vec<_>>().join(" "))
}

/// The docs show `BuildStart` for the event "Build Started": so all are read in both forms.
fn state(body: Node<'_>) -> Result<State, Silence> {
    let (_, word) =
        body.get("action").str().and_then(|action| action.split_once('|')).ok_or(Silence::UNKNOWN)?;
    match word {
        "BuildStart" | "BuildStarted" => Ok(State::Running),
        "BuildSuccess" | "BuildSuccessful" | "BuildSucceeded" => Ok(State::Succeeded),
        "BuildCompleteWithWarnings" | "BuildCompletedWithWarnings" => Ok(State::Succeeded),
        "BuildFail" | "BuildFailed" | "BuildTimeout" => Ok(State::Failed),
        "BuildCancel" | "BuildCanceled" | "BuildCancelled" => Ok(State::Failed),
        // Fetching a repository builds nothing, a report follows its build.
        "FetchStart" | "FetchStarted" | "TestReportCreate" | "TestReportCreated" => {
            Err(Silence::Ignored(Ignored::UnsupportedEvent))
        }
        _ => Err(Silence::UNKNOWN),
    }
}
