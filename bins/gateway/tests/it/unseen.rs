//! What is accepted and not shown: a shadow-banned bot, and a room that has had enough.

use meshhook_testkit::{Endpoint, Fault, Homeserver, Synapse, eventually};
use serde_json::json;

use crate::rig::{BUILDS, SOON, accepted, build, builder, post_build, said, scripted};

#[test]
fn a_shadow_banned_bot_loses_nothing() {
    let mut synapse = Synapse::start();
    let (admin, bot) = (synapse.register_admin("warden"), synapse.register("shadowed"));
    let room = synapse.create_room(&bot.token, json!({ "name": "CI" }));
    let ban = |synapse: &Synapse, method| {
        let path = format!("/_synapse/admin/v1/users/{}/shadow_ban", bot.id);
        synapse.request(method, &path, &admin.token, Some(&json!({}))).ok();
    };
    let wait_for = |synapse: &Synapse, count| {
        eventually(SOON, || {
            Some(said(synapse.messages(&bot.token, &room))).filter(|said| said.len() == count)
        })
    };
    let mut gateway = builder(&synapse.url(), &room, &bot.token).start().unwrap();
    accepted(&post_build(&gateway, &build("1", "running")));
    wait_for(&synapse, 1);
    ban(&synapse, "POST");
    let delivery = accepted(&post_build(&gateway, &build("1", "failed")))["delivery"].clone();
    // Synapse keeps who is shadow-banned waiting for up to ten seconds, each time.
    let hold = eventually(SOON * 3, || {
        gateway.admin_get("/readyz").json()["rooms"][0]["hold"].as_str().map(str::to_owned)
    });
    assert!(hold.contains("shadow-banned"), "{hold}");
    let life = gateway.admin_get(&format!("/deliveries/{}", delivery.as_str().unwrap())).ok();
    assert_eq!(
        (&life["status"], &life["message"]["attempts"][0]["result"]),
        (&json!("in_message"), &json!("unseen"))
    );
    ban(&synapse, "DELETE");
    // Synapse has the event that it invented in memory for up to an hour, or until it ends; the test does not wait.
    synapse.restart();
    // A held room is asked again every five minutes; the test makes them pass.
    gateway.stop();
    let store = rusqlite::Connection::open(gateway.store_dir().join("meshhook.db")).unwrap();
    store.execute("UPDATE room SET due = 0", []).unwrap();
    drop(store);
    gateway.restart().unwrap();
    let said = wait_for(&synapse, 2);
    assert_eq!(said[1].content()["com.meshmac.build_status"]["state"], "failed");
}

/// Deliveries that wait for the scripted room, beside one that does.
const FILL: &str = "
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 199998)
    INSERT INTO delivery (id, key, source, status, subject, round, rank, room, content, line, received_at, keep,
        correlation_id, verified_by, request_id)
    SELECT 'fill' || n, CAST(printf('%032d', n) AS BLOB), source, 'pending', CAST(printf('%032d', n) AS BLOB), 1, 2, room,
        content, line, received_at, keep, 'c', 'k', 'r' FROM n, delivery WHERE id = ?1";

#[test]
fn a_full_room_refuses_its_own_sources_only() {
    let homeserver = Homeserver::start();
    homeserver.fail(Endpoint::Send, Fault::forbidden());
    homeserver.add_room("!other:scripted.localhost");
    let mut gateway = scripted(&homeserver)
        .source("other", "standard", &BUILDS.replace("bWVza", "bWVzb"))
        .in_source("room = \"!other:scripted.localhost\"")
        .start()
        .unwrap();
    accepted(&post_build(&gateway, &build("0", "failed")));
    eventually(SOON, || (!homeserver.requests_for(Endpoint::Send).is_empty()).then_some(()));
    let first = accepted(&post_build(&gateway, &build("1", "failed")))["delivery"].clone();
    gateway.stop();
    let store = rusqlite::Connection::open(gateway.store_dir().join("meshhook.db")).unwrap();
    store.execute(FILL, [first.as_str().unwrap()]).unwrap();
    drop(store);
    gateway.restart().unwrap();

    accepted(&post_build(&gateway, &build("2", "failed")));
    let refused = post_build(&gateway, &build("3", "failed"));
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("10")));
    assert_eq!(refused.json()["code"], "unavailable");
    assert!(gateway.admin_get("/metrics").text().contains("meshhook_accepting 1"), "others are accepted");
    assert!(gateway.log().contains("200000 deliveries wait for the room"), "{}", gateway.log());
    assert_eq!(accepted(&post_build(&gateway, &build("1", "failed")))["outcome"], "duplicate");

    let body = build("1", "failed").to_string();
    let secret = BUILDS.replace("bWVza", "bWVzb");
    let headers =
        meshhook_testkit::signed::standard(&secret, "msg_other", crate::rig::now(), body.as_bytes());
    homeserver.mend(Endpoint::Send);
    assert_eq!(accepted(&gateway.post("other", &headers, body.as_bytes()))["outcome"], "accepted");
    eventually(SOON, || (said(homeserver.events("!other:scripted.localhost")).len() == 1).then_some(()));
}
