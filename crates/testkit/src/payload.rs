//! Bodies of any size, of the shape that CI systems give them: what grows is what grows there.

use serde_json::{Value, json};

const WORKFLOW_RUN: &str = include_str!("../../../fixtures/github/workflow_run-completed-success.json");
const WORKFLOW_JOB: &str =
    include_str!("../../../fixtures/github/workflow_job-completed-success-hosted.json");
const PIPELINE: &str = include_str!("../../../fixtures/gitlab/pipeline-success.json");

/// 2026-05-04T10:00:00Z, soon after what the fixtures tell of.
const SOON_AFTER: i64 = 1_777_888_800;

/// A kind of body, as one of our fixtures has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// GitHub's `workflow_run`, which grows by pull requests.
    WorkflowRun,
    /// GitHub's `workflow_job`, which grows by steps.
    WorkflowJob,
    /// GitLab's pipeline, which grows by jobs.
    Pipeline,
}

impl Payload {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::WorkflowRun, Self::WorkflowJob, Self::Pipeline];

    /// A moment at which these bodies are news, in seconds since the epoch.
    pub const NOW: i64 = SOON_AFTER;

    /// The run's id in a [`Payload::WorkflowRun`], which stands there more than once.
    pub const RUN_ID: u64 = 9_021_457_731;

    /// What benchmarks call it: the CI system's own word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WorkflowRun => "workflow_run",
            Self::WorkflowJob => "workflow_job",
            Self::Pipeline => "pipeline",
        }
    }

    /// Whose it is, by the name that `gateway.toml` has for it.
    #[must_use]
    pub const fn provider(self) -> &'static str {
        match self {
            Self::WorkflowRun | Self::WorkflowJob => "github",
            Self::Pipeline => "gitlab",
        }
    }

    /// The event header's name and what it says.
    #[must_use]
    pub const fn event_header(self) -> (&'static str, &'static str) {
        match self {
            Self::WorkflowRun => ("X-GitHub-Event", "workflow_run"),
            Self::WorkflowJob => ("X-GitHub-Event", "workflow_job"),
            Self::Pipeline => ("X-Gitlab-Event", "Pipeline Hook"),
        }
    }

    /// Compact JSON of at least so many bytes, and of less than one filling more. Of one that is to be shorter than the
    /// fixture, little more is left than what is read.
    ///
    /// # Panics
    /// Never: the fixtures are JSON.
    #[must_use]
    pub fn body(self, bytes: usize) -> String {
        let mut body: Value = serde_json::from_str(self.fixture()).expect("the fixtures are JSON");
        if body.to_string().len() > bytes {
            slim(&mut body);
        }
        let mut left = bytes.saturating_sub(body.to_string().len());
        for number in 0.. {
            if left == 0 {
                break;
            }
            let filling = self.filling(number);
            // With the comma before it.
            left = left.saturating_sub(filling.to_string().len() + 1);
            self.fillings(&mut body).push(filling);
        }
        body.to_string()
    }

    const fn fixture(self) -> &'static str {
        match self {
            Self::WorkflowRun => WORKFLOW_RUN,
            Self::WorkflowJob => WORKFLOW_JOB,
            Self::Pipeline => PIPELINE,
        }
    }

    /// Where fillings go.
    fn fillings(self, body: &mut Value) -> &mut Vec<Value> {
        let list = match self {
            Self::WorkflowRun => &mut body["workflow_run"]["pull_requests"],
            Self::WorkflowJob => &mut body["workflow_job"]["steps"],
            Self::Pipeline => &mut body["builds"],
        };
        if !list.is_array() {
            *list = json!([]);
        }
        list.as_array_mut().expect("it is an array by now")
    }

    fn filling(self, number: u64) -> Value {
        match self {
            Self::WorkflowRun => pull_request(number),
            Self::WorkflowJob => step(number),
            Self::Pipeline => job(number),
        }
    }
}

fn pull_request(number: u64) -> Value {
    let api = "https://api.github.com/repos/acme/rocket";
    let repo = json!({ "id": 501_773_220, "url": api, "name": "rocket" });
    json!({
        "url": format!("{api}/pulls/{number}"),
        "id": 1_901_334_000 + number,
        "number": number,
        "head": { "ref": format!("launch-screen-{number}"), "sha": "5f1c9ae0b7d34e6a8c2f0d91b4e7a6c3d8f25b10", "repo": repo },
        "base": { "ref": "main", "sha": "c83b61f0a2d94b7e95d1e0c3a7f64821b09d5e32", "repo": repo },
    })
}

fn step(number: u64) -> Value {
    json!({
        "name": format!("Run xcodebuild test -scheme Rocket{number}"),
        "status": "completed",
        "conclusion": "success",
        "number": 3 + number,
        "started_at": "2026-05-04T09:02:20Z",
        "completed_at": "2026-05-04T09:03:01Z",
    })
}

fn job(number: u64) -> Value {
    json!({
        "id": 7_011_200_200 + number,
        "stage": "test",
        "name": format!("ui {number}/200"),
        "status": "success",
        "created_at": "2026-05-04 09:02:10 UTC",
        "started_at": "2026-05-04 09:07:04 UTC",
        "finished_at": "2026-05-04 09:12:44 UTC",
        "duration": 340.25,
        "queued_duration": 1.5,
        "failure_reason": null,
        "when": "on_success",
        "manual": false,
        "allow_failure": false,
        "user": { "id": 44, "name": "Ada L", "username": "ada-l", "avatar_url": null, "email": "[REDACTED]" },
        "runner": {
            "id": 41, "description": "mac-01", "runner_type": "project_type", "active": true, "is_shared": false,
            "tags": ["macos", "xcode-26"],
        },
        "artifacts_file": { "filename": null, "size": null },
        "environment": null,
    })
}

/// What is left of a body that is to be short: what is read, and a little of what is not.
const KEPT: [&str; 40] = [
    "action",
    "workflow_run",
    "workflow_job",
    "workflow",
    "repository",
    "head_repository",
    "sender",
    "id",
    "name",
    "head_branch",
    "head_sha",
    "run_number",
    "event",
    "status",
    "conclusion",
    "html_url",
    "created_at",
    "updated_at",
    "started_at",
    "completed_at",
    "run_attempt",
    "full_name",
    "login",
    "run_id",
    "workflow_name",
    "labels",
    "runner_name",
    "runner_group_name",
    "object_kind",
    "object_attributes",
    "iid",
    "ref",
    "sha",
    "source",
    "duration",
    "finished_at",
    "url",
    "project",
    "web_url",
    "path_with_namespace",
];

/// Leaves away whatever else there is, all over the body.
fn slim(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|name, _| KEPT.contains(&name.as_str()));
            object.values_mut().for_each(slim);
        }
        Value::Array(values) => values.iter_mut().for_each(slim),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_as_long_as_it_was_wanted() {
        for payload in Payload::ALL {
            for kib in [1, 20, 100] {
                let (wanted, is) = (kib << 10, payload.body(kib << 10).len());
                assert!((wanted..wanted + 1024).contains(&is), "{}: {is} for {wanted}", payload.name());
            }
        }
    }
}
