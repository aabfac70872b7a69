//! Expo EAS: builds, once they have finished.
//!
//! Source: Expo docs, "Webhooks". Submissions to a store have nearly the same shape and are not read.

use meshhook_model::{Details, State, Text, Timestamp, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::provider::RUNS;
use crate::tree::{Node, first};
use crate::{Identity, Ignored, Provider, Unreadable};

pub(crate) static PROVIDER: Provider = Provider {
    name: "eas",
    schemes: &["eas"],
    default_scheme: Some("eas"),
    units: RUNS,
    forks_untold: &[],
    event_header: None,
    fits: |body| Kind::of(body) == Kind::Build,
    newest,
    read,
};

fn read(body: Node<'_>, _: Option<&str>) -> Found {
    match Kind::of(body) {
        Kind::Build => build(body).with(state(body.get("status"))),
        Kind::Submission => Found::ignored(Ignored::UnsupportedEvent, common(body)),
        Kind::Unknown => Found::unreadable(Unreadable::UnknownShape, common(body)),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Build,
    Submission,
    Unknown,
}

impl Kind {
    fn of(body: Node<'_>) -> Self {
        let submission = ["submissionDetailsPageUrl", "submissionInfo", "turtleBuildId"];
        let profile = body.get("metadata").has("buildProfile");
        if submission.iter().any(|key| body.has(key)) {
            Self::Submission
        } else if body.has("buildDetailsPageUrl") || (profile && body.has("platform")) {
            Self::Build
        } else {
            Self::Unknown
        }
    }
}

fn build(body: Node<'_>) -> Draft {
    // What it calls its workflow is how the app is made: `managed` or `generic`.
    let meta = body.get("metadata");
    let profile = meta.get("buildProfile");
    let details = Details {
        workflow: profile.text(),
        outcome: body.get("status").text(),
        commit: meta.get("gitCommitHash").text(),
        run_url: body.get("buildDetailsPageUrl").link(),
        run_id: body.get("id").id_text(),
        title: meta.get("gitCommitMessage").first_line().or_else(|| meta.get("message").first_line()),
        started_at: body.get("workerStartedAt").time(),
        ..common(body)
    };
    let run = first([body.get("id"), body.get("buildDetailsPageUrl")], Node::id);
    // A build that is tried again has another id, and names its parent.
    let identity = Identity::new(repo(body), profile.id(), run);
    Draft { details, identity, machine: None, finished_at: body.get("completedAt").time() }
}

fn common(body: Node<'_>) -> Details {
    Details {
        unit: Unit::Run,
        repo: repo(body).and_then(|repo| Text::new(&repo)),
        actor: body.get("metadata").get("username").text(),
        ..Details::default()
    }
}

fn state(status: Node<'_>) -> Result<State, Silence> {
    match status.str().ok_or(Silence::MISSING)? {
        "finished" => Ok(State::Succeeded),
        "errored" | "canceled" => Ok(State::Failed),
        _ => Err(Silence::UNKNOWN),
    }
}

/// `account/project`.
fn repo(body: Node<'_>) -> Option<String> {
    Some(format!("{}/{}", body.get("accountName").str()?, body.get("projectName").str()?))
}

/// Not `expirationDate`, which lies ahead, and nothing of `metadata`, which the command line wrote.
fn newest(body: Node<'_>) -> Option<Timestamp> {
    let times =
        ["createdAt", "enqueuedAt", "provisioningStartedAt", "workerStartedAt", "completedAt", "updatedAt"];
    times.into_iter().filter_map(|key| body.get(key).time()).max()
}
