//! `GET /deliveries/audit`.

use std::thread;
use std::time::Duration;

use meshhook_testkit::{Endpoint, Fault, Gateway, Homeserver, eventually};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::rig::{Room, SOON, accepted, build, post_build, scripted, started};

fn audit(gateway: &Gateway) -> Value {
    gateway.admin_get("/deliveries/audit").ok()
}

/// Posts a build and waits until its state is in the room; the delivery's id.
fn sent(gateway: &Gateway, run: &str) -> String {
    let id = accepted(&post_build(gateway, &build(run, "failed")))["delivery"].as_str().unwrap().to_owned();
    eventually(SOON, || {
        let life = gateway.admin_get(&format!("/deliveries/{id}")).ok();
        (life["status"] == "sent").then_some(())
    });
    id
}

/// Does something to the store behind the gateway's back.
fn harm(gateway: &Gateway, statements: &str) {
    let store = Connection::open(gateway.store_dir().join("meshhook.db")).unwrap();
    store.execute_batch(statements).unwrap();
}

#[test]
fn a_sound_store_has_no_breaches() {
    let (_homeserver, gateway) = started();
    sent(&gateway, "1");
    sent(&gateway, "2");
    let looked_at = json!({ "deliveries": 2, "messages": 2, "attempts": 2, "subjects": 2, "rooms": 1 });
    assert_eq!(audit(&gateway), json!({ "breaches": [], "more": 0, "looked_at": looked_at }));
}

#[test]
fn breaches_are_told_by_the_number_of_what_they_break() {
    let (_homeserver, gateway) = started();
    let (first, second) = (sent(&gateway, "1"), sent(&gateway, "2"));
    harm(&gateway, "UPDATE delivery SET expires_at = NULL WHERE seq = 1");
    harm(&gateway, "UPDATE message SET body = (SELECT body FROM message WHERE id = 1) WHERE id = 2");
    let key =
        |id: &str| gateway.admin_get(&format!("/deliveries/{id}")).ok()["key"].as_str().unwrap().to_owned();
    let (one, two) = (key(&first), key(&second));
    let expected = json!([
        { "invariant": 0, "what": format!("delivery {first} (in_message) is final, and is never forgotten") },
        { "invariant": 2, "what": format!("message 2 (sent) does not carry its member {two}") },
        { "invariant": 1, "what": format!("message 2 (sent) carries the key of a delivery that is elsewhere: {one}") },
    ]);
    assert_eq!(audit(&gateway)["breaches"], expected);
}

/// The audit with the rooms: the one room, and the breaches.
fn count(gateway: &Gateway) -> (Value, Vec<String>) {
    let mut audit = gateway.admin_get("/deliveries/audit?room=true").ok();
    assert_eq!(audit["rooms"].as_array().unwrap().len(), 1, "{audit}");
    let breaches = audit["breaches"].as_array().unwrap().iter();
    let breaches = breaches.map(|breach| {
        assert_eq!(breach["invariant"], 9, "{breach}");
        breach["what"].as_str().unwrap().to_owned()
    });
    let breaches = breaches.collect();
    (audit["rooms"][0].take(), breaches)
}

fn key(gateway: &Gateway, id: &str) -> String {
    gateway.admin_get(&format!("/deliveries/{id}")).ok()["key"].as_str().unwrap().to_owned()
}

fn marked(keys: &[&str]) -> Value {
    json!({ "msgtype": "m.notice", "body": "x", "com.meshmac.message": { "id": "m", "keys": keys } })
}

#[test]
fn a_room_that_holds_each_message_once_is_sound() {
    let room = Room::new("audited");
    let gateway = room.gateway().start().unwrap();
    for run in ["1", "2", "3"] {
        sent(&gateway, run);
    }
    let (counted, breaches) = count(&gateway);
    assert_eq!(breaches, [""; 0]);
    let expected = json!({
        "room": room.id, "on_record": 3, "not_reached": 0, "redacted": 0, "events": 3, "keys": 3, "under_way": 0,
        "uncertain": 0, "given_up": 0, "forgotten": 0,
    });
    assert_eq!(counted, expected);
}

