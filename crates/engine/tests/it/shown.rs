//! 200 is no proof that a message is in the room, and 500 none that it is not.

use std::time::Duration;

use meshhook_testkit::{Endpoint, Fault, Homeserver, eventually};
use serde_json::json;

use crate::rig::{Rig, SOON};

/// As Synapse answers who is shadow-banned.
fn invented() -> Fault {
    Fault::status(200, &json!({ "event_id": "$invented" }))
}

fn events_read(rig: &Rig) -> usize {
    rig.homeserver.requests_for(Endpoint::Event).len()
}

#[test]
fn the_first_message_is_read_back_and_then_one_every_ten_minutes() {
    let rig = Rig::new();
    for run in 1..4 {
        let id = rig.accept(run, "completed", Some("success"));
        rig.eventually_status(&id, "sent");
    }
    assert_eq!(events_read(&rig), 1);
    rig.advance(Duration::from_secs(601));
    let id = rig.accept(4, "completed", Some("success"));
    rig.eventually_status(&id, "sent");
    assert_eq!(events_read(&rig), 2);
}

#[test]
fn an_event_that_nobody_can_read_settles_nothing_and_holds_the_room() {
    let rig = Rig::new();
    let before = rig.accept(1, "completed", Some("success"));
    rig.eventually_status(&before, "sent");
    rig.advance(Duration::from_secs(601));
    rig.homeserver.fail(Endpoint::Send, invented());
    let id = rig.accept(2, "completed", Some("success"));
    eventually(SOON, || (rig.results(&id) == ["unseen", "unseen"]).then_some(()));
    let hold = rig.engine().store().totals().unwrap().rooms.remove(0).hold.unwrap().0;
    assert!(hold.contains("shadow-banned; what was sent after 2026-11-23T06:0"), "{hold}");
    assert_eq!(rig.status(&id), "in_message");

    rig.homeserver.mend(Endpoint::Send);
    rig.advance(Duration::from_secs(300));
    rig.eventually_status(&id, "sent");
    assert_eq!(rig.messages().len(), 2);
    assert!(rig.engine().store().totals().unwrap().rooms.remove(0).hold.is_none());
}

#[test]
fn a_homeserver_that_does_not_let_events_be_read_is_believed() {
    for fault in [Fault::html(502), Fault::forbidden(), Fault::dropped()] {
        let rig = Rig::new();
        rig.homeserver.fail(Endpoint::Event, fault);
        let id = rig.accept(1, "completed", Some("success"));
        rig.eventually_status(&id, "sent");
    }
}

#[test]
fn a_part_that_reads_later_than_another_writes_holds_nothing() {
    let rig = Rig::new();
    rig.homeserver.fail_once(Endpoint::Event, Fault::error(404, "M_NOT_FOUND", "Event not found."));
    let id = rig.accept(1, "completed", Some("success"));
    rig.eventually_status(&id, "sent");
    assert_eq!(rig.results(&id), ["unseen", "sent"]);
    assert_eq!(rig.messages().len(), 1);
    assert!(!rig.saw("Held"));
}

/// Lets the homeserver fail so often at a run's end, as time goes on; its delivery.
fn fail(rig: &Rig, times: usize, fault: &Fault) -> String {
    rig.homeserver.fail_once(Endpoint::Send, fault.clone());
    let id = rig.accept(1, "completed", Some("success"));
    for made in 1..times {
        eventually(SOON, || (rig.results(&id).len() >= made).then_some(()));
        rig.homeserver.fail_once(Endpoint::Send, fault.clone());
        rig.advance(Duration::from_secs(60));
    }
    id
}

#[test]
fn a_message_that_the_homeserver_always_fails_at_lets_the_room_go_on() {
    let rig = Rig::new();
    let poison = Fault::error(500, "M_UNKNOWN", "Internal server error");
    let id = fail(&rig, 10, &poison);
    rig.eventually_status(&id, "uncertain");
    let next = rig.accept(2, "completed", Some("success"));
    rig.eventually_status(&next, "sent");
    assert!(rig.life(&id).message.unwrap().attempts.last().unwrap().detail.contains("10 times"));
}

