//! What an operator wants to hear of, and whose machine is whose, as gateway.toml says.

use meshhook_testkit::Gateway;
use serde_json::{Value, json};

use crate::rig::{Room, accepted, build, github_body, post_build, post_github};

/// The outcome; of what is ignored the reason.
fn told(gateway: &Gateway, body: &Value) -> String {
    let answer = accepted(&post_build(gateway, body));
    let word = |key: &str| answer[key].as_str().unwrap().to_owned();
    if answer["outcome"] == "ignored" { word("reason") } else { word("outcome") }
}

fn of(branch: &str, run: &str, state: &str) -> Value {
    let mut body = build(run, state);
    body["branch"] = json!(branch);
    body
}

#[test]
fn only_changes_of_chosen_branches_are_said() {
    let room = Room::new("changes");
    let only = r#"only = { branches = ["main", "release/*"], forks = "hide", changes = true }"#;
    let mut gateway = room.gateway().in_source(only).start().unwrap();
    for (body, expected) in [
        (of("feature", "1", "failed"), "branch"),
        (of("mallory:main", "2", "failed"), "fork"),
        (of("main", "3", "running"), "unchanged"),
        (of("main", "3", "succeeded"), "unchanged"),
        (of("main", "4", "failed"), "accepted"),
        (of("main", "5", "failed"), "still_failing"),
        (of("release/1", "6", "failed"), "accepted"),
    ] {
        assert_eq!(told(&gateway, &body), expected, "{body}");
    }
    gateway.kill9();
    gateway.restart().unwrap();
    assert_eq!(
        told(&gateway, &of("main", "5", "failed")),
        "duplicate",
        "it was judged, and is not judged again"
    );
    assert_eq!(told(&gateway, &of("main", "7", "succeeded")), "accepted");
    assert_eq!(told(&gateway, &of("main", "5", "failed")), "duplicate", "nor after a later outcome");
    let said = room.wait_for(3);
    let words: Vec<_> =
        said.iter().map(|event| event.content()["com.meshmac.build_status"]["change"].clone()).collect();
    assert_eq!(words, [json!("broken"), json!(null), json!("fixed")]);
}

#[test]
fn a_runner_is_its_machine() {
    let room = Room::new("machines");
    let pool = "[[node]]\nname = \"mac-07\"\nrunners = [\"mac-07-runner-*\"]\n[[node]]\nname = \"mac-09\"";
    let gateway = room.gateway().toml(pool).start().unwrap();
    let mut job = github_body("workflow_job-completed-failure-self_hosted");
    job["workflow_job"]["runner_name"] = json!("mac-07-runner-2");
    let answer = accepted(&post_github(&gateway, "workflow_job", job.to_string().as_bytes()));
    assert_eq!(answer["reason"], "unit");
    let mut run = github_body("workflow_run-completed-failure");
    run["workflow_run"]["id"] = job["workflow_job"]["run_id"].clone();
    run["workflow_run"]["run_attempt"] = job["workflow_job"]["run_attempt"].clone();
    accepted(&post_github(&gateway, "workflow_run", run.to_string().as_bytes()));
    assert_eq!(room.wait_for(1)[0].content()["com.meshmac.build_status"]["mesh_node_id"], "mac-07");

    let nodes = gateway.admin_get("/nodes").ok();
    let seen: Vec<_> = nodes
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (node["name"].as_str().unwrap(), node["listed"].clone(), node["last_seen"].is_string()))
        .collect();
    assert_eq!(seen, [("mac-07", json!(true), true), ("mac-09", json!(true), false)]);
}
