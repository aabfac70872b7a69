//! Another conduct for an engine that runs.

use std::sync::Arc;
use std::time::Duration;

use meshhook_engine::{Clock, Conduct, Digest, Encrypted};
use meshhook_model::State;
use meshhook_normalize::Words;
use meshhook_testkit::{Endpoint, Event, Fault, Homeserver, eventually};
use serde_json::json;

use crate::rig::{Rig, SOON, run_body, source};

#[test]
fn a_room_that_is_new_is_served_and_one_that_is_gone_gets_what_it_is_owed() {
    let mut rig = Rig::new();
    rig.homeserver.add_room("!another");
    rig.homeserver.fail(Endpoint::Send, Fault::html(502));
    let owed = rig.accept(1, "completed", Some("success"));
    rig.source = Arc::new(source("!another"));
    rig.engine().adopt(rig.conduct(vec![Arc::clone(&rig.source)])).unwrap();
    let new = rig.accept(2, "completed", Some("success"));
    rig.homeserver.mend(Endpoint::Send);
    rig.eventually_status(&owed, "sent");
    rig.eventually_status(&new, "sent");
    let rooms = [Homeserver::ROOM, "!another"].map(|room| rig.homeserver.events(room).len());
    assert_eq!(rooms, [1, 1]);
}

/// It is owed to the room that it was for, whose lane has to hear of it.
#[test]
fn what_was_parked_and_comes_again_is_said_in_its_room_at_once() {
    let mut rig = Rig::new();
    rig.homeserver.fail_once(Endpoint::Send, Fault::refused(413, "M_TOO_LARGE", "event too large"));
    let body = run_body(1, "completed", Some("success"), rig.clock.now().seconds());
    let parked = rig.post(&body).unwrap().delivery;
    rig.eventually_status(&parked, "parked");
    rig.homeserver.add_room("!another");
    rig.source = Arc::new(source("!another"));
    rig.engine().adopt(rig.conduct(vec![Arc::clone(&rig.source)])).unwrap();
    assert_eq!(rig.post(&body).unwrap().outcome, "accepted");
    rig.eventually_status(&parked, "sent");
    assert_eq!(rig.messages().len(), 1);
}

/// What was frozen before is sent as it is; what comes after goes by the new plan.
#[test]
fn messages_are_planned_by_the_conduct_in_force() {
    let rig = Rig::new();
    let first = rig.accept(1, "completed", Some("success"));
    rig.eventually_status(&first, "sent");
    let digest = Digest { max_lines: 2, ..Digest::default() };
    let sources = vec![Arc::clone(&rig.source)];
    rig.engine().adopt(Conduct { digest, ..rig.conduct(sources) }).unwrap();
    rig.homeserver.fail_once(Endpoint::Send, Fault::rate_limited(Duration::from_millis(100)));
    for run in 2..=6 {
        rig.accept(run, "completed", Some("success"));
    }
    let keys = |event: &Event| event.content()["com.meshmac.message"]["keys"].as_array().unwrap().len();
    let said = eventually(SOON, || {
        let said: Vec<_> = rig.messages().iter().map(keys).collect();
        (said.iter().sum::<usize>() == 6).then_some(said)
    });
    assert!(said.contains(&2) && said.iter().all(|&keys| keys <= 2), "{said:?}");
}

#[test]
fn a_body_is_read_again_by_the_sources_in_force() {
    let rig = Rig::new();
    let unread = run_body(1, "not_a_status", None, rig.clock.now().seconds());
    let id = rig.post(&unread).unwrap().delivery;
    assert_eq!(rig.status(&id), "unreadable");
    rig.engine().adopt(rig.conduct(Vec::new())).unwrap();
    assert!(rig.engine().retry(&id, false).is_err(), "nobody can read it");
    let words = Words::new(vec![("not_a_status".to_owned(), Some(State::Failed))]);
    let mut other = source(&rig.room);
    other.reader = other.reader.with_words(words);
    rig.engine().adopt(rig.conduct(vec![Arc::new(other)])).unwrap();
    rig.engine().retry(&id, false).unwrap();
    rig.eventually_status(&id, "sent");
}

/// The last look was a moment ago, and at a room that might be encrypted.
#[test]
fn an_encrypted_room_is_held_from_the_next_message_on() {
    let mut rig = Rig::new();
    rig.stop();
    rig.encrypted = Encrypted::Plain;
    rig.start();
    let megolm = json!({ "algorithm": "m.megolm.v1.aes-sha2" });
    rig.homeserver.set_state(Homeserver::ROOM, "m.room.encryption", megolm);
    let first = rig.accept(1, "completed", Some("success"));
    rig.eventually_status(&first, "sent");
    let sources = vec![Arc::clone(&rig.source)];
    rig.engine().adopt(Conduct { encrypted: Encrypted::Hold, ..rig.conduct(sources) }).unwrap();
    let second = rig.accept(2, "completed", Some("success"));
    let held = eventually(SOON, || {
        assert_ne!(rig.status(&second), "sent");
        rig.engine().store().totals().unwrap().rooms[0].hold.clone()
    });
    assert!(held.0.contains("encrypted"), "{held:?}");
}

/// With time that stands still nobody looks a second time but who is asked to.
#[test]
fn the_token_is_looked_at_at_once_where_that_is_asked() {
    let mut rig = Rig::new();
    rig.stop();
    rig.clock.hold();
    rig.start();
    let id = rig.accept(1, "completed", Some("success"));
    rig.eventually_status(&id, "sent");
    *rig.token.lock().unwrap() = "syt_wrong".into();
    rig.engine().look_at_token();
    eventually(SOON, || rig.saw("TokenNotTaken").then_some(()));
}
