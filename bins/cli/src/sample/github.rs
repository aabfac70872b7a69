//! GitHub's `workflow_run` and `workflow_job` (GitHub docs, "Webhook events and payloads"), with the fields that
//! readers of them look at.

use meshhook_model::State;
use serde_json::{Value, json};

use super::Run;

const RUNNER: &str = "sample-mac";

pub(super) fn workflow_run(run: &Run, state: State) -> Value {
    let repository = repository(run);
    json!({
        "action": if state == State::Queued { "requested" } else { status(state) },
        "workflow_run": {
            "id": run.id,
            "name": run.workflow,
            "display_title": "Sample of meshhook post",
            "head_branch": run.branch,
            "head_sha": run.commit,
            "path": ".github/workflows/build.yml",
            "run_number": 1,
            "run_attempt": run.attempt,
            "event": "push",
            "status": status(state),
            "conclusion": conclusion(state),
            "workflow_id": 1,
            "html_url": run_page(run),
            "pull_requests": [],
            "created_at": run.queued_at,
            "updated_at": run.now,
            "run_started_at": run.started_at,
            "actor": actor(),
            "triggering_actor": actor(),
            "head_commit": {
                "id": run.commit,
                "message": "Sample of meshhook post",
                "timestamp": run.queued_at,
                "author": { "name": "Octocat", "email": "octocat@example.org" },
            },
            "repository": repository,
            "head_repository": repository,
        },
        "workflow": {
            "id": 1,
            "name": run.workflow,
            "path": ".github/workflows/build.yml",
            "state": "active",
        },
        "repository": repository,
        "sender": actor(),
    })
}

pub(super) fn workflow_job(run: &Run, state: State) -> Value {
    let name = run.job.as_deref().unwrap_or("build");
    let runner = (state != State::Queued).then(|| run.node.as_deref().unwrap_or(RUNNER));
    json!({
        "action": status(state),
        "workflow_job": {
            "id": run.id + 1,
            "run_id": run.id,
            "run_attempt": run.attempt,
            "workflow_name": run.workflow,
            "name": name,
            "head_branch": run.branch,
            "head_sha": run.commit,
            "status": status(state),
            "conclusion": conclusion(state),
            "html_url": format!("{}/job/{}", run_page(run), run.id + 1),
            "created_at": run.queued_at,
            "started_at": run.started_at,
            "completed_at": run.finished(state),
            "steps": [],
            "labels": ["self-hosted", "macOS", "ARM64"],
            "runner_id": runner.map(|_| 1),
            "runner_name": runner,
            "runner_group_id": runner.map(|_| 1),
            "runner_group_name": runner.map(|_| "Default"),
        },
        "repository": repository(run),
        "sender": actor(),
    })
}

fn status(state: State) -> &'static str {
    match state {
        State::Queued => "queued",
        State::Running => "in_progress",
        State::Succeeded | State::Failed => "completed",
    }
}

fn conclusion(state: State) -> Option<&'static str> {
    match state {
        State::Queued | State::Running => None,
        State::Succeeded => Some("success"),
        State::Failed => Some("failure"),
    }
}

fn run_page(run: &Run) -> String {
    format!("{}/actions/runs/{}", repository_page(run), run.id)
}

fn repository_page(run: &Run) -> String {
    format!("https://github.com/{}", run.repo)
}

fn repository(run: &Run) -> Value {
    let (owner, name) = run.repo.split_once('/').unwrap_or(("", &run.repo));
    json!({
        "id": 1,
        "name": name,
        "full_name": run.repo,
        "private": false,
        "owner": { "login": owner, "id": 1, "type": "Organization" },
        "html_url": repository_page(run),
        "default_branch": "main",
    })
}

fn actor() -> Value {
    json!({ "login": "octocat", "id": 1, "type": "User" })
}
