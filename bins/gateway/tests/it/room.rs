//! The straight way: a signed POST becomes one message in a room of a real Synapse.

use meshhook_testkit::eventually;
use serde_json::json;

use crate::rig::{Room, SOON, accepted, build, build_headers, form, github_body, post_build, post_github};

#[test]
fn a_run_and_its_job_become_one_message_that_names_the_machine() {
    let room = Room::new("straight");
    let gateway = room.gateway().start().unwrap();
    let job = github_body("three-machines/17-workflow_job-completed-mac-01").to_string();
    let run = github_body("three-machines/18-workflow_run-completed-mac-01").to_string();
    let answer = accepted(&post_github(&gateway, "workflow_job", job.as_bytes()));
    assert_eq!((&answer["outcome"], &answer["reason"]), (&json!("ignored"), &json!("unit")));
    let answer = accepted(&post_github(&gateway, "workflow_run", form(&run).as_bytes()));
    assert_eq!((&answer["outcome"], &answer["durable"]), (&json!("accepted"), &json!(true)));
    let said = room.wait_for(1);
    let status = &said[0].content()["com.meshmac.build_status"];
    assert_eq!((&status["state"], &status["mesh_node_id"]), (&json!("succeeded"), &json!("mac-01")));
    assert!(said[0].body().unwrap().contains("mac-01"), "{:?}", said[0]);
    // The same event as JSON: GitHub's other content type, and the same run.
    let answer = accepted(&post_github(&gateway, "workflow_run", run.as_bytes()));
    assert_eq!((&answer["outcome"], &answer["status"]), (&json!("duplicate"), &json!("sent")));
    assert_eq!(answer["event_id"], said[0].id());
    assert_eq!(room.said(), said);
}

#[test]
fn our_own_format_and_the_path_of_all_hooks() {
    let room = Room::new("own-format");
    let gateway = room.gateway().start().unwrap();
    let body = build("1", "running");
    let mut body_with_id = body.clone();
    body_with_id["correlation_id"] = json!("nightly-1");
    let text = body_with_id.to_string();
    let url = gateway.hook_url("").trim_end_matches('/').to_owned();
    let headers = build_headers(text.as_bytes());
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = accepted(&meshhook_testkit::http::send("POST", &url, &headers, text.as_bytes()).unwrap());
    assert_eq!((&answer["outcome"], &answer["correlation_id"]), (&json!("accepted"), &json!("nightly-1")));
    let said = room.wait_for(1);
    assert_eq!(said[0].sender(), room.bot.id);
    assert_eq!(said[0].content()["com.meshmac.build_status"]["run_id"], "1");
    let answer = accepted(&post_build(&gateway, &build("1", "queued")));
    assert_eq!(answer["outcome"], "superseded");
    assert_eq!(room.said(), said);
}

#[test]
fn a_run_is_told_from_beginning_to_end() {
    let room = Room::new("lifecycle");
    let gateway = room.gateway().start().unwrap();
    for state in ["queued", "running", "failed"] {
        accepted(&post_build(&gateway, &build("7", state)));
        eventually(SOON, || room.said().last()?.body()?.contains(state).then_some(()));
    }
    let said = room.said();
    let kinds: Vec<_> = said.iter().map(|event| event.content()["msgtype"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["m.notice", "m.notice", "m.text"]);
    assert!(said.iter().all(|event| event.content()["m.mentions"] == json!({})));
}
