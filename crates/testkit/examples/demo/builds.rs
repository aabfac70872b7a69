//! What CI sends about builds on three machines: two sources, four runs, and names that mean harm.

use meshhook_model::Timestamp;
use serde_json::{Value, json};

/// One POST, before it is signed.
pub(crate) struct Post {
    /// The gateway's source.
    pub(crate) source: &'static str,
    /// GitHub's event header.
    pub(crate) event: Option<&'static str>,
    /// What stays the same when it is sent again: GitHub's delivery GUID, or the webhook-id.
    pub(crate) id: String,
    /// The body.
    pub(crate) body: String,
}

/// The sources' names in `gateway.toml`.
pub(crate) const GITHUB: &str = "github";
pub(crate) const OWN: &str = "machines";

/// The machines that are builds' own.
pub(crate) const MACHINES: [&str; 3] = ["mac-01", "mac-02", "mac-03"];

/// One that is in nobody's list.
pub(crate) const STRANGER: &str = "linux-9";

/// A workflow run on GitHub, and the machine that its one job runs on.
struct Run {
    id: u64,
    machine: &'static str,
    workflow: &'static str,
    branch: &'static str,
    commit: &'static str,
    /// The run's page, where it is not the usual one.
    url: Option<&'static str>,
    conclusion: &'static str,
    seconds: i64,
}

const RUNS: [Run; 3] = [
    Run {
        id: 7_301_001,
        machine: "mac-01",
        workflow: "Nightly",
        branch: "main",
        commit: "5d7f1c2e9ab04c6b8f1f0d3f6a7e5b4c3d2e1f00",
        url: None,
        conclusion: "success",
        seconds: 252,
    },
    Run {
        id: 7_301_002,
        machine: "mac-02",
        workflow: "!ban @admin:server",
        branch: "<img src=x onerror=alert(1)>@room",
        commit: "0badc0ffee00112233445566778899aabbccddee",
        url: Some("https://matrix.to/#/@admin:server"),
        conclusion: "failure",
        seconds: 37,
    },
    Run {
        id: 7_301_003,
        machine: "mac-03",
        workflow: "Release",
        branch: "release/2.4",
        commit: "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3",
        url: None,
        conclusion: "timed_out",
        seconds: 3600,
    },
];

/// Every build as far as it goes before it starts: queued, and picked up by its machine.
pub(crate) fn waiting(now: i64) -> Vec<Post> {
    RUNS.iter().flat_map(|run| [run.changed("queued", now), run.picked_up(now)]).collect()
}

/// For each build the POSTs that follow each other: running, then finished; of our own format all but the last.
pub(crate) fn building(now: i64) -> Vec<Vec<Post>> {
    let on_github =
        RUNS.iter().map(|run| vec![run.changed("in_progress", now), run.changed("completed", now)]);
    on_github.chain([vec![disk_image("queued", now), disk_image("running", now)]]).collect()
}

/// The very last POST.
pub(crate) fn last(now: i64) -> Post {
    disk_image("succeeded", now)
}

/// One more build of each machine, and of one that is not listed, a POST each.
pub(crate) fn roll_call(now: i64) -> Vec<Post> {
    MACHINES.iter().chain([&STRANGER]).map(|machine| self_test(machine, now)).collect()
}

fn self_test(machine: &str, now: i64) -> Post {
    let run = format!("self-test-of-{machine}");
    let body = json!({
        "workflow": "Self-test",
        "state": "succeeded",
        "run_id": run,
        "branch": "main",
        "mesh_node_id": machine,
        "started_at": time(now - 12),
        "finished_at": time(now),
    });
    Post { source: OWN, event: None, id: run, body: body.to_string() }
}

impl Run {
    /// A `workflow_run` event.
    fn changed(&self, status: &'static str, now: i64) -> Post {
        let action = if status == "queued" { "requested" } else { status };
        let done = status == "completed";
        let page = format!("https://github.com/acme/rocket/actions/runs/{}", self.id);
        let body = json!({
            "action": action,
            "workflow_run": {
                "id": self.id,
                "run_attempt": 1,
                "name": self.workflow,
                "head_branch": self.branch,
                "head_sha": self.commit,
                "status": status,
                "conclusion": done.then_some(self.conclusion),
                "html_url": self.url.unwrap_or(&page),
                "run_started_at": time(now - self.seconds),
                "updated_at": time(now),
                "actor": { "login": "ada" },
            },
            "workflow": { "name": self.workflow },
            "repository": { "full_name": "acme/rocket" },
        });
        self.post("workflow_run", status, &body)
    }

    /// A `workflow_job` event: the only kind that names the machine.
    fn picked_up(&self, now: i64) -> Post {
        let body = json!({
            "action": "in_progress",
            "workflow_job": {
                "id": self.id * 10,
                "run_id": self.id,
                "run_attempt": 1,
                "workflow_name": self.workflow,
                "name": "build",
                "head_branch": self.branch,
                "head_sha": self.commit,
                "status": "in_progress",
                "conclusion": null,
                "started_at": time(now),
                "runner_name": self.machine,
                "labels": ["self-hosted", "macOS", "ARM64"],
            },
            "repository": { "full_name": "acme/rocket" },
        });
        self.post("workflow_job", "picked-up", &body)
    }

    fn post(&self, event: &'static str, word: &str, body: &Value) -> Post {
        let id = format!("{}-{word}", self.id);
        Post { source: GITHUB, event: Some(event), id, body: body.to_string() }
    }
}

/// Our own format, as a machine sends it about itself.
fn disk_image(state: &str, now: i64) -> Post {
    let body = json!({
        "workflow": "Disk image",
        "state": state,
        "run_id": "image-88",
        "branch": "main",
        "commit": "c0ffee254729296a45a3885639ac7e10f9d54979",
        "run_url": "https://images.example.org/88",
        "mesh_node_id": "mac-03",
        "started_at": time(now - 95),
        "finished_at": (state == "succeeded").then(|| time(now)),
    });
    Post { source: OWN, event: None, id: format!("image-88-{state}"), body: body.to_string() }
}

fn time(unix: i64) -> String {
    Timestamp::from_unix(unix).expect("a time of our days").to_string()
}
