//! What the doctor sees of an application service beside its pings: account, rooms, machines.

use meshhook_testkit::{Gateway, GatewayBuilder, Limits, Service, Synapse, User};
use serde_json::{Value, json};

use super::ward::{Diagnosis, diagnose};
use crate::words::STANDARD;

/// What is said of every gateway that does not run.
const STILL: [&str; 1] = ["not_running"];

/// A Synapse that knows a service, and a room that lacks nothing.
struct Scene {
    synapse: Synapse,
    ada: User,
    room: String,
    ours: Service,
}

impl Scene {
    fn new() -> Self {
        let ours = Service::new("buildbot", Synapse::SERVER_NAME);
        let synapse = Synapse::start_with_service(Limits::Relaxed, &ours);
        let ada = synapse.register("ada");
        let mut scene = Self { synapse, ada, room: String::new(), ours };
        scene.room = scene.new_room(json!({}));
        scene
    }

    /// A private room in which the sender can invite, and do no more; with other levels, if any.
    fn new_room(&self, levels: Value) -> String {
        let mut all = json!({ "invite": 10, "users": { self.ours.sender(): 10 } });
        all.as_object_mut().unwrap().append(levels.clone().as_object_mut().unwrap());
        let options =
            json!({ "preset": "private_chat", "topic": "mesh_node_id", "power_level_content_override": all });
        let room = self.synapse.create_room(&self.ada.token, options);
        self.synapse.invite(&self.ada.token, &room, &self.ours.sender());
        self.synapse.join(self.ours.as_token(), &room);
        room
    }

    fn builder(&self) -> GatewayBuilder {
        Gateway::builder_of_service(&self.synapse.url(), &self.room, &self.ours)
            .source("builds", "standard", STANDARD)
    }

    fn diagnose(&self, gateway: &Gateway) -> Diagnosis {
        diagnose(gateway, &[], &[self.ours.as_token(), self.ours.hs_token(), &self.ada.token])
    }

    /// What is found of a gateway of these machines.
    fn with(&self, more: impl FnOnce(GatewayBuilder) -> GatewayBuilder) -> Diagnosis {
        self.diagnose(&more(self.builder()).write())
    }

    fn with_nodes(&self, nodes: &[&str]) -> Diagnosis {
        self.with(|builder| builder.toml(&listed(nodes)))
    }
}

fn listed(nodes: &[&str]) -> String {
    nodes.iter().map(|node| format!("[[node]]\nname = {node:?}\n")).collect()
}

