//! Several rooms, as the rules of gateway.toml say.

use meshhook_testkit::{Event, eventually};
use serde_json::{Value, json};

use crate::rig::{Room, SOON, accepted, build, post_build, said};

fn of(branch: &str, run: &str, state: &str) -> Value {
    let mut body = build(run, state);
    body["branch"] = json!(branch);
    body
}

fn runs(events: &[Event]) -> Vec<String> {
    let run =
        |event: &Event| event.content()["com.meshmac.build_status"]["run_id"].as_str().map(str::to_owned);
    events.iter().filter_map(run).collect()
}

#[test]
fn what_fits_a_rule_is_in_its_room_and_nowhere_else() {
    let room = Room::new("routes");
    let other = room.synapse.create_room(&room.bot.token, json!({ "name": "Releases" }));
    let route = |branch: &str| format!("[[route]]\nsource = \"builds\"\nbranch = {branch}\nroom = {other:?}");
    let gateway = room.gateway().toml(&route("\"release/*\"")).start().unwrap();
    let there = |count: usize| {
        let said = || said(room.synapse.messages(&room.bot.token, &other));
        eventually(SOON, || Some(said()).filter(|said| said.len() >= count))
    };
    for (branch, run) in [("main", "1"), ("release/1", "2"), ("mallory:release/1", "3")] {
        accepted(&post_build(&gateway, &of(branch, run, "failed")));
    }
    assert_eq!(runs(&there(1)), ["2"]);
    assert_eq!(runs(&room.wait_for(2)), ["1", "3"]);

    gateway.edit("\"release/*\"", "[\"main\", \"hotfix/*\"]");
    let changed = gateway.admin_post("/reload", &json!({})).ok();
    assert_eq!(changed["changes"][0]["what"], "[[route]] 1: branch");
    for (branch, run) in [("main", "1"), ("release/1", "2")] {
        let again = accepted(&post_build(&gateway, &of(branch, run, "failed")));
        assert_eq!(again["outcome"], "duplicate", "the room is not in the mark: {again}");
    }
    accepted(&post_build(&gateway, &of("main", "4", "failed")));
    accepted(&post_build(&gateway, &of("release/1", "5", "failed")));
    assert_eq!(runs(&there(2)), ["2", "4"]);
    assert_eq!(runs(&room.wait_for(3)), ["1", "3", "5"]);
}