#[test]
fn a_homeserver_that_fails_at_every_message_is_waited_for() {
    let rig = Rig::new();
    let full = Fault::error(500, "M_UNKNOWN", "Internal server error");
    let first = fail(&rig, 10, &full);
    rig.eventually_status(&first, "uncertain");
    rig.homeserver.fail(Endpoint::Send, full);
    let next = rig.accept(2, "completed", Some("success"));
    for made in 1..=10 {
        eventually(SOON, || (rig.results(&next).len() >= made).then_some(()));
        rig.advance(Duration::from_secs(60));
    }
    let hold = eventually(SOON, || rig.engine().store().totals().unwrap().rooms.remove(0).hold);
    assert!(hold.0.contains("fails at every message"), "{hold:?}");
    rig.homeserver.mend(Endpoint::Send);
    rig.advance(Duration::from_secs(300));
    rig.eventually_status(&next, "sent");
}

#[test]
fn a_message_that_was_failed_at_and_is_there_is_settled() {
    let rig = Rig::new();
    let poison = Fault::error(500, "M_UNKNOWN", "Internal server error").after_commit();
    let id = fail(&rig, 10, &poison);
    rig.eventually_status(&id, "sent");
    assert_eq!(rig.results(&id).last().map(String::as_str), Some("found"));
    assert_eq!(rig.messages().len(), 1);
}

#[test]
fn a_homeserver_that_is_down_as_a_whole_is_waited_for() {
    for (fault, whoami) in [
        (Fault::html(502), None),
        (Fault::error(500, "M_UNKNOWN", "Internal server error"), Some(Fault::html(502))),
    ] {
        let rig = Rig::new();
        let warm_up = rig.accept(9, "completed", Some("success"));
        rig.eventually_status(&warm_up, "sent");
        if let Some(whoami) = whoami {
            rig.homeserver.fail(Endpoint::Whoami, whoami);
        }
        let id = fail(&rig, 13, &fault);
        eventually(SOON, || (rig.results(&id).len() == 13).then_some(()));
        rig.advance(Duration::from_secs(60));
        rig.eventually_status(&id, "sent");
        assert_eq!(rig.homeserver.events(Homeserver::ROOM).len(), 2);
    }
}

/// A message whose first answer was lost, and which nobody can look for; what became of it in a quarter of an hour.
fn without_a_look(first: Fault, then: Option<Fault>) -> (Rig, String) {
    let mut rig = Rig::new();
    rig.homeserver.fail(Endpoint::Send, first);
    let id = rig.accept(1, "completed", Some("success"));
    eventually(SOON, || (!rig.results(&id).is_empty()).then_some(()));
    rig.stop();
    rig.homeserver.mend(Endpoint::Send);
    then.into_iter().for_each(|fault| rig.homeserver.fail(Endpoint::Send, fault));
    rig.homeserver.fail(Endpoint::Messages, Fault::error(500, "M_UNKNOWN", "Internal server error"));
    rig.start();
    for _ in 0..14 {
        let made = rig.results(&id).len();
        let is_done = || rig.status(&id) != "in_message";
        rig.advance(Duration::from_secs(60));
        eventually(SOON, || (is_done() || rig.results(&id).len() > made).then_some(()));
        if is_done() {
            break;
        }
    }
    (rig, id)
}

/// Its transaction id is as good as the look, which only makes sure.
#[test]
fn a_homeserver_that_cannot_look_back_is_sent_to_while_it_knows_the_transaction() {
    let (rig, id) = without_a_look(Fault::dropped().after_commit(), None);
    assert_eq!(rig.status(&id), "sent");
    assert_eq!(rig.messages().len(), 1);
}

#[test]
fn a_message_that_can_neither_be_looked_for_nor_sent_lets_the_room_go_on() {
    let poison = Fault::error(500, "M_UNKNOWN", "Internal server error");
    let (rig, id) = without_a_look(poison.clone(), Some(poison));
    assert_eq!(rig.status(&id), "uncertain");
    rig.homeserver.mend(Endpoint::Send);
    let next = rig.accept(2, "completed", Some("success"));
    rig.eventually_status(&next, "sent");
}