/// A finding's level, and whether all of these words are in it.
#[track_caller]
fn says(diagnosis: &Diagnosis, code: &str, level: &str, words: &[&str]) {
    let finding = diagnosis.finding(code);
    assert_eq!(finding["level"], level, "{finding}");
    let said = format!("{}\n{}", finding["text"].as_str().unwrap(), finding["hint"].as_str().unwrap());
    for words in words {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
}

#[test]
fn a_service_that_lacks_nothing_is_found_sound() {
    let scene = Scene::new();
    let diagnosis = scene.with_nodes(&["mac-01"]);
    assert_eq!((diagnosis.code, diagnosis.bad()), (0, STILL.to_vec()), "{:#?}", diagnosis.findings);
    says(&diagnosis, "no_device_yet", "note", &["@buildbot:rig.localhost", "when it first signs in"]);
    let texts: Vec<_> = diagnosis.findings.iter().map(|one| one["text"].as_str().unwrap()).collect();
    for words in [
        "The homeserver reaches this gateway",
        "machines with a user of their own: 0 of at most 200",
        "the registration lifts it",
        "(level 10), and invite machines' users, and nothing more",
    ] {
        assert!(texts.iter().any(|text| text.contains(words)), "{words} is not in {texts:#?}");
    }
}

/// Each room is hurt in one place, and one Synapse has them all.
#[test]
fn what_is_wrong_with_a_room_is_named() {
    let mut scene = Scene::new();
    let sender = scene.ours.sender();
    type Hurt = fn(&Scene) -> String;
    let rooms: [(Hurt, &str, &str, &[&str]); 12] = [
        (
            |scene| scene.new_room(json!({ "invite": 50 })),
            "cannot_invite",
            "warning",
            &[
                "may not invite (its level is 10, inviting takes 50)",
                "speaks for all machines",
                "per_node_senders = false",
            ],
        ),
        (
            |scene| scene.new_room(json!({ "events_default": 5 })),
            "machines_muted",
            "warning",
            &["takes 5, and 1 machine's user has less, such as @buildbot_mac-01:rig.localhost"],
        ),
        (
            |scene| scene.new_room(json!({ "events_default": 50 })),
            "power_too_low",
            "fault",
            &["has power level 10", "sending takes 50"],
        ),
        (
            |scene| scene.new_room(json!({ "users": { scene.ours.sender(): 60 } })),
            "power_too_high",
            "warning",
            &["kick, ban, redact, state", "the level 10, which is all that sending and inviting take"],
        ),
        (
            |scene| scene.new_room(json!({ "invite": 50, "users": { scene.ours.sender(): 50 } })),
            "power_too_high",
            "note",
            &["inviting takes as much", "lower it to 10"],
        ),
        (
            |scene| {
                let room = scene.new_room(json!({ "invite": 0 }));
                scene.synapse.set_state(
                    &scene.ada.token,
                    &room,
                    "m.room.join_rules",
                    &json!({ "join_rule": "public" }),
                );
                room
            },
            "power_too_high",
            "warning",
            &["may also", "invite", "raise what inviting takes to 50"],
        ),
        (
            |scene| {
                let room = scene.new_room(json!({}));
                scene.synapse.encrypt(&scene.ada.token, &room);
                room
            },
            "encrypted",
            "fault",
            &["nothing is written into it"],
        ),
        (
            |scene| {
                let room = scene.new_room(json!({}));
                let _ = scene.synapse.upgrade(&scene.ada.token, &room);
                room
            },
            "upgraded",
            "fault",
            &["let @buildbot:rig.localhost be invited there", "meshhook-gateway reload"],
        ),
        (
            |scene| scene.synapse.private_room(&scene.ada.token),
            "not_a_member",
            "fault",
            &["was not invited, has not joined yet, or is banned", "the gateway, once it runs, has it join"],
        ),
        (
            |scene| {
                let room = scene.new_room(json!({}));
                scene.synapse.leave(scene.ours.as_token(), &room);
                room
            },
            "left",
            "fault",
            &["has left", "has it join"],
        ),
        (
            |scene| {
                let room = scene.new_room(json!({}));
                scene.synapse.kick(&scene.ada.token, &room, &scene.ours.sender());
                room
            },
            "kicked",
            "fault",
            &["@ada:rig.localhost has removed", "has it join"],
        ),
        (|_| "!nowhere".to_owned(), "not_a_member", "fault", &["or there is no such room"]),
    ];
    for (hurt, code, level, words) in rooms {
        scene.room = hurt(&scene);
        let diagnosis = scene.with_nodes(&["mac-01"]);
        says(&diagnosis, code, level, words);
        assert!(!diagnosis.words.contains("meshhook login"), "{}", diagnosis.words);
        let faults: &[&str] = if level == "fault" { &[code] } else { &[] };
        assert_eq!(diagnosis.faults(), faults, "{:#?}", diagnosis.findings);
        assert!(diagnosis.finding("other_rooms")["text"].as_str().unwrap().starts_with(&sender));
    }
}

/// Where one user speaks for all, nobody has to be invited, and the old rule holds.
#[test]
fn who_brings_nobody_along_may_not_invite() {
    let mut scene = Scene::new();
    let one = |scene: &Scene| {
        scene
            .with(|builder| builder.line("appservice", "per_node_senders = false").toml(&listed(&["mac-01"])))
    };
    says(&one(&scene), "power_too_high", "warning", &["invite", "raise what inviting takes to 50"]);
    scene.room = scene.new_room(json!({ "invite": 50, "users": {} }));
    let diagnosis = one(&scene);
    assert_eq!(diagnosis.bad(), STILL, "{:#?}", diagnosis.findings);
}

#[test]
fn machines_without_a_user_are_named() {
    let scene = Scene::new();
    let none = scene.with_nodes(&[]);
    says(&none, "no_nodes", "note", &["@buildbot:rig.localhost speaks for all", "[[node]]"]);
    let long = scene.with_nodes(&["mac-01", &"Ä".repeat(60)]);
    says(&long, "name_too_long", "warning", &["ÄÄÄ", "speaks for them", "shorter names"]);
    let many = scene.with(|builder| {
        builder.line("appservice", "max_ghosts = 2").toml(&listed(&["mac-01", "mac-02", "mac-03"]))
    });
    says(
        &many,
        "too_many_machines",
        "warning",
        &["of their own: 0 of at most 2", "of 3 that have none, 2 can", "max_ghosts in [appservice] to 3"],
    );
}

/// Who has a user is seen in the store, of a gateway that runs and of one that does not.
#[test]
fn users_that_are_made_are_counted() {
    let scene = Scene::new();
    let builder = scene.builder().line("appservice", "max_ghosts = 1").toml(&listed(&["mac-01", "mac-02"]));
    let mut gateway = builder.start().unwrap();
    let body = json!({ "workflow": "nightly", "state": "failed", "run_id": "1", "mesh_node_id": "mac-02" })
        .to_string();
    let headers = meshhook_testkit::signed::standard(STANDARD, "msg_1", super::ward::now(), body.as_bytes());
    assert_eq!(gateway.post("builds", &headers, body.as_bytes()).status, 202);
    meshhook_testkit::eventually(std::time::Duration::from_secs(20), || {
        let list = gateway.admin_get("/deliveries?status=sent").json();
        (!list["deliveries"].as_array()?.is_empty()).then_some(())
    });
    let running = scene.diagnose(&gateway);
    gateway.stop();
    for diagnosis in [running, scene.diagnose(&gateway)] {
        let words = ["of their own: 1 of at most 1", "@buildbot:rig.localhost speaks for mac-01", "to 2"];
        says(&diagnosis, "too_many_machines", "warning", &words);
        assert_eq!(diagnosis.faults(), [""; 0], "{:#?}", diagnosis.findings);
        assert!(!diagnosis.findings.iter().any(|one| one["code"] == "no_device_yet"));
    }
}

/// Both sides have copies that are sound by themselves.
#[test]
fn a_registration_for_other_users_is_named() {
    let mut scene = Scene::new();
    let pattern = |regex: &str| json!({ "users": [{ "exclusive": true, "regex": regex }] });
    for (regex, level, words) in [
        (r"^@other_.*:rig\.localhost$", "fault", "no pattern of namespaces.users matches"),
        (r"^@.*:rig\.localhost$", "fault", "takes other people's users"),
        (r"^@buildbot_[a-z0-9._=/-]+:rig\.localhost", "warning", "is not anchored"),
    ] {
        scene.ours = scene.ours.clone().with("namespaces", pattern(regex));
        says(&scene.with_nodes(&["mac-01"]), "namespaces", level, &[words, "^@buildbot_"]);
    }
    scene.ours = Service::new("buildbot", Synapse::SERVER_NAME).with("rate_limited", true);
    let limited = scene.with_nodes(&["mac-01"]);
    let doubt = |one: &Value| {
        one["level"] == "warning" && one["text"].as_str().unwrap().contains("rate_limited is not false")
    };
    assert!(limited.findings.iter().any(doubt), "{:#?}", limited.findings);
    scene.ours = Service::new("robot", Synapse::SERVER_NAME).with("as_token", scene.ours.as_token());
    let words =
        ["as that of @buildbot:rig.localhost", "sender_localpart is \"robot\" here", "registration check"];
    says(&scene.with_nodes(&["mac-01"]), "other_sender", "warning", &words);
}

#[test]
fn who_was_a_bot_before_is_told_what_comes() {
    let scene = Scene::new();
    let bot = scene.synapse.register("bot");
    scene.synapse.bring_in(&scene.ada.token, &scene.room, &bot);
    let mut gateway = Gateway::builder(&scene.synapse.url(), &scene.room, &bot.token)
        .source("builds", "standard", STANDARD)
        .start()
        .unwrap();
    meshhook_testkit::eventually(std::time::Duration::from_secs(20), || {
        gateway.admin_get("/readyz").json()["sending"]["user"].as_str().map(drop)
    });
    gateway.stop();
    let service = scene.builder().toml(&listed(&["mac-01"])).write();
    let (before, after) = (gateway.store_dir(), service.store_dir());
    for entry in std::fs::read_dir(before).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), after.join(entry.file_name())).unwrap();
    }
    let diagnosis = scene.diagnose(&service);
    let words = [
        "until now messages were sent as @bot:rig.localhost",
        "from the gateway's start as @buildbot:rig.localhost (device MESHHOOK)",
        "let @bot:rig.localhost stay in it",
        "meshhook deliveries list --status uncertain",
    ];
    says(&diagnosis, "other_identity", "warning", &words);
}

