//! What each answer of a homeserver does.

use std::time::Duration;

use meshhook_engine::Clock;
use meshhook_store::{Identity, Moment, Pin};
use meshhook_testkit::{Endpoint, Fault, Homeserver, eventually};

use crate::rig::{Rig, SOON};

fn transactions(rig: &Rig) -> Vec<String> {
    rig.homeserver.requests_for(Endpoint::Send).into_iter().map(|request| request.target).collect()
}

#[test]
fn a_limit_is_waited_out_with_the_same_transaction() {
    let rig = Rig::new();
    rig.homeserver.fail_once(Endpoint::Send, Fault::rate_limited(Duration::from_secs(30)));
    let id = rig.accept(1, "completed", Some("success"));
    eventually(SOON, || (rig.results(&id) == ["limited"]).then_some(()));
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(rig.results(&id), ["limited"], "nothing is sent while the homeserver's gate is closed");
    // Nobody says so: the lane would sleep on for half a minute.
    rig.clock.advance(Duration::from_secs(30));
    rig.eventually_status(&id, "sent");
    let sent = transactions(&rig);
    assert_eq!((sent.len(), &sent[0]), (2, &sent[1]));
}

#[test]
fn an_answer_that_proves_nothing_is_followed_by_the_same_put() {
    for fault in [
        Fault::error(500, "M_UNKNOWN", "Internal server error"),
        Fault::error(500, "M_UNKNOWN", "Internal server error").after_commit(),
        Fault::dropped(),
        Fault::dropped().after_commit(),
        Fault::truncated(),
        Fault::html(400),
        Fault::html(403),
        Fault::html(413),
        Fault::html(502).after_commit(),
        Fault::captive_portal(),
        Fault::captive_portal().after_commit(),
        Fault::rate_limited(Duration::from_secs(1)).after_commit(),
    ] {
        let rig = Rig::new();
        let name = format!("{fault:?}");
        rig.homeserver.fail_once(Endpoint::Send, fault);
        let id = rig.accept(1, "completed", Some("success"));
        rig.eventually_status(&id, "sent");
        let sent = rig.homeserver.requests_for(Endpoint::Send);
        assert_eq!(sent.len(), 2, "{name}");
        assert_eq!((&sent[0].target, &sent[0].body), (&sent[1].target, &sent[1].body), "{name}");
        assert_eq!(rig.messages().len(), 1, "{name}");
    }
}

#[test]
fn what_piles_up_behind_a_limit_shares_a_message() {
    let rig = Rig::new();
    rig.homeserver.fail_once(Endpoint::Send, Fault::rate_limited(Duration::from_secs(30)));
    let first = rig.accept(1, "completed", Some("success"));
    eventually(SOON, || (rig.results(&first) == ["limited"]).then_some(()));
    let mut ids = Vec::new();
    for run in 2..=30 {
        for (status, conclusion) in [("queued", None), ("in_progress", None), ("completed", Some("failure"))]
        {
            ids.push(rig.accept(run, status, conclusion));
        }
    }
    rig.advance(Duration::from_secs(30));
    ids.iter().for_each(|id| rig.eventually_status(id, "sent"));
    let messages = rig.messages();
    assert_eq!(messages.len(), 3, "the one that was frozen before, and two digests");
    let count = |key: &str, at: usize| {
        messages.iter().map(|m| m.content()[key].as_array().map_or(at, Vec::len)).collect::<Vec<_>>()
    };
    let lines = count("com.meshmac.build_statuses", 1);
    assert_eq!(
        lines.iter().sum::<usize>(),
        30,
        "every end of a run has a line, and nothing that it left behind: {lines:?}"
    );
    let keys = messages.iter().flat_map(|m| m.content()["com.meshmac.message"]["keys"].as_array().unwrap());
    assert_eq!(keys.map(|key| key.as_str().unwrap()).collect::<std::collections::BTreeSet<_>>().len(), 88);
    assert!(messages[1].body().unwrap().starts_with("📋 "));
    assert_eq!(messages[1].content()["msgtype"], "m.text");
}

#[test]
fn a_refused_digest_goes_out_one_by_one() {
    let rig = Rig::new();
    rig.homeserver.fail_once(Endpoint::Send, Fault::rate_limited(Duration::from_secs(30)));
    let first = rig.accept(1, "completed", Some("success"));
    eventually(SOON, || (rig.results(&first) == ["limited"]).then_some(()));
    let ids: Vec<_> = (2..=4).map(|run| rig.accept(run, "completed", Some("success"))).collect();
    rig.homeserver.fail_once(Endpoint::Send, Fault::rate_limited(Duration::from_secs(1)));
    rig.homeserver.fail_once(Endpoint::Send, Fault::slow(Duration::ZERO));
    rig.homeserver.fail_once(Endpoint::Send, Fault::error(400, "M_BAD_JSON", "Bad JSON value"));
    rig.advance(Duration::from_secs(30));
    ids.iter().for_each(|id| rig.eventually_status(id, "sent"));
    assert_eq!(rig.messages().len(), 4);
    assert!(ids.iter().all(|id| rig.status(id) == "sent"));
}

#[test]
fn old_news_says_when_it_was() {
    let mut rig = Rig::new();
    rig.homeserver.fail(Endpoint::Whoami, Fault::html(502));
    rig.stop();
    rig.start();
    let id = rig.accept(1, "completed", Some("success"));
    rig.advance(Duration::from_secs(3600));
    rig.homeserver.mend(Endpoint::Whoami);
    rig.eventually_status(&id, "sent");
    let body = rig.messages()[0].body().unwrap().to_owned();
    assert!(body.starts_with("📋 1 update\n✅ ") && body.ends_with("2026-11-23 06:00 UTC"), "{body}");
}

