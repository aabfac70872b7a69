//! A PUT whose fate is unknown: the room is read before it is made again.

use std::time::Duration;

use meshhook_testkit::{Endpoint, Fault, Homeserver, eventually};
use serde_json::json;

use crate::rig::{Rig, SOON};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A message that reached the room, whose answer was lost with the process that waited for it.
fn lost_answer(rig: &mut Rig) -> String {
    rig.homeserver.fail(Endpoint::Send, Fault::dropped().after_commit());
    let id = rig.accept(1, "completed", Some("success"));
    eventually(SOON, || (!rig.results(&id).is_empty()).then_some(()));
    rig.stop();
    rig.homeserver.mend(Endpoint::Send);
    id
}

fn sends(rig: &Rig) -> usize {
    rig.homeserver.requests_for(Endpoint::Send).len()
}

#[test]
fn the_next_process_finds_the_message_in_the_room() {
    let mut rig = Rig::new();
    let id = lost_answer(&mut rig);
    let before = sends(&rig);
    rig.advance(DAY);
    rig.start();
    rig.eventually_status(&id, "sent");
    assert_eq!(rig.results(&id).last().map(String::as_str), Some("found"));
    assert_eq!((rig.messages().len(), sends(&rig)), (1, before));
}

#[test]
fn what_is_not_in_the_room_is_sent_with_the_same_transaction() {
    let mut rig = Rig::new();
    rig.homeserver.fail(Endpoint::Send, Fault::dropped());
    let id = rig.accept(1, "completed", Some("success"));
    eventually(SOON, || (!rig.results(&id).is_empty()).then_some(()));
    rig.stop();
    rig.homeserver.mend(Endpoint::Send);
    rig.advance(DAY * 2);
    rig.start();
    rig.eventually_status(&id, "sent");
    let paths: Vec<_> = rig.homeserver.requests_for(Endpoint::Send).into_iter().map(|r| r.target).collect();
    assert!(paths.iter().all(|path| *path == paths[0]), "{paths:?}");
    assert_eq!(rig.messages().len(), 1);
}

#[test]
fn an_impostor_with_our_marker_settles_nothing() {
    let mut rig = Rig::new();
    rig.homeserver.fail(Endpoint::Send, Fault::dropped());
    let id = rig.accept(1, "completed", Some("success"));
    eventually(SOON, || (!rig.results(&id).is_empty()).then_some(()));
    rig.stop();
    let message = rig.homeserver.requests_for(Endpoint::Send)[0].json();
    rig.homeserver.post_as("@mallory:scripted.localhost", Homeserver::ROOM, message);
    rig.homeserver.mend(Endpoint::Send);
    rig.advance(DAY);
    rig.start();
    rig.eventually_status(&id, "sent");
    let own: Vec<_> = rig.messages().into_iter().filter(|e| e.sender() == rig.homeserver.user().id).collect();
    assert_eq!(own.len(), 1);
}

#[test]
fn a_room_that_does_not_tell_leaves_the_message_uncertain_and_goes_on() {
    let mut rig = Rig::new();
    let id = lost_answer(&mut rig);
    rig.homeserver.fail(Endpoint::Messages, Fault::forbidden());
    rig.advance(DAY);
    rig.start();
    rig.eventually_status(&id, "uncertain");
    assert!(rig.saw("Uncertain"));
    let next = rig.accept(2, "completed", Some("success"));
    rig.eventually_status(&next, "sent");
    let again = rig.post(&crate::rig::run_body(1, "completed", Some("success"), crate::rig::START)).unwrap();
    assert_eq!((again.outcome, again.status), ("duplicate", Some("uncertain")));
}

#[test]
fn within_a_day_the_transaction_id_protects_where_the_room_does_not_tell() {
    let mut rig = Rig::new();
    let id = lost_answer(&mut rig);
    rig.homeserver.fail(Endpoint::Messages, Fault::forbidden());
    rig.start();
    rig.eventually_status(&id, "sent");
    assert_eq!(rig.messages().len(), 1);
}

#[test]
fn the_homeserver_that_does_not_answer_is_asked_again() {
    let mut rig = Rig::new();
    let id = lost_answer(&mut rig);
    rig.homeserver.fail_once(Endpoint::Messages, Fault::html(502));
    rig.advance(DAY);
    rig.start();
    rig.eventually_status(&id, "sent");
    let results = rig.results(&id);
    assert_eq!(results[results.len() - 2..], ["unknown", "found"]);
    assert_eq!(rig.messages().len(), 1);
}

#[test]
fn another_device_is_no_second_message() {
    let mut rig = Rig::new();
    let id = lost_answer(&mut rig);
    rig.homeserver.change_device("OTHER", "syt_other_token");
    *rig.token.lock().unwrap() = "syt_other_token".into();
    rig.advance(Duration::from_secs(120));
    rig.start();
    rig.eventually_status(&id, "sent");
    assert_eq!(rig.messages().len(), 1);
}

#[test]
fn the_anchor_is_the_message_before() {
    let mut rig = Rig::new();
    for run in 10..13 {
        let id = rig.accept(run, "completed", Some("success"));
        rig.eventually_status(&id, "sent");
    }
    for n in 0..300 {
        rig.homeserver.post_as("@talker:scripted.localhost", Homeserver::ROOM, json!({ "body": n }));
    }
    let id = lost_answer(&mut rig);
    rig.advance(DAY);
    rig.start();
    rig.eventually_status(&id, "sent");
    let own = rig.messages().into_iter().filter(|e| e.sender() == rig.homeserver.user().id).count();
    assert_eq!(own, 4);
}

#[test]
fn a_token_that_comes_back_does_not_make_a_second_message() {
    let rig = Rig::new();
    let warm_up = rig.accept(9, "completed", Some("success"));
    rig.eventually_status(&warm_up, "sent");
    let (first_device, first_token) = (rig.homeserver.user().device, rig.homeserver.user().token);
    let switch = |device: &str, token: &str| {
        rig.homeserver.change_device(device, token);
        *rig.token.lock().unwrap() = token.to_owned();
        eventually(SOON, || format!("{:?}", rig.engine().sending()).contains("waits until").then_some(()));
        rig.advance(Duration::from_secs(100));
    };
    rig.homeserver.fail(Endpoint::Send, Fault::dropped());
    let id = rig.accept(1, "completed", Some("success"));
    eventually(SOON, || (!rig.results(&id).is_empty()).then_some(()));

    rig.homeserver.fail(Endpoint::Send, Fault::dropped().after_commit());
    switch("OTHER", "syt_other_token");
    eventually(SOON, || (rig.messages().len() == 2).then_some(()));
    switch(&first_device, &first_token);
    rig.homeserver.mend(Endpoint::Send);
    rig.advance(Duration::from_secs(100));
    rig.eventually_status(&id, "sent");
    assert_eq!(rig.messages().len(), 2);
}

#[test]
fn a_message_in_a_room_that_was_closed_since_is_settled() {
    let mut rig = Rig::new();
    let id = lost_answer(&mut rig);
    rig.homeserver.set_state(Homeserver::ROOM, "m.room.tombstone", json!({ "replacement_room": "!new" }));
    rig.advance(DAY);
    rig.start();
    rig.eventually_status(&id, "sent");
}
