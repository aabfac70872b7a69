//! Whatever machines are called: no harm, told apart where they are named, and no users but those of the listed ones.

use std::time::Duration;

use meshhook_testkit::{Event, Gateway, eventually, signed};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{Scene, reports};
use crate::rig::{GITHUB, now};

/// With their users, as the encoding of node ids has them.
const LISTED: [(&str, &str); 3] = [
    ("Mac Mini #3 (Büro)", "_mac=20_mini=20=233=20=28_b=c3=bcro=29"),
    ("a:b", "a=3ab"),
    ("../../x", "../../x"),
];

/// The hosted runners of a busy month.
const HOSTED: usize = 10_000;
const POSTERS: usize = 16;

/// GitHub's own runner, as a `workflow_job` names it.
fn hosted(number: usize) -> Value {
    let started_at = meshhook_model::Timestamp::from_unix(now()).unwrap().to_string();
    json!({
        "action": "in_progress",
        "workflow_job": {
            "id": 90_000 + number, "run_id": number, "run_attempt": 1, "workflow_name": "CI", "name": "build",
            "head_branch": "main", "head_sha": "5d7f1c2e9ab04c6b8f1f0d3f6a7e5b4c3d2e1f00", "status": "in_progress",
            "conclusion": null, "started_at": started_at, "labels": ["ubuntu-latest"], "runner_id": number,
            "runner_name": format!("GitHub Actions {number}"), "runner_group_id": 0,
            "runner_group_name": "GitHub Actions",
        },
        "repository": { "full_name": "acme/rocket" },
    })
}

/// Posts until it is taken: a room that is full takes no more for now.
fn post(gateway: &Gateway, number: usize) {
    let body = hosted(number).to_string();
    let headers = signed::github(GITHUB, "workflow_job", &format!("guid-{number}"), body.as_bytes());
    eventually(Duration::from_secs(60), || {
        let answer = gateway.post("github", &headers, body.as_bytes());
        assert!(matches!(answer.status, 202 | 503), "{answer:?}");
        (answer.status == 202).then_some(())
    });
}

fn post_all(gateway: &Gateway) {
    std::thread::scope(|scope| {
        for poster in 0..POSTERS {
            scope.spawn(move || {
                (poster..HOSTED).step_by(POSTERS).for_each(|number| post(gateway, number + 1));
            });
        }
    });
}

fn plain(event: &Event) -> String {
    event.body().unwrap().replace(['\u{2068}', '\u{2069}', '\u{2060}'], "")
}

/// Everybody whom Synapse knows.
fn users(scene: &Scene) -> Vec<String> {
    let root = scene.synapse.register_admin("root");
    let page = scene.synapse.request("GET", "/_synapse/admin/v2/users?limit=1000", &root.token, None).ok();
    let users =
        page["users"].as_array().unwrap().iter().map(|user| user["name"].as_str().unwrap().to_owned());
    let mut users: Vec<_> = users.filter(|user| *user != root.id && *user != scene.ada.id).collect();
    users.sort_unstable();
    users
}

fn ghosts(gateway: &Gateway) -> Vec<String> {
    let store = Connection::open(gateway.store_dir().join("meshhook.db")).unwrap();
    let mut ghosts = store.prepare("SELECT DISTINCT sender FROM ghost ORDER BY sender").unwrap();
    let ghosts = ghosts.query_map([], |row| row.get(0)).unwrap();
    ghosts.collect::<Result<_, _>>().unwrap()
}

#[test]
fn odd_names_and_ten_thousand_runners_are_no_flood_of_users() {
    let scene = Scene::new(1);
    let room = scene.rooms[0].as_str();
    let mut gateway = scene.gateway(&LISTED.map(|(name, _)| name)).start().unwrap();
    let long = "x".repeat(300);
    let unlisted = [long.as_str(), "", "Mac Mini #3", "A:b", "../x"];
    let names = LISTED.iter().map(|(name, _)| *name).chain(unlisted);
    for (number, name) in names.clone().enumerate() {
        reports(&gateway, name, &format!("run-{number}"));
        scene.wait_for(room, number + 1);
    }

    let said = scene.said(room);
    let sender = scene.service.sender();
    let mut ours: Vec<_> = LISTED.iter().map(|(_, user)| scene.service.user(user)).collect();
    let expected = ours.iter().chain(std::iter::repeat(&sender)).map(String::as_str);
    let senders: Vec<_> = said.iter().map(Event::sender).collect();
    assert_eq!(senders, expected.take(said.len()).collect::<Vec<_>>());
    for (event, name) in said.iter().zip(names) {
        let shown: String = name.chars().take(40).collect();
        assert!(plain(event).contains(&shown), "{name:?} in {}", plain(event));
    }
    for (name, user) in LISTED {
        let member = scene.synapse.member(&scene.ada.token, room, &scene.service.user(user)).unwrap();
        assert_eq!(member.name, Some(format!("{name} · build")));
    }

    post_all(&gateway);
    let told = eventually(Duration::from_secs(120), || {
        let ready = gateway.admin_get("/readyz").json();
        (ready["rooms"][0]["waiting"] == 0).then(|| scene.said(room))
    });
    assert!(told.len() > said.len());
    assert!(
        told[said.len()..].iter().all(|event| event.sender() == sender),
        "a vendor's runner is no machine"
    );
    gateway.stop();
    ours.sort_unstable();
    assert_eq!(ghosts(&gateway), ours);
    ours.push(sender);
    ours.sort_unstable();
    assert_eq!(users(&scene), ours);
}
