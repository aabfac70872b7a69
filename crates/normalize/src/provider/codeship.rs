//! Codeship: builds. The service has closed; what still posts its bodies can be read.
//!
//! Source: Codeship docs, "Webhooks For Custom Notifications".

use meshhook_model::{Details, State, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::provider::{RUNS, UNSIGNED};
use crate::refs::branch_of;
use crate::tree::{Node, first};
use crate::{Identity, Provider, Unreadable};

pub(crate) static PROVIDER: Provider = Provider {
    name: "codeship",
    schemes: UNSIGNED,
    default_scheme: None,
    units: RUNS,
    forks_untold: &[],
    event_header: None,
    fits: is_build,
    // It tells no time at all.
    newest: |_| None,
    read,
};

fn is_build(body: Node<'_>) -> bool {
    let build = body.get("build");
    build.has("build_id") && (build.has("project_id") || build.has("build_url"))
}

fn read(body: Node<'_>, _: Option<&str>) -> Found {
    let build = body.get("build");
    if is_build(body) {
        draft(build).with(state(build.get("status")))
    } else {
        Found::unreadable(Unreadable::UnknownShape, Details::default())
    }
}

fn draft(build: Node<'_>) -> Draft {
    let name = [build.get("project_name"), build.get("project_full_name")];
    let details = Details {
        unit: Unit::Run,
        workflow: first(name, Node::text),
        outcome: build.get("status").text(),
        branch: build.get("branch").str().and_then(|name| branch_of(None, name)),
        commit: build.get("commit_id").text(),
        run_url: build.get("build_url").link(),
        run_id: build.get("build_id").id_text(),
        repo: first(name, Node::text),
        title: build.get("message").first_line(),
        ..Details::default()
    };
    let project = first([build.get("project_id"), name[0], name[1]], Node::id);
    let identity =
        Identity::new(project, None, first([build.get("build_id"), build.get("build_url")], Node::id));
    Draft { details, identity, machine: None, finished_at: None }
}

fn state(status: Node<'_>) -> Result<State, Silence> {
    match status.str().ok_or(Silence::MISSING)? {
        "initiated" | "waiting" => Ok(State::Queued),
        // Held back for its use of resources.
        "blocked" => Ok(State::Queued),
        "testing" => Ok(State::Running),
        "success" => Ok(State::Succeeded),
        // Ignored are builds beyond the month's limit: nothing was built.
        "error" | "stopped" | "infrastructure_failure" | "ignored" => Ok(State::Failed),
        _ => Err(Silence::UNKNOWN),
    }
}
