//! Bitrise: builds.
//!
//! Source: Bitrise docs, "Adding outgoing webhooks". A body has neither a commit nor an address, nor any time.

use meshhook_model::{Details, RunUrl, State, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::provider::{RUNS, UNSIGNED};
use crate::refs::is_request;
use crate::tree::{Node, first};
use crate::{Identity, Provider, Unreadable};

pub(crate) static PROVIDER: Provider = Provider {
    name: "bitrise",
    schemes: UNSIGNED,
    default_scheme: None,
    units: RUNS,
    forks_untold: &[],
    event_header: Some("Bitrise-Event-Type"),
    fits: is_build,
    newest: |_| None,
    read,
};

fn read(body: Node<'_>, header: Option<&str>) -> Found {
    let found = if is_build(body) {
        build(body).with(state(body.get("build_status")))
    } else {
        Found::unreadable(Unreadable::UnknownShape, Details::default())
    };
    found.under(header, |event| agrees(body, event))
}

fn is_build(body: Node<'_>) -> bool {
    body.has("build_triggered_workflow") || (body.has("build_slug") && body.has("app_slug"))
}

/// A build that was only triggered has no result. One that is called finished may still say that it is not.
fn agrees(body: Node<'_>, header: &str) -> bool {
    match header {
        "build/triggered" => is_build(body) && body.get("build_status").number() == Some(0),
        "build/finished" => is_build(body),
        _ => !is_build(body),
    }
}

fn build(body: Node<'_>) -> Draft {
    let (app, slug) = (body.get("app_slug"), body.get("build_slug"));
    let workflow = body.get("build_triggered_workflow");
    let git = body.get("git");
    let details = Details {
        unit: Unit::Run,
        workflow: workflow.text(),
        outcome: body.get("build_status").id_text(),
        branch: first([git.get("src_branch"), git.get("tag")], Node::text),
        // Whether a pull request's branch is a fork's is not told.
        owner_unknown: is_request(git.get("pull_request_id")),
        run_url: slug.str().and_then(page),
        run_id: slug.id_text(),
        ..Details::default()
    };
    let identity = Identity::new(app.id(), workflow.id(), first([slug, body.get("build_number")], Node::id));
    Draft { details, identity, machine: None, finished_at: None }
}

fn state(status: Node<'_>) -> Result<State, Silence> {
    if status.is_missing() {
        return Err(Silence::MISSING);
    }
    match status.number() {
        // Not finished: whether it has begun is not told.
        Some(0) => Ok(State::Running),
        // Aborted, and to count as a success.
        Some(1 | 4) => Ok(State::Succeeded),
        // Failed; aborted, and to count as a failure.
        Some(2 | 3) => Ok(State::Failed),
        _ => Err(Silence::UNKNOWN),
    }
}

fn page(slug: &str) -> Option<RunUrl> {
    let plain = slug.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if plain { RunUrl::new(&format!("https://app.bitrise.io/build/{slug}")) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_slug_is_a_page() {
        assert!(page("c8f3-41d2aa").is_some());
        for slug in ["a/b", "a?b", "../x", "ü", "a b"] {
            assert!(page(slug).is_none(), "{slug}");
        }
    }
}
