//! Somebody else in a real room who posts our marker.

use std::time::Duration;

use meshhook_testkit::{Loss, Proxy, Synapse, eventually};
use serde_json::{Value, json};

use crate::rig::{SOON, accepted, build, builder, keys, post_build, said};

fn content(frozen: &str) -> Value {
    serde_json::from_str(frozen).unwrap()
}

#[test]
fn an_impostor_with_our_marker_settles_nothing() {
    let synapse = Synapse::shared();
    let (bot, mallory) = (synapse.register("imitated"), synapse.register("mallory"));
    let room = synapse.create_room(&bot.token, json!({ "name": "CI" }));
    synapse.bring_in(&bot.token, &room, &mallory);
    let proxy = Proxy::before(&synapse.url());
    let mut gateway = builder(&proxy.url(), &room, &bot.token).start().unwrap();
    // Frozen, and its PUT lost on the way: what it carries is in the store alone.
    proxy.lose(Loss::Request);
    let delivery =
        accepted(&post_build(&gateway, &build("1", "failed")))["delivery"].as_str().unwrap().to_owned();
    eventually(SOON, || (proxy.lost() > 0).then_some(()));
    gateway.kill9();
    let store = rusqlite::Connection::open(gateway.store_dir().join("meshhook.db")).unwrap();
    let (txn, body): (String, String) =
        store.query_row("SELECT txn, body FROM message", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    // The same words, the same marker, the same transaction id: by another member, before and after the restart.
    let forged = synapse.send(&mallory.token, &room, &txn, &content(&body));
    store.execute("UPDATE room SET due = 0", []).unwrap();
    drop(store);
    proxy.lose(Loss::Nothing);
    gateway.restart().unwrap();
    let life = eventually(Duration::from_secs(40), || {
        let life = gateway.admin_get(&format!("/deliveries/{delivery}")).ok();
        (life["status"] == "sent").then_some(life)
    });
    let told = said(synapse.messages(&bot.token, &room));
    let (ours, theirs): (Vec<_>, Vec<_>) = told.into_iter().partition(|event| event.sender() == bot.id);
    assert_eq!((ours.len(), theirs.len()), (1, 1));
    assert_eq!(keys(&ours), keys(&theirs), "it was the marker");
    assert_ne!(life["event_id"], forged);
    assert_eq!(life["event_id"], ours[0].id());
}
