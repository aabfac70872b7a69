//! The online commands against the real gateway, which writes to a scripted homeserver.

use std::process::Output;
use std::time::Duration;

use meshhook_testkit::{Endpoint, Fault, Gateway, Homeserver, eventually};
use serde_json::Value;

use crate::words::{GITHUB, STANDARD, Secrets, meshhook};

/// A gateway, its homeserver and an author's secrets.
struct World {
    homeserver: Homeserver,
    gateway: Gateway,
    secrets: Secrets,
}

/// What a command did.
struct Said {
    code: i32,
    data: String,
    words: String,
}

impl World {
    fn start() -> Self {
        let homeserver = Homeserver::start();
        let gateway = Gateway::builder(&homeserver.url(), Homeserver::ROOM, &homeserver.user().token)
            .source("github", "github", GITHUB)
            .source("mac", "standard", STANDARD)
            .start()
            .unwrap();
        Self { homeserver, gateway, secrets: Secrets::new() }
    }

    /// `meshhook post` of a provider to its source, with the secret that both know.
    fn post(&self, provider: &str, args: &[&str]) -> Said {
        let (source, file) = if provider == "github" { ("github", "github") } else { ("mac", "standard") };
        let secret = self.secrets.path(file).display().to_string();
        let url = self.gateway.hook_url(source);
        self.run(&[&["post", "--provider", provider, "--url", &url, "--secret-file", &secret], args].concat())
    }

    fn deliveries(&self, args: &[&str]) -> Said {
        self.run(&[&["deliveries"], args].concat())
    }

    /// A command that finds the admin listener and its token by gateway.toml.
    fn run(&self, args: &[&str]) -> Said {
        self.run_with(&[], args)
    }

    fn run_with(&self, environment: &[(&str, &str)], args: &[&str]) -> Said {
        let mut command = meshhook();
        command.env("OPENCLAW_CONFIG_ROOT", self.gateway.config_root());
        command.envs(environment.iter().copied());
        let Output { status, stdout, stderr } = command.args(args).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { code: status.code().unwrap(), data: text(stdout), words: text(stderr) }
    }

    /// Does something to the store behind the gateway's back.
    fn harm(&self, statements: &str) {
        let store = rusqlite::Connection::open(self.gateway.store_dir().join("meshhook.db")).unwrap();
        store.execute_batch(statements).unwrap();
    }

    /// The texts of the room, oldest first.
    fn bodies(&self) -> Vec<String> {
        let events = self.homeserver.events(Homeserver::ROOM);
        events.iter().filter_map(|event| Some(event.content()["body"].as_str()?.to_owned())).collect()
    }

    fn event_ids(&self) -> Vec<String> {
        self.homeserver.events(Homeserver::ROOM).iter().map(|event| event.id().to_owned()).collect()
    }
}

