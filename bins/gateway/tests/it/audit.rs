//! `GET /deliveries/audit`.

use meshhook_testkit::{Gateway, eventually};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::rig::{SOON, accepted, build, post_build, started};

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
