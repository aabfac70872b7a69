//! GitLab's pipeline and job events (GitLab docs, "Webhook events"), with the fields that readers of them look at.

use meshhook_model::{State, Timestamp};
use serde_json::{Value, json};

use super::Run;

const RUNNER: &str = "sample-mac";

pub(super) fn pipeline(run: &Run, state: State) -> Value {
    json!({
        "object_kind": "pipeline",
        "object_attributes": {
            "id": run.id,
            "iid": 1,
            "name": run.workflow,
            "ref": run.branch,
            "tag": false,
            "sha": run.commit,
            "source": "push",
            "status": status(state),
            "detailed_status": if state == State::Succeeded { "passed" } else { status(state) },
            "stages": ["build"],
            "created_at": written(run.queued_at),
            "finished_at": finished(run, state),
            "duration": state.is_terminal().then(|| run.now.seconds_since(run.started_at)),
            "queued_duration": run.started_at.seconds_since(run.queued_at),
            "url": format!("{}/-/pipelines/{}", project_page(run), run.id),
        },
        "merge_request": null,
        "user": user(),
        "project": project(run),
        "commit": {
            "id": run.commit,
            "message": "Sample of meshhook post",
            "title": "Sample of meshhook post",
            "timestamp": run.queued_at,
        },
        "builds": [{
            "id": job_id(run),
            "stage": "build",
            "name": job_name(run),
            "status": status(state),
            "created_at": written(run.queued_at),
            "started_at": started(run, state),
            "finished_at": finished(run, state),
            "allow_failure": false,
            "runner": runner(run, state),
        }],
    })
}

pub(super) fn build(run: &Run, state: State) -> Value {
    json!({
        "object_kind": "build",
        "ref": run.branch,
        "tag": false,
        "sha": run.commit,
        "retries_count": run.attempt - 1,
        "build_id": job_id(run),
        "build_name": job_name(run),
        "build_stage": "build",
        "build_status": status(state),
        "build_created_at": written(run.queued_at),
        "build_started_at": started(run, state),
        "build_finished_at": finished(run, state),
        "build_allow_failure": false,
        "pipeline_id": run.id,
        "runner": runner(run, state),
        "project_id": 1,
        "project_name": run.repo,
        "user": user(),
        "commit": {
            "id": run.id,
            "name": run.workflow,
            "sha": run.commit,
            "message": "Sample of meshhook post",
            "status": status(state),
        },
        "project": project(run),
    })
}

fn status(state: State) -> &'static str {
    match state {
        State::Queued => "pending",
        State::Running => "running",
        State::Succeeded => "success",
        State::Failed => "failed",
    }
}

/// A job that is started again is another one, its number higher than all before.
fn job_id(run: &Run) -> u64 {
    run.id.saturating_add(run.attempt)
}

fn job_name(run: &Run) -> &str {
    run.job.as_deref().unwrap_or("build")
}

fn runner(run: &Run, state: State) -> Value {
    if state == State::Queued {
        return Value::Null;
    }
    json!({
        "id": 1,
        "description": run.node.as_deref().unwrap_or(RUNNER),
        "runner_type": "project_type",
        "active": true,
        "is_shared": false,
        "tags": ["macos"],
    })
}

fn project(run: &Run) -> Value {
    json!({
        "id": 1,
        "name": run.repo.rsplit('/').next(),
        "web_url": project_page(run),
        "path_with_namespace": run.repo,
        "default_branch": "main",
    })
}

fn project_page(run: &Run) -> String {
    format!("https://gitlab.example.org/{}", run.repo)
}

fn user() -> Value {
    json!({ "id": 1, "name": "Octocat", "username": "octocat" })
}

fn started(run: &Run, state: State) -> Option<String> {
    (state != State::Queued).then(|| written(run.started_at))
}

fn finished(run: &Run, state: State) -> Option<String> {
    state.is_terminal().then(|| written(run.now))
}

/// As GitLab writes times: `2016-08-12 15:23:28 UTC`.
fn written(time: Timestamp) -> String {
    time.to_string().replace('T', " ").replace('Z', " UTC")
}
