//! `check_run` and `check_suite`: what any app reports of a commit, Actions among them.
//!
//! With `action: rerequested` or `requested_action` a check still shows its old result. It is read as what it is, the
//! state of that check: under the same id and in the same round it says nothing that was not said, and another
//! check, with an id of its own, is to follow.

use meshhook_model::{Details, Round, State, Timestamp, Unit};

use super::{common, is_completed, outcome, repo};
use crate::Identity;
use crate::draft::{Draft, Silence};
use crate::refs::branch_of;
use crate::rounds::round_at;
use crate::tree::{Node, first};

pub(super) fn state(body: Node<'_>, check: Node<'_>) -> Result<State, Silence> {
    super::state(body, check, concluded)
}

/// The schema of checks has two conclusions more, of checks that go on.
fn concluded(word: &str) -> Option<State> {
    match word {
        "waiting" | "pending" => Some(State::Queued),
        word => super::concluded(word),
    }
}

pub(super) fn run(body: Node<'_>) -> Draft {
    let run = body.get("check_run");
    let name = run.get("name");
    let details = Details {
        unit: Unit::Check,
        workflow: name.text(),
        // Null where the branch is a fork's.
        branch: run.get("check_suite").get("head_branch").str().and_then(|name| branch_of(None, name)),
        run_url: first([run.get("html_url"), run.get("details_url")], Node::link),
        started_at: run.get("started_at").time(),
        ..check(body, run)
    };
    let id = first(["id", "html_url", "details_url"].map(|key| run.get(key)), Node::id);
    let identity = Identity::new(repo(body).map(str::to_owned), name.id(), id);
    Draft { details, identity, machine: None, finished_at: run.get("completed_at").time() }
}

pub(super) fn suite(body: Node<'_>) -> Draft {
    let suite = body.get("check_suite");
    let app = suite.get("app").get("name");
    let updated_at = suite.get("updated_at").time();
    let details = Details {
        unit: Unit::Suite,
        workflow: app.text(),
        branch: suite.get("head_branch").str().and_then(|name| branch_of(None, name)),
        round: round(suite, updated_at),
        title: suite.get("head_commit").get("message").first_line(),
        started_at: suite.get("created_at").time(),
        ..check(body, suite)
    };
    let identity = Identity::new(repo(body).map(str::to_owned), app.id(), suite.get("id").id());
    Draft { details, identity, machine: None, finished_at: updated_at }
}

/// What a check and a suite call by the same names.
fn check(body: Node<'_>, check: Node<'_>) -> Details {
    Details {
        outcome: outcome(check),
        commit: check.get("head_sha").text(),
        run_id: check.get("id").id_text(),
        ..common(body)
    }
}

/// A suite keeps its id when its checks are run again; only the time of its end tells one end from another.
fn round(suite: Node<'_>, updated_at: Option<Timestamp>) -> Round {
    round_at(updated_at.filter(|_| is_completed(suite.get("status"))))
}
