//! Cards and threads in a room of a real Synapse.

use meshhook_testkit::{Event, eventually};
use serde_json::{Value, json};

use crate::rig::{Room, SOON, accepted, build, keys, post_build};

/// Posts the states of a run, each once the one before is in the room.
fn run(room: &Room, gateway: &meshhook_testkit::Gateway, states: &[&str]) -> Vec<Event> {
    let before = room.said().len();
    for (n, state) in states.iter().enumerate() {
        accepted(&post_build(gateway, &build("7", state)));
        room.wait_for(before + n + 1);
    }
    room.said().split_off(before)
}

fn read(room: &Room, event_id: &str) -> Value {
    let path = format!("/_matrix/client/v3/rooms/{}/event/{event_id}", room.id);
    room.synapse.request("GET", &path, &room.bot.token, None).ok()
}

#[test]
fn a_card_shows_its_runs_last_state_in_one_place() {
    let room = Room::new("card");
    let gateway = room.gateway().line("message", "timeline = \"card\"").start().unwrap();
    let said = run(&room, &gateway, &["queued", "running", "succeeded"]);
    assert_eq!(keys(&said).len(), 3, "each is counted");
    let card = read(&room, said[0].id());
    let shown = &card["unsigned"]["m.relations"]["m.replace"]["content"]["m.new_content"]["body"];
    assert!(shown.as_str().unwrap().contains("succeeded"), "{card}");
    let life = gateway.admin_get("/deliveries?status=sent").ok();
    let edits = life["deliveries"].as_array().unwrap().iter().filter(|d| d["event_id"] != said[0].id());
    assert_eq!(edits.count(), 2, "an edit is an event of its own");
}

#[test]
fn a_thread_keeps_a_run_below_its_first_message() {
    let room = Room::new("thread");
    let gateway = room.gateway().line("message", "timeline = \"thread\"").start().unwrap();
    let said = run(&room, &gateway, &["queued", "running", "failed"]);
    let roots: Vec<_> =
        said.iter().map(|event| event.content()["m.relates_to"]["event_id"].clone()).collect();
    assert_eq!(
        roots,
        [json!(null), json!(said[0].id()), json!(null)],
        "what notifies stands in the room itself"
    );
}

#[test]
fn a_card_that_is_gone_is_followed_by_a_new_one() {
    let room = Room::new("card-gone");
    let gateway = room.gateway().line("message", "timeline = \"card\"").start().unwrap();
    let first = run(&room, &gateway, &["queued"]).remove(0);
    room.synapse.redact(&room.bot.token, &room.id, first.id());
    accepted(&post_build(&gateway, &build("7", "running")));
    let next = eventually(SOON, || room.said().into_iter().find(|event| event.id() != first.id()));
    assert_eq!(next.content()["m.relates_to"], json!(null));
    assert!(next.body().unwrap().contains("running"));
}
