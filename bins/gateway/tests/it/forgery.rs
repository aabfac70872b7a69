//! Requests that nobody signed as they are: none of them gets a message into a room of a real Synapse.

use meshhook_testkit::Gateway;
use meshhook_testkit::http::Answer;
use meshhook_testkit::signed::{self, Headers};
use serde_json::{Value, json};

use crate::rig::{BUILDS, GITHUB, Room, accepted, build, form, github_body, now, post_build, with};

/// The room is as empty as before, though a genuine request after all these still comes through.
#[track_caller]
fn nothing_came_of_it(room: &Room, gateway: &Gateway) {
    accepted(&post_build(gateway, &build("genuine", "running")));
    let said = room.wait_for(1);
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0].content()["com.meshmac.build_status"]["run_id"], "genuine");
}

#[track_caller]
fn unauthorized(answer: &Answer) {
    assert_eq!(answer.status, 401, "{answer:?}");
    assert_eq!(answer.json()["code"], "unauthorized");
}

#[test]
fn a_content_type_cannot_turn_json_into_the_form_inside_it() {
    let room = Room::new("forged-form");
    let gateway = room.gateway().start().unwrap();
    // An event that is announced nowhere, with a commit message that a reader of forms would take for a payload.
    let inner = github_body("workflow_run-completed-failure").to_string();
    let mut body = github_body("ping");
    body["zen"] = json!(format!("x&{}&y", form(&inner)));
    let body = body.to_string();
    let headers = signed::github(GITHUB, "ping", "captured", body.as_bytes());
    let honest = accepted(&gateway.post("github", &headers, body.as_bytes()));
    assert_eq!(honest["outcome"], "ignored");
    let flipped = with(headers, "Content-Type", "application/x-www-form-urlencoded");
    let answer = accepted(&gateway.post("github", &flipped, body.as_bytes()));
    // It is read as what it is: the same ping, which is known by now.
    assert_eq!((&answer["outcome"], &answer["delivery"]), (&json!("duplicate"), &honest["delivery"]));
    nothing_came_of_it(&room, &gateway);
}

#[test]
fn a_second_form_key_is_not_read() {
    let room = Room::new("forged-key");
    let gateway = room.gateway().start().unwrap();
    let run = github_body("workflow_run-completed-failure").to_string();
    let body = format!("{}&{}", form("{}"), form(&run));
    let headers = signed::github(GITHUB, "workflow_run", "captured", body.as_bytes());
    let answer = gateway.post("github", &headers, body.as_bytes());
    assert_eq!((answer.status, &answer.json()["code"]), (400, &json!("bad_request")));
    nothing_came_of_it(&room, &gateway);
}

#[test]
fn a_dotted_message_id_does_not_move_the_signed_bytes() {
    let room = Room::new("forged-id");
    let gateway = room.gateway().start().unwrap();
    // The signed bytes are id.timestamp.body. A body that begins like a time and a body of its own can be split
    // in another place, under the same signature, if an id may hold a dot.
    let time = now();
    let inner = build("forged", "failed").to_string();
    let captured = format!("{time}.{inner}");
    let headers = signed::standard(BUILDS, "msg_1", time, captured.as_bytes());
    assert_eq!(gateway.post("builds", &headers, captured.as_bytes()).status, 400);
    let split = with(headers, "webhook-id", &format!("msg_1.{time}"));
    unauthorized(&gateway.post("builds", &split, inner.as_bytes()));
    nothing_came_of_it(&room, &gateway);
}

#[test]
fn another_event_name_does_not_make_another_event() {
    let room = Room::new("forged-event");
    let gateway = room.gateway().start().unwrap();
    let body = github_body("workflow_job-completed-failure-self_hosted").to_string();
    let headers = signed::github(GITHUB, "workflow_job", "captured", body.as_bytes());
    let flipped = with(headers, "X-GitHub-Event", "workflow_run");
    let answer = accepted(&gateway.post("github", &flipped, body.as_bytes()));
    assert_eq!((&answer["outcome"], &answer["reason"]), (&json!("unreadable"), &json!("event_mismatch")));
    nothing_came_of_it(&room, &gateway);
}

#[test]
fn wrong_signatures_and_times_are_refused() {
    let room = Room::new("forged-signature");
    let gateway = room.gateway().start().unwrap();
    let body = github_body("workflow_run-completed-failure").to_string();
    let signed_by = |secret| signed::github(secret, "workflow_run", "captured", body.as_bytes());
    unauthorized(&gateway.post("github", &signed_by("another secret altogether"), body.as_bytes()));
    let mut changed = body.clone().into_bytes();
    let place = changed.len() / 2;
    changed[place] ^= 1;
    unauthorized(&gateway.post("github", &signed_by(GITHUB), &changed));
    let own = build("forged", "failed").to_string();
    for time in [now() - 400, now() + 400, 0] {
        let headers = signed::standard(BUILDS, "msg_1", time.max(1), own.as_bytes());
        unauthorized(&gateway.post("builds", &headers, own.as_bytes()));
    }
    // A genuine signature with the time of another one.
    let moved = with(
        signed::standard(BUILDS, "msg_1", now() - 1, own.as_bytes()),
        "webhook-timestamp",
        &now().to_string(),
    );
    unauthorized(&gateway.post("builds", &moved, own.as_bytes()));
    nothing_came_of_it(&room, &gateway);
}

#[test]
fn an_old_event_is_kept_and_not_told() {
    let room = Room::new("forged-old");
    let gateway = room.gateway().start().unwrap();
    let mut body = github_body("workflow_run-completed-failure");
    age(&mut body);
    let text = body.to_string();
    let headers: Headers = signed::github(GITHUB, "workflow_run", "captured", text.as_bytes());
    let answer = accepted(&gateway.post("github", &headers, text.as_bytes()));
    assert_eq!((&answer["outcome"], &answer["reason"]), (&json!("ignored"), &json!("stale")));
    nothing_came_of_it(&room, &gateway);
}

fn age(value: &mut Value) {
    match value {
        Value::String(text) if meshhook_model::Timestamp::parse_rfc3339(text).is_some() => {
            *text = meshhook_model::Timestamp::from_unix(now() - 4 * 86_400).unwrap().to_string();
        }
        Value::Array(items) => items.iter_mut().for_each(age),
        Value::Object(fields) => fields.values_mut().for_each(age),
        _ => {}
    }
}