#[test]
fn a_limit_of_no_seconds_is_no_invitation_to_hammer() {
    let rig = Rig::new();
    rig.homeserver.fail(Endpoint::Send, Fault::rate_limited(Duration::ZERO));
    let id = rig.accept(1, "completed", Some("success"));
    std::thread::sleep(Duration::from_secs(3));
    assert!(transactions(&rig).len() <= 4, "{}", transactions(&rig).len());
    rig.homeserver.mend(Endpoint::Send);
    rig.eventually_status(&id, "sent");
}

#[test]
fn a_forbidden_room_is_held_until_it_is_open_again() {
    let rig = Rig::new();
    rig.homeserver.remove_room(Homeserver::ROOM);
    let first = rig.accept(1, "completed", Some("success"));
    let second = rig.accept(2, "completed", Some("success"));
    let hold = eventually(SOON, || rig.engine().store().totals().unwrap().rooms[0].hold.clone());
    assert!(hold.0.contains("M_FORBIDDEN"), "{hold:?}");
    assert!(rig.saw("Held"));
    rig.homeserver.add_room(Homeserver::ROOM);
    assert_eq!(rig.status(&second), "pending");
    rig.advance(Duration::from_secs(301));
    rig.eventually_status(&first, "sent");
    rig.eventually_status(&second, "sent");
    assert_eq!(rig.engine().store().totals().unwrap().rooms[0].hold, None);
}

#[test]
fn a_refused_message_is_parked_and_does_not_stop_the_room() {
    let rig = Rig::new();
    rig.homeserver.fail_once(Endpoint::Send, Fault::error(413, "M_TOO_LARGE", "event too large"));
    let first = rig.accept(1, "completed", Some("success"));
    let second = rig.accept(2, "completed", Some("success"));
    rig.eventually_status(&second, "sent");
    let life = rig.life(&first);
    assert_eq!(
        (life.delivery.status.as_str(), life.delivery.reason.as_deref()),
        ("parked", Some("M_TOO_LARGE"))
    );
    assert!(rig.saw("Parked"));

    rig.engine().retry(&first, false).unwrap();
    rig.eventually_status(&first, "sent");
    let sent = transactions(&rig);
    assert_ne!(sent[0], sent[2], "the homeserver would answer a known transaction with what it refused");
    assert_eq!(rig.messages().len(), 2);
}

#[test]
fn an_encrypted_or_upgraded_room_is_held_and_says_why() {
    for (kind, content, word) in [
        ("m.room.encryption", serde_json::json!({ "algorithm": "m.megolm.v1.aes-sha2" }), "encrypted"),
        ("m.room.tombstone", serde_json::json!({ "replacement_room": "!new" }), "!new"),
    ] {
        let rig = Rig::new();
        rig.homeserver.set_state(Homeserver::ROOM, kind, content);
        let id = rig.accept(1, "completed", Some("success"));
        let hold = eventually(SOON, || rig.engine().store().totals().unwrap().rooms[0].hold.clone());
        assert!(hold.0.contains(word), "{hold:?}");
        assert_eq!(rig.status(&id), "in_message");
        assert_eq!(transactions(&rig), [""; 0]);
    }
}

#[test]
fn an_encrypted_room_is_written_to_where_that_is_wanted() {
    let mut rig = Rig::new();
    rig.stop();
    rig.encrypted = meshhook_engine::Encrypted::Plain;
    rig.start();
    let megolm = serde_json::json!({ "algorithm": "m.megolm.v1.aes-sha2" });
    rig.homeserver.set_state(Homeserver::ROOM, "m.room.encryption", megolm);
    let id = rig.accept(1, "completed", Some("success"));
    rig.eventually_status(&id, "sent");
}

#[test]
fn stopping_waits_for_what_is_in_hand_but_not_for_ever() {
    let rig = Rig::new();
    rig.homeserver.fail_once(Endpoint::Send, Fault::slow(Duration::from_secs(1)));
    let id = rig.accept(1, "completed", Some("success"));
    eventually(SOON, || (!transactions(&rig).is_empty()).then_some(()));
    assert!(rig.engine().stop(SOON));
    assert_eq!(rig.status(&id), "sent");

    let rig = Rig::new();
    rig.homeserver.fail_once(Endpoint::Send, Fault::hang(Duration::from_secs(4)));
    rig.accept(1, "completed", Some("success"));
    eventually(SOON, || (rig.homeserver.requests().len() > 2).then_some(()));
    assert!(!rig.engine().stop(Duration::from_millis(300)));
    let refused = rig.post(&crate::rig::run_body(2, "queued", None, crate::rig::START)).unwrap_err();
    assert_eq!(refused, meshhook_engine::CommitError::Stopping);
}

#[test]
fn a_lease_is_over_whatever_the_clock_was_set_to_meanwhile() {
    let rig = Rig::new();
    rig.homeserver.fail_once(Endpoint::State, Fault::slow(Duration::from_secs(2)));
    let id = rig.accept(1, "completed", Some("success"));
    eventually(SOON, || (!rig.homeserver.requests_for(Endpoint::State).is_empty()).then_some(()));
    rig.advance(Duration::from_secs(40));
    rig.set_back(Duration::from_secs(100));
    rig.eventually_status(&id, "sent");
    // The room was taken a second time before the PUT, and what that wrote down shows the clock as it was then.
    let other = Identity { user: "@other:scripted.localhost".to_owned(), device: None };
    let now = Clock::now(&*rig.clock);
    let Pin::Other { until, .. } = rig.engine().store().pin(&other, now).unwrap() else { panic!() };
    assert!(until < Moment::from_seconds(crate::rig::START).plus(Duration::from_secs(60)), "{until:?}");
}
