//! Who asks for the board is answered once.

use meshhook_testkit::{Gateway, eventually};
use serde_json::{Value, json};

use super::{ROOM, lonely, push, says};
use crate::rig::{accepted, build, post_build};

/// The boards that are owed.
fn owed(gateway: &Gateway) -> Vec<Value> {
    let page = gateway.admin_get("/deliveries?source=%21builds").ok();
    page["deliveries"].as_array().unwrap().clone()
}

fn asks(event_id: &str) -> Value {
    says(ROOM, event_id, "m.text", "!builds", 0)
}

#[test]
fn a_question_is_answered_once_also_after_a_kill() {
    let (service, mut gateway) = lonely("asked");
    accepted(&post_build(&gateway, &build("1", "failed")));
    push(&service, &[asks("$asked")]);
    let first = owed(&gateway);
    assert_eq!((first.len(), &first[0]["status"], &first[0]["seen"]), (1, &json!("pending"), &json!(1)));
    push(&service, &[asks("$asked")]);
    gateway.kill9();
    gateway.restart().unwrap();
    push(&service, &[asks("$asked")]);
    let again = owed(&gateway);
    assert_eq!((again.len(), &again[0]["id"], &again[0]["seen"]), (1, &first[0]["id"], &json!(2)));
}

#[test]
fn nobody_is_answered_who_does_not_ask_here_and_now() {
    let (service, gateway) = lonely("unasked");
    push(
        &service,
        &[
            says(ROOM, "$notice", "m.notice", "!builds", 0),
            says(ROOM, "$more", "m.text", "!builds please", 0),
            says("!other:example.org", "$elsewhere", "m.text", "!builds", 0),
            says(ROOM, "$old", "m.text", "!builds", 301),
            says(ROOM, "$ahead", "m.text", "!builds", -310),
        ],
    );
    assert_eq!(owed(&gateway), [json!(null); 0]);
    push(&service, &[says(ROOM, "$late", "m.text", "!builds  ", 290)]);
    assert_eq!(owed(&gateway).len(), 1);
}

#[test]
fn a_room_is_answered_no_more_than_every_ten_seconds() {
    let (service, gateway) = lonely("often");
    push(&service, &[asks("$1"), asks("$2"), asks("$3")]);
    push(&service, &[asks("$4")]);
    assert_eq!(owed(&gateway).len(), 1);
    let metrics = gateway.admin_get("/metrics").text();
    for line in
        ["meshhook_boards_total{result=\"limited\"} 3", "meshhook_boards_total{result=\"accepted\"} 1"]
    {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}

/// Nothing can be said here, for as long as anybody asks.
#[test]
fn a_room_is_owed_one_board_at_a_time() {
    let (service, gateway) = lonely("waiting");
    let mut asked = 0;
    let again = || {
        asked += 1;
        push(&service, &[asks(&format!("${asked}"))]);
        let metrics = gateway.admin_get("/metrics").text();
        metrics.contains("meshhook_boards_total{result=\"waiting\"}").then_some(())
    };
    eventually(crate::rig::SOON, again);
    assert_eq!(owed(&gateway).len(), 1);
}

#[test]
fn a_board_is_listed_as_what_it_is() {
    let (service, gateway) = lonely("listed");
    push(&service, &[asks("$asked")]);
    let owed = owed(&gateway);
    assert_eq!((&owed[0]["source"], &owed[0]["room"]), (&json!("!builds"), &json!(ROOM)));
    assert_eq!((&owed[0]["verified_by"], &owed[0]["state"]), (&json!("hs_token"), &json!(null)));
}