/// What `registration new` writes is what a real homeserver starts with, and the gateway: the very file.
#[test]
fn a_new_registration_is_one_to_both_sides() {
    let mut synapse = Synapse::start();
    let ada = synapse.register("ada");
    let room = synapse.private_room(&ada.token);
    let place = Service::new("buildbot", Synapse::SERVER_NAME);
    let mut gateway = Gateway::builder_of_service(&synapse.url(), &room, &place)
        .source("builds", "standard", STANDARD)
        .toml(&listed(&["Mac Mini #3 (Büro)"]))
        .write();
    let file = gateway.config_root().join("registration.yaml");
    std::fs::remove_file(&file).unwrap();
    let url = format!("http://127.0.0.1:{}", place.port());
    let mut new = crate::words::meshhook();
    new.args(["registration", "new", "--server-name", Synapse::SERVER_NAME, "--url", &url, "--out"])
        .arg(&file);
    new.assert().success();
    synapse.name_registration(&file);
    synapse.restart();

    let written: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let token = |key: &str| written[key].as_str().unwrap();
    let whoami = synapse.request("GET", "/_matrix/client/v3/account/whoami", token("as_token"), None).ok();
    assert_eq!(whoami["user_id"], "@buildbot:rig.localhost");
    gateway.restart().unwrap();
    synapse.invite(&ada.token, &room, "@buildbot:rig.localhost");
    let body = json!({
        "workflow": "nightly", "state": "failed", "run_id": "1", "mesh_node_id": "Mac Mini #3 (Büro)",
    });
    let body = body.to_string();
    let headers = meshhook_testkit::signed::standard(STANDARD, "msg_1", super::ward::now(), body.as_bytes());
    assert_eq!(gateway.post("builds", &headers, body.as_bytes()).status, 202);
    let said = meshhook_testkit::eventually(std::time::Duration::from_secs(20), || {
        let mut events = synapse.messages(&ada.token, &room).into_iter();
        events.find(|event| event.0["type"] == "m.room.message")
    });
    assert_eq!(said.0["sender"], "@buildbot__mac=20_mini=20=233=20=28_b=c3=bcro=29:rig.localhost");
    let diagnosis = diagnose(&gateway, &[], &[token("as_token"), token("hs_token"), &ada.token]);
    let fine = |one: &Value| one["check"] == "ping" && one["code"] == "ok";
    assert!(
        diagnosis.faults().is_empty() && diagnosis.findings.iter().any(fine),
        "{:#?}",
        diagnosis.findings
    );
    assert!(["as_token", "hs_token"].iter().all(|key| !gateway.log().contains(token(key))));
}
