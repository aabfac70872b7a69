//! Our own format.

use meshhook_model::State;
use serde_json::{Value, json};

use super::Run;

pub(super) fn status(run: &Run, state: State) -> Value {
    let fields = json!({
        "workflow": run.workflow,
        "state": state,
        "run_id": run.id.to_string(),
        "job": run.job,
        "branch": run.branch,
        "commit": run.commit,
        "run_url": format!("https://ci.example.org/{}/runs/{}", run.repo, run.id),
        "mesh_node_id": run.node,
        "attempt": run.attempt,
        "repo": run.repo,
        "actor": "octocat",
        "title": "Sample of meshhook post",
        "started_at": run.started(state),
        "finished_at": run.finished(state),
    });
    without_nulls(fields)
}

fn without_nulls(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    object
}
