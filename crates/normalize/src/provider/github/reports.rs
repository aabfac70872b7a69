//! `status` and `deployment_status`: rows that others add to a commit or a deployment, each with an id of its own.

use meshhook_model::{Details, Round, State, Text, Unit};

use super::{common, repo};
use crate::draft::{Draft, Silence};
use crate::refs::branch_of;
use crate::tree::{Node, first};
use crate::{Identity, Ignored};

/// The one event without an `action` and without an object that it is named after.
pub(super) fn is_status(body: Node<'_>) -> bool {
    !body.has("action") && ["sha", "context", "state"].iter().all(|key| body.has(key))
}

pub(super) fn status(body: Node<'_>) -> Draft {
    let (sha, context) = (body.get("sha"), body.get("context"));
    // It tells the repository by its name too.
    let repo = repo(body).or_else(|| body.get("name").str());
    let details = Details {
        unit: Unit::Status,
        workflow: context.text(),
        outcome: body.get("state").text(),
        branch: branch(body),
        commit: sha.text(),
        run_url: body.get("target_url").link(),
        run_id: body.get("id").id_text(),
        round: row(body.get("id")),
        repo: repo.and_then(Text::new),
        title: body.get("commit").get("commit").get("message").first_line(),
        ..common(body)
    };
    let identity = Identity::new(repo.map(str::to_owned), context.id(), subject(body));
    Draft { details, identity, machine: None, finished_at: body.get("updated_at").time() }
}

/// What rows are about: a commit and a context, which both need not be told.
fn subject(body: Node<'_>) -> Option<String> {
    match (body.get("sha").str(), body.get("context").str()) {
        (Some(sha), Some(context)) => Some(format!("{sha} {context}")),
        _ => first([body.get("id"), body.get("target_url")], Node::id),
    }
}

/// The branch that the commit is the head of, of up to ten that contain it.
fn branch(body: Node<'_>) -> Option<Text> {
    let (branches, sha) = (|| body.get("branches").items(), body.get("sha"));
    let headed = branches().find(|branch| branch.get("commit").get("sha") == sha);
    branch_of(None, headed.or_else(|| branches().next())?.get("name").str()?)
}

pub(super) fn status_state(body: Node<'_>) -> Result<State, Silence> {
    match body.get("state").str().ok_or(Silence::MISSING)? {
        // Of what waits and of what runs.
        "pending" => Ok(State::Queued),
        "success" => Ok(State::Succeeded),
        "failure" | "error" => Ok(State::Failed),
        _ => Err(Silence::UNKNOWN),
    }
}

pub(super) fn deployment(body: Node<'_>) -> Draft {
    let (status, deployment) = (body.get("deployment_status"), body.get("deployment"));
    let task = deployment.get("task");
    let details = Details {
        unit: Unit::Deployment,
        workflow: task.text(),
        outcome: status.get("state").text(),
        branch: deployed_branch(deployment),
        commit: deployment.get("sha").text(),
        run_url: first([status.get("log_url"), status.get("target_url")], Node::link),
        run_id: deployment.get("id").id_text(),
        round: row(status.get("id")),
        title: first([status.get("environment"), deployment.get("environment")], Node::text),
        ..common(body)
    };
    let id = first([deployment.get("id"), deployment.get("url")], Node::id);
    let identity = Identity::new(repo(body).map(str::to_owned), task.id(), id);
    Draft { details, identity, machine: None, finished_at: status.get("updated_at").time() }
}

/// A deployment may also be of a commit that is named by its hash.
fn deployed_branch(deployment: Node<'_>) -> Option<Text> {
    let name = deployment.get("ref").str()?;
    if deployment.get("sha").str() == Some(name) { None } else { branch_of(None, name) }
}

pub(super) fn deployment_state(body: Node<'_>) -> Result<State, Silence> {
    match body.get("deployment_status").get("state").str().ok_or(Silence::MISSING)? {
        "waiting" | "queued" | "pending" => Ok(State::Queued),
        "in_progress" => Ok(State::Running),
        "success" => Ok(State::Succeeded),
        "failure" | "error" => Ok(State::Failed),
        // A later deployment took its place: nothing became of this one.
        "inactive" => Err(Silence::Ignored(Ignored::UnsupportedEvent)),
        _ => Err(Silence::UNKNOWN),
    }
}

/// Rows are never changed: each is a round of its own, and of two the later has the higher number.
fn row(id: Node<'_>) -> Round {
    id.number().map_or(Round::FIRST, Round::new)
}
