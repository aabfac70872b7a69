//! Homeservers that err, and what becomes of what was accepted.

use std::time::Duration;

use meshhook_testkit::{Endpoint, Event, Fault, Gateway, Homeserver, Synapse, eventually};
use serde_json::{Value, json};

use crate::rig::{Room, SOON, accepted, build, post_build, said, scripted, started};

fn told(homeserver: &Homeserver) -> Vec<Event> {
    said(homeserver.events(Homeserver::ROOM))
}

#[track_caller]
fn wait_for(homeserver: &Homeserver, count: usize) {
    eventually(SOON, || (told(homeserver).len() >= count).then_some(()));
    assert_eq!(told(homeserver).len(), count);
}

fn ready(gateway: &Gateway) -> Value {
    gateway.admin_get("/readyz").ok()
}

/// Posts one, and waits until it is told, once, in spite of these faults.
#[track_caller]
fn is_told_in_spite_of(faults: &[Fault]) {
    let homeserver = Homeserver::start();
    for fault in faults {
        homeserver.fail_once(Endpoint::Send, fault.clone());
    }
    let gateway = scripted(&homeserver).start().unwrap();
    accepted(&post_build(&gateway, &build("1", "failed")));
    eventually(Duration::from_secs(45), || (!told(&homeserver).is_empty()).then_some(()));
    let settled = eventually(Duration::from_secs(45), || {
        let list = gateway.admin_get("/deliveries?status=sent").ok();
        list["deliveries"].get(0).cloned()
    });
    assert_eq!(settled["event_id"], told(&homeserver)[0].id());
    assert_eq!(told(&homeserver).len(), 1);
    let transactions: std::collections::BTreeSet<_> =
        homeserver.requests_for(Endpoint::Send).iter().map(|request| request.target.clone()).collect();
    assert_eq!(transactions.len(), 1, "the same transaction id on every attempt");
}

#[test]
fn a_limit_is_waited_out() {
    is_told_in_spite_of(&[Fault::rate_limited(Duration::from_millis(500))]);
}

#[test]
fn errors_and_pages_of_proxies_are_tried_again() {
    is_told_in_spite_of(&[Fault::html(502), Fault::captive_portal()]);
}

#[test]
fn a_lost_answer_is_not_a_second_message() {
    is_told_in_spite_of(&[Fault::dropped().after_commit(), Fault::truncated()]);
}

#[test]
fn a_token_that_is_refused_stops_all_until_there_is_another() {
    let (homeserver, mut gateway) = started();
    eventually(SOON, || ready(&gateway)["sending"]["user"].is_string().then_some(()));
    homeserver.change_token("syt_scripted_token_2");
    accepted(&post_build(&gateway, &build("1", "failed")));
    eventually(SOON, || ready(&gateway)["sending"]["stopped"].is_string().then_some(()));
    assert!(gateway.log().contains("nothing is sent"));
    accepted(&post_build(&gateway, &build("2", "failed")));
    assert!(told(&homeserver).is_empty());
    gateway.write_token("syt_scripted_token_2");
    wait_for(&homeserver, 2);
}

#[test]
fn a_room_that_forbids_is_held_until_it_lets_us_in() {
    let synapse = Synapse::shared();
    let (host, bot) = (synapse.register("host"), synapse.register("kicked"));
    let id = synapse.create_room(&host.token, json!({ "name": "CI" }));
    synapse.bring_in(&host.token, &id, &bot);
    let room = Room { synapse, bot, id };
    let mut gateway = room.gateway().start().unwrap();
    accepted(&post_build(&gateway, &build("1", "running")));
    room.wait_for(1);
    room.synapse.kick(&host.token, &room.id, &room.bot.id);
    accepted(&post_build(&gateway, &build("1", "failed")));
    let hold = eventually(SOON, || ready(&gateway)["rooms"][0]["hold"].as_str().map(str::to_owned));
    assert!(hold.contains("M_FORBIDDEN"), "{hold}");
    room.synapse.invite(&host.token, &room.id, &room.bot.id);
    room.synapse.join(&room.bot.token, &room.id);
    // A held room is asked again every five minutes; the test makes them pass.
    gateway.stop();
    make_due(&gateway);
    gateway.restart().unwrap();
    let told = room.wait_for(2);
    assert_eq!(told[1].content()["com.meshmac.build_status"]["state"], "failed");
    eventually(SOON, || ready(&gateway)["rooms"][0]["hold"].is_null().then_some(()));
}

fn make_due(gateway: &Gateway) {
    let store = rusqlite::Connection::open(gateway.store_dir().join("meshhook.db")).unwrap();
    assert_eq!(store.execute("UPDATE room SET due = 0", []).unwrap(), 1);
}

#[test]
fn a_refused_message_is_parked_and_the_next_goes_on() {
    let homeserver = Homeserver::start();
    homeserver.fail_once(Endpoint::Send, Fault::error(413, "M_TOO_LARGE", "event too large"));
    let gateway = scripted(&homeserver).start().unwrap();
    accepted(&post_build(&gateway, &build("1", "failed")));
    accepted(&post_build(&gateway, &build("2", "failed")));
    wait_for(&homeserver, 1);
    assert_eq!(told(&homeserver)[0].content()["com.meshmac.build_status"]["run_id"], "2");
    let parked = gateway.admin_get("/deliveries?status=parked").ok();
    assert_eq!(parked["deliveries"][0]["run_id"], "1");
    // The same event again: its sender sees it accepted anew.
    assert_eq!(accepted(&post_build(&gateway, &build("1", "failed")))["outcome"], "accepted");
    wait_for(&homeserver, 2);
}

#[test]
fn a_homeserver_that_is_away_is_waited_for() {
    let homeserver = Homeserver::start();
    homeserver.fail(Endpoint::Whoami, Fault::dropped());
    let gateway = scripted(&homeserver).start().unwrap();
    assert_eq!(ready(&gateway)["ready"], true);
    accepted(&post_build(&gateway, &build("1", "failed")));
    eventually(SOON, || (ready(&gateway)["rooms"][0]["waiting"] == 1).then_some(()));
    homeserver.mend(Endpoint::Whoami);
    eventually(Duration::from_secs(40), || (told(&homeserver).len() == 1).then_some(()));
}

#[test]
fn a_disk_that_fails_promises_nothing_and_recovers() {
    let (homeserver, gateway) = started();
    accepted(&post_build(&gateway, &build("1", "running")));
    wait_for(&homeserver, 1);
    // Another writer holds the database for longer than an answer waits.
    let other = rusqlite::Connection::open(gateway.store_dir().join("meshhook.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answer = post_build(&gateway, &build("2", "failed"));
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("10")));
    assert_eq!(answer.json()["code"], "unavailable");
    assert_eq!(gateway.admin_get("/readyz").status, 503);
    other.execute_batch("ROLLBACK").unwrap();
    eventually(SOON, || (gateway.admin_get("/readyz").status == 200).then_some(()));
    accepted(&post_build(&gateway, &build("2", "failed")));
    wait_for(&homeserver, 2);
}