impl Said {
    #[track_caller]
    fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.data, self.words);
        self
    }

    /// The objects of its lines.
    #[track_caller]
    fn json(&self) -> Vec<Value> {
        self.data.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[test]
fn a_lifecycle_is_followed_to_its_events() {
    let world = World::start();
    let said = world
        .post("github", &["--lifecycle", "--node", "mac-07", "--wait", "--state", "failed"])
        .with_code(0);
    let told: Vec<_> =
        said.data.lines().map(|line| line.split_whitespace().take(3).collect::<Vec<_>>().join(" ")).collect();
    let expected = [
        "accepted workflow_run queued",
        "ignored workflow_job queued",
        "ignored workflow_job running",
        "accepted workflow_run running",
        "ignored workflow_job failed",
        "accepted workflow_run failed",
    ];
    assert_eq!(told, expected, "{}", said.data);
    let events = world.event_ids();
    assert_eq!(events.len(), 3);
    for event in &events {
        assert!(said.data.contains(&format!("event_id={event}")), "{}", said.data);
    }
    assert!(world.bodies()[2].contains("mac-07"), "{:?}", world.bodies());
}

#[test]
fn a_flag_goes_before_the_environment_before_gateway_toml() {
    let world = World::start();
    let list = ["deliveries", "list"];
    world.run_with(&[], &list).with_code(0);
    let nobody = [("MESHHOOK_ADMIN_URL", "http://127.0.0.1:1")];
    let said = world.run_with(&nobody, &list).with_code(3);
    assert!(said.words.contains("http://127.0.0.1:1/"), "{}", said.words);
    let there = world.gateway.admin_url();
    world.run_with(&nobody, &["deliveries", "list", "--admin-url", &there]).with_code(0);
    let here = [("MESHHOOK_ADMIN_URL", there.as_str())];
    world.run_with(&here, &["deliveries", "list", "--admin-url", "http://127.0.0.1:1"]).with_code(3);
}

#[test]
fn the_same_again_is_a_duplicate_of_the_same_event() {
    let world = World::start();
    let again = ["--run-id", "7", "--commit", "5f1c9ae0b7", "--wait", "--json"];
    let first = world.post("standard", &again).with_code(0).json();
    let second = world.post("standard", &again).with_code(0).json();
    assert_eq!(first[0]["answer"]["outcome"], "accepted");
    assert_eq!(second[0]["answer"]["outcome"], "duplicate");
    assert_eq!(first[0]["delivery"]["event_id"], second[0]["delivery"]["event_id"]);
    assert_eq!(world.event_ids().len(), 1);
}

#[test]
fn a_wrong_secret_is_refused_with_the_id_that_the_log_has() {
    let world = World::start();
    let url = world.gateway.hook_url("mac");
    let other = world.secrets.write("other", "whsec_c29tZSBvdGhlciBzZWNyZXQgb2YgMjQgYnl0ZXM=");
    let args = ["post", "--provider", "standard", "--url", &url, "--secret-file", other.to_str().unwrap()];
    let said = world.run(&args).with_code(4);
    let id = said.words.split("(request ").nth(1).unwrap().split(')').next().unwrap();
    assert!(world.gateway.log().contains(id), "{id}");
    assert!(
        said.words.contains("refused: 401 unauthorized") && said.words.contains("\nhint: "),
        "{}",
        said.words
    );
}

#[test]
fn deliveries_are_listed_and_shown() {
    let world = World::start();
    world.post("standard", &["--node", "mac-03", "--run-id", "31", "--wait"]).with_code(0);
    world.post("github", &["--wait", "--state", "running"]).with_code(0);
    let all = world.deliveries(&["list"]).with_code(0).data;
    assert_eq!(all.lines().count(), 3, "{all}");
    let one = world
        .deliveries(&["list", "--node", "mac-03", "--status", "sent", "--run", "31", "--json"])
        .with_code(0);
    let listed = one.json()[0]["deliveries"].as_array().unwrap().clone();
    assert_eq!(listed.len(), 1);
    let id = listed[0]["id"].as_str().unwrap();
    let shown = world.deliveries(&["show", id]).with_code(0).data;
    for told in
        ["status: sent", "source: mac", "verified_by: mac-secret-1", "run_id: 31", &world.event_ids()[0]]
    {
        assert!(shown.contains(told), "{told} is not in\n{shown}");
    }
    let none = world.deliveries(&["list", "--state", "failed", "--source", "github"]).with_code(0).data;
    assert_eq!(none.lines().count(), 1, "{none}");
}

#[test]
fn lists_go_on_where_they_ended() {
    let world = World::start();
    for _ in 0..3 {
        world.post("standard", &["--wait"]).with_code(0);
    }
    let first = world.deliveries(&["list", "--limit", "2"]).with_code(0);
    assert_eq!(first.data.lines().count(), 3);
    let place = first.words.trim().strip_prefix("more: --before ").unwrap().to_owned();
    let rest = world.deliveries(&["list", "--limit", "2", "--before", &place]).with_code(0);
    assert_eq!((rest.data.lines().count(), rest.words.as_str()), (2, ""));
}

#[test]
fn what_the_homeserver_refuses_is_parked_and_can_be_retried() {
    let world = World::start();
    world.homeserver.fail_once(Endpoint::Send, Fault::error(400, "M_BAD_JSON", "no"));
    let said = world.post("standard", &["--wait", "--json"]).with_code(1);
    let id = said.json()[0]["delivery"]["id"].as_str().unwrap().to_owned();
    assert!(said.words.contains("no event was made of it: parked"), "{}", said.words);
    world.deliveries(&["retry", &id]).with_code(0);
    eventually(Duration::from_secs(20), || (world.event_ids().len() == 1).then_some(()));
    let refused = world.deliveries(&["retry", &id]).with_code(4);
    assert!(refused.words.contains("refused: 409 conflict"), "{}", refused.words);
    world.deliveries(&["drop", &id]).with_code(4);
}

#[test]
fn what_is_not_there_says_where_to_look() {
    let world = World::start();
    for order in ["show", "retry", "drop"] {
        let words = world.deliveries(&[order, "nobody"]).with_code(4).words;
        assert!(words.ends_with("hint: copy the id from `meshhook deliveries list`\n"), "{words}");
    }
    let hooks = world.gateway.hook_url("github");
    let words = world.deliveries(&["list", "--admin-url", &hooks]).with_code(4).words;
    assert!(words.contains("no hook") && words.contains("MESHHOOK_ADMIN_URL"), "{words}");
}

#[test]
fn what_was_parked_can_be_dropped() {
    let world = World::start();
    world.homeserver.fail_once(Endpoint::Send, Fault::error(400, "M_BAD_JSON", "no"));
    let said = world.post("github", &["--wait", "--json"]).with_code(1);
    let id = said.json()[0]["delivery"]["id"].as_str().unwrap().to_owned();
    let dropped = world.deliveries(&["drop", &id, "--json"]).with_code(0);
    assert_eq!(dropped.json()[0]["status"], "dropped");
    assert!(world.event_ids().is_empty());
}

#[test]
fn waiting_ends() {
    let world = World::start();
    world.homeserver.fail(Endpoint::Send, Fault::html(503));
    let said = world.post("standard", &["--wait", "--timeout", "1"]).with_code(1);
    assert!(said.words.contains("no event was made of it: still in_message"), "{}", said.words);
    world.homeserver.mend(Endpoint::Send);
}

#[test]
fn an_audit_says_what_it_looked_at_and_what_is_broken() {
    let world = World::start();
    world.post("standard", &["--wait"]).with_code(0);
    let sound = world.deliveries(&["audit"]).with_code(0);
    assert_eq!(
        (&*sound.data, &*sound.words),
        ("looked at: deliveries 1, messages 1, attempts 1, subjects 1, rooms 1\n", "")
    );
    let counted = world.deliveries(&["audit", "--room"]).with_code(0);
    let room = format!(
        "room {}: on record 1, not reached 0, redacted 0, events 1, keys 1, under way 0, uncertain 0, given up 0, \
         forgotten 0",
        Homeserver::ROOM
    );
    assert_eq!(counted.data.lines().nth(1), Some(&*room));
    world.homeserver.fail(Endpoint::Messages, Fault::html(502));
    let unread = world.deliveries(&["audit", "--room"]).with_code(3);
    assert!(unread.words.starts_with("error: a room was not read to its end: 502"), "{}", unread.words);
    world.homeserver.mend(Endpoint::Messages);
    world.harm("UPDATE message SET event_id = '$gone'");
    let lacking = world.deliveries(&["audit", "--room"]).with_code(1);
    let words = format!("invariant 9: room {} lacks $gone, which is message 1", Homeserver::ROOM);
    assert_eq!(lacking.data.lines().nth(2), Some(&*words));
    world.harm("UPDATE message SET event_id = NULL");
    let broken = world.deliveries(&["audit"]).with_code(1);
    assert_eq!(broken.data.lines().nth(1), Some("invariant 5: message 1 (sent) has no event"));
    assert!(broken.words.contains("error: ") && broken.words.contains("hint: "), "{}", broken.words);
    let told = world.deliveries(&["audit", "--json"]).with_code(1).json();
    assert_eq!(told[0]["breaches"][0]["invariant"], 5);
}

#[test]
fn sources_are_shown_with_what_was_refused() {
    let world = World::start();
    world.post("github", &["--wait"]).with_code(0);
    let other = world.secrets.write("other", "whsec_c29tZSBvdGhlciBzZWNyZXQgb2YgMjQgYnl0ZXM=");
    let url = world.gateway.hook_url("mac");
    world
        .run(&["post", "--provider", "standard", "--url", &url, "--secret-file", other.to_str().unwrap()])
        .with_code(4);
    let said = world.run(&["sources"]).with_code(0).data;
    let rows: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!((&rows[1][..3], rows[1][4]), (&["github"; 3][..], "github-secret-1"), "{said}");
    assert_eq!(rows[2], ["mac", "standard", "standard-webhooks", "never", "mac-secret-1", "never"], "{said}");
    assert!(said.contains("signature_mismatch  another secret at the sender"), "{said}");
    let told = world.run(&["sources", "--json"]).with_code(0).json();
    assert_eq!(told[0]["sources"][1]["refused"][0]["count"], 1);
}

#[test]
fn an_audit_of_a_gateway_that_is_not_there_is_unreachable() {
    let mut world = World::start();
    world.gateway.stop();
    world.deliveries(&["audit"]).with_code(3);
}