/// Invariant 9 broken in each way that a room can, and in each that only looks so.
#[test]
fn what_a_room_has_twice_lacks_or_has_from_elsewhere_is_found() {
    let room = Room::new("audited-broken");
    let gateway = room.gateway().start().unwrap();
    let ids = ["1", "2", "3"].map(|run| sent(&gateway, run));
    let keys = ids.each_ref().map(|id| key(&gateway, id));
    let said = room.said();
    let (synapse, bot) = (&room.synapse, &room.bot);

    let impostor = synapse.register("audited-impostor");
    synapse.bring_in(&bot.token, &room.id, &impostor);
    synapse.send(&impostor.token, &room.id, "i", &marked(&[&keys[0]]));
    synapse.redact(&bot.token, &room.id, said[1].id());
    let (counted, breaches) = count(&gateway);
    assert_eq!(breaches, [""; 0], "neither an impostor nor a redaction is a breach");
    assert_eq!((&counted["redacted"], &counted["events"]), (&json!(1), &json!(2)));

    let double = synapse.send(&bot.token, &room.id, "d", &marked(&[&keys[0]]));
    let unknown = "ab".repeat(32);
    let foreign = synapse.send(&bot.token, &room.id, "f", &marked(&[&unknown]));
    harm(&gateway, "UPDATE message SET event_id = '$gone' WHERE id = 2");
    let (_, breaches) = count(&gateway);
    let expected = [
        format!(
            "room {} has {foreign} with the key {unknown}, which no delivery has: another gateway writes as this user, \
             or with another store",
            room.id
        ),
        format!("room {} has delivery {} twice: {} and {double}", room.id, ids[0], said[0].id()),
        format!("room {} lacks $gone, which is message 2", room.id),
    ];
    assert_eq!(breaches, expected);
}

#[test]
fn breaches_beyond_the_bounds_are_counted() {
    let (_homeserver, gateway) = started();
    sent(&gateway, "1");
    harm(
        &gateway,
        "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 150) \
         INSERT INTO message (room, sender, txn, body, frozen_at, frozen_by, status, event_id) \
         SELECT room, sender, 't' || i, '', 0, '', 'sent', '$gone' || i FROM message, n WHERE id = 1",
    );
    let audit = gateway.admin_get("/deliveries/audit?room=true").ok();
    assert_eq!((audit["breaches"].as_array().unwrap().len(), &audit["more"]), (200, &json!(100)));
}

/// A page of 20 beyond the last that is looked for: a second copy of it may stand before it.
#[test]
fn a_room_is_read_a_page_further_than_the_record_goes() {
    for (others, forgotten) in [(25, 1), (45, 0)] {
        let (homeserver, gateway) = started();
        let post = |content| homeserver.post_as(&homeserver.user().id, Homeserver::ROOM, content);
        post(marked(&[&"cd".repeat(32)]));
        for _ in 0..others {
            post(json!({ "msgtype": "m.text", "body": "not a status" }));
        }
        sent(&gateway, "1");
        let (counted, breaches) = count(&gateway);
        assert_eq!((&counted["forgotten"], breaches), (&json!(forgotten), vec![]));
    }
}

#[test]
fn a_room_that_cannot_be_read_says_so_and_nothing_is_missed_in_it() {
    let (homeserver, gateway) = started();
    sent(&gateway, "1");
    homeserver.fail(Endpoint::Messages, Fault::html(502));
    let (counted, breaches) = count(&gateway);
    assert_eq!((&counted["on_record"], &counted["not_reached"]), (&json!(1), &json!(1)));
    assert!(counted["unread"].as_str().unwrap().starts_with("502"), "{counted}");
    assert_eq!(breaches, [""; 0]);
    homeserver.mend(Endpoint::Messages);
    homeserver.change_token("another");
    accepted(&post_build(&gateway, &build("2", "failed")));
    eventually(SOON, || {
        let (counted, _) = count(&gateway);
        (counted["unread"] == "nobody is signed in").then_some(())
    });
}

/// While a room is read, lanes send and probes are answered; a second audit is not begun.
#[test]
fn an_audit_holds_nobody_up_and_is_alone() {
    let homeserver = Homeserver::start();
    let gateway = scripted(&homeserver).start().unwrap();
    sent(&gateway, "1");
    homeserver.fail(Endpoint::Messages, Fault::slow(Duration::from_secs(8)));
    thread::scope(|scope| {
        let slow = scope.spawn(|| count(&gateway));
        eventually(SOON, || (!homeserver.requests_for(Endpoint::Messages).is_empty()).then_some(()));
        for second in ["/deliveries/audit", "/deliveries/audit?room=true"] {
            let refused = gateway.admin_get(second);
            assert_eq!(
                (refused.status, &refused.json()["detail"]),
                (409, &json!("Another audit is at work."))
            );
        }
        sent(&gateway, "2");
        assert_eq!(gateway.admin_get("/readyz").status, 200);
        assert!(!slow.is_finished(), "all that while the room was being read");
        let (counted, breaches) = slow.join().unwrap();
        assert_eq!((&counted["on_record"], &counted["events"]), (&json!(1), &json!(1)));
        assert_eq!(breaches, [""; 0]);
    });
    assert_eq!(audit(&gateway)["looked_at"]["deliveries"], 2);
}

#[test]
fn what_an_audit_cannot_be_asked_is_refused() {
    let (_homeserver, gateway) = started();
    for query in ["room=false", "room=true&room=true", "rooms=true", "limit=3", "room"] {
        assert_eq!(gateway.admin_get(&format!("/deliveries/audit?{query}")).status, 400, "{query}");
    }
}
