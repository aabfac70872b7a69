//! What the room says about a message.

use std::time::Duration;

use meshhook_matrix::{Anchor, Client, FailureKind, Tail, TailQuery, Token};
use meshhook_testkit::{Endpoint, Fault, Homeserver, Synapse, User};
use serde_json::{Value, json};

use crate::{client, token};

fn marked(id: &str) -> Value {
    json!({ "msgtype": "m.notice", "body": id, "com.meshmac.message": { "id": id, "keys": ["k"] } })
}

/// A room of a real Synapse, with us and somebody else in it.
struct Scene {
    synapse: std::sync::Arc<Synapse>,
    host: User,
    bot: User,
    room: String,
    client: Client,
    token: Token,
}

impl Scene {
    fn new(name: &str) -> Self {
        let synapse = Synapse::shared();
        let (host, bot) =
            (synapse.register(&format!("{name}-host")), synapse.register(&format!("{name}-bot")));
        let room = synapse.create_room(&host.token, json!({ "preset": "private_chat" }));
        synapse.bring_in(&host.token, &room, &bot);
        let (client, token) = (client(&synapse.url()), token(&bot.token));
        Self { synapse, host, bot, room, client, token }
    }

    fn send(&self, id: &str) -> String {
        let content = marked(id).to_string();
        self.client.send(&self.token, &self.room, &format!("txn-{id}"), &content).unwrap().to_string()
    }

    fn own<'a>(&'a self, event: Option<&'a str>) -> Option<Anchor<'a>> {
        event.map(|event| Anchor { event, sender: &self.bot.id })
    }

    fn ask(&self, id: &str, anchor: Option<&str>) -> Tail {
        self.ask_as(&self.token, id, &format!("txn-{id}"), anchor)
    }

    fn ask_as(&self, token: &Token, id: &str, txn: &str, anchor: Option<&str>) -> Tail {
        let query = TailQuery {
            own_user: &self.bot.id,
            anchor: self.own(anchor),
            txn,
            message_id: id,
            max_pages: 20,
        };
        self.client.tail_read(token, &self.room, &query).unwrap()
    }
}

/// The event's id, of a tail that was found.
fn found(tail: Tail) -> String {
    match tail {
        Tail::Found(id) => id.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_in_the_room_is_found_and_what_is_not_is_not() {
    let scene = Scene::new("plain");
    assert_eq!(scene.ask("m1", None), Tail::Absent);
    let first = scene.send("m1");
    let second = scene.send("m2");
    assert_eq!(found(scene.ask("m1", None)), first);
    assert_eq!(found(scene.ask("m2", Some(&first))), second);
    assert_eq!(scene.ask("m3", Some(&second)), Tail::Absent);
    // What lies before the anchor is not looked at.
    assert_eq!(scene.ask("m1", Some(&second)), Tail::Absent);
}

#[test]
fn a_message_behind_many_foreign_ones_is_found() {
    let scene = Scene::new("crowd");
    let anchor = scene.send("m0");
    let sent = scene.send("m1");
    for n in 0..200 {
        let chatter = json!({ "msgtype": "m.text", "body": "chatter" });
        scene.synapse.send(&scene.host.token, &scene.room, &format!("c{n}"), &chatter);
    }
    assert_eq!(found(scene.ask("m1", Some(&anchor))), sent);
    assert_eq!(scene.ask("m2", Some(&sent)), Tail::Absent);
    assert_eq!(scene.ask("m2", None), Tail::Absent);
}

#[test]
fn many_own_messages_are_read_page_by_page() {
    let scene = Scene::new("pages");
    let first = scene.send("m0");
    (1..50).for_each(|n| drop(scene.send(&format!("m{n}"))));
    assert_eq!(found(scene.ask("m0", None)), first);
    assert_eq!(scene.ask("none", None), Tail::Absent);
    let query =
        TailQuery { own_user: &scene.bot.id, anchor: None, txn: "t", message_id: "none", max_pages: 2 };
    assert_eq!(scene.client.tail_read(&scene.token, &scene.room, &query).unwrap(), Tail::Inconclusive);
}

#[test]
fn an_impostors_marker_is_not_ours() {
    let scene = Scene::new("impostor");
    let anchor = scene.send("m0");
    scene.synapse.send(&scene.host.token, &scene.room, "txn-m1", &marked("m1"));
    assert_eq!(scene.ask("m1", Some(&anchor)), Tail::Absent);
    let sent = scene.send("m1");
    scene.synapse.send(&scene.host.token, &scene.room, "txn-m1-again", &marked("m1"));
    assert_eq!(found(scene.ask("m1", Some(&anchor))), sent);
}

#[test]
fn a_redacted_message_is_found_by_its_transaction_id() {
    let scene = Scene::new("redacted");
    let sent = scene.send("m1");
    scene.synapse.redact(&scene.host.token, &scene.room, &sent);
    let event = scene.client.event(&scene.token, &scene.room, &sent).unwrap().unwrap();
    assert_eq!(event["content"], json!({}));
    assert_eq!(found(scene.ask("m1", None)), sent);
    // It is an anchor still.
    assert_eq!(scene.ask("m2", Some(&sent)), Tail::Absent);
}

#[test]
fn a_new_device_finds_a_message_by_its_marker() {
    let scene = Scene::new("device");
    let sent = scene.send("m1");
    let other = scene.synapse.login("device-bot", None);
    assert_eq!(found(scene.ask_as(&token(&other.token), "m1", "txn-m1", None)), sent);
    assert_eq!(scene.ask_as(&token(&other.token), "other", "txn-m1", None), Tail::Absent);
    assert_eq!(found(scene.ask_as(&scene.token, "other", "txn-m1", None)), sent);
}

#[test]
fn it_works_when_kicked_and_says_so_when_it_cannot() {
    let scene = Scene::new("kicked");
    let sent = scene.send("m1");
    scene.synapse.kick(&scene.host.token, &scene.room, &scene.bot.id);
    assert_eq!(found(scene.ask("m1", None)), sent);
    assert_eq!(scene.ask("m2", Some(&sent)), Tail::Absent);

    let stranger = scene.synapse.register("kicked-stranger");
    assert_eq!(scene.ask_as(&token(&stranger.token), "m1", "txn-m1", None), Tail::Inconclusive);
}

/// The same against the script, for answers that Synapse does not give.
fn scripted(server: &Homeserver) -> Result<Tail, meshhook_matrix::Failure> {
    let user = server.user();
    let query = TailQuery { own_user: &user.id, anchor: None, txn: "t", message_id: "m", max_pages: 5 };
    client(&server.url()).tail_read(&token(&user.token), Homeserver::ROOM, &query)
}

#[test]
fn a_lost_answer_is_told_from_a_lost_message() {
    let server = Homeserver::start();
    let (client, token) = (client(&server.url()), token(&server.user().token));
    let send = |fault| {
        server.fail_once(Endpoint::Send, fault);
        client.send(&token, Homeserver::ROOM, "t", &marked("m").to_string()).unwrap_err()
    };
    assert_eq!(send(Fault::dropped()).kind, FailureKind::Unknown);
    assert_eq!(scripted(&server).unwrap(), Tail::Absent);
    assert_eq!(send(Fault::dropped().after_commit()).kind, FailureKind::Unknown);
    assert_eq!(found(scripted(&server).unwrap()), server.events(Homeserver::ROOM)[0].id());
}

#[test]
fn the_sender_is_checked_where_the_filter_is_ignored() {
    let server = Homeserver::start();
    let page = json!({
        "chunk": [
            { "event_id": "$foreign", "sender": "@gateway:scripted.localhost.evil", "content": marked("m") },
            { "event_id": "$txn", "sender": "@other:h", "unsigned": { "transaction_id": "t" }, "content": {} },
            { "event_id": 7, "sender": server.user().id, "content": marked("m") },
            "no event",
        ],
        "start": "a",
    });
    server.fail_once(Endpoint::Messages, Fault::status(200, &page));
    assert_eq!(scripted(&server).unwrap(), Tail::Absent);
}

#[test]
fn an_anchor_counts_as_its_senders_only_where_the_filter_is_ignored() {
    let server = Homeserver::start();
    let user = server.user();
    let ours = json!({ "event_id": "$ours", "sender": user.id, "content": marked("m") });
    let anchored_by = |sender: &str| {
        let anchor = json!({ "event_id": "$anchor", "sender": sender, "content": {} });
        server.fail_once(
            Endpoint::Messages,
            Fault::status(200, &json!({ "chunk": [anchor, ours], "start": "a" })),
        );
        let anchor = Some(Anchor { event: "$anchor", sender: "@friend:h" });
        let query = TailQuery { own_user: &user.id, anchor, txn: "t", message_id: "m", max_pages: 1 };
        client(&server.url()).tail_read(&token(&user.token), Homeserver::ROOM, &query).unwrap()
    };
    assert_eq!(found(anchored_by("@impostor:h")), "$ours");
    assert_eq!(anchored_by("@friend:h"), Tail::Absent);
}

#[test]
fn a_circle_and_an_endless_room_prove_nothing() {
    let server = Homeserver::start();
    server.fail(Endpoint::Messages, Fault::status(200, &json!({ "chunk": [], "start": "a", "end": "b" })));
    assert_eq!(scripted(&server).unwrap(), Tail::Inconclusive);
    assert_eq!(server.requests_for(Endpoint::Messages).len(), 2);
}

#[test]
fn a_refusal_to_tell_is_an_answer_and_a_fault_is_not() {
    let server = Homeserver::start();
    for (status, errcode) in [(403, "M_FORBIDDEN"), (404, "M_NOT_FOUND"), (400, "M_INVALID_PARAM")] {
        server.fail_once(Endpoint::Messages, Fault::error(status, errcode, "no"));
        assert_eq!(scripted(&server).unwrap(), Tail::Inconclusive, "{status}");
    }
    for fault in [
        Fault::html(403),
        Fault::html(404),
        Fault::html(502),
        Fault::captive_portal(),
        Fault::dropped(),
        Fault::truncated(),
        Fault::status(200, &json!({ "start": "a" })),
    ] {
        server.fail_once(Endpoint::Messages, fault.clone());
        assert_eq!(scripted(&server).unwrap_err().kind, FailureKind::Unknown, "{fault:?}");
    }
    server.fail_once(Endpoint::Messages, Fault::rate_limited(Duration::from_secs(2)));
    let limited = FailureKind::Limited { retry_after: Some(Duration::from_secs(2)) };
    assert_eq!(scripted(&server).unwrap_err().kind, limited);
    server.change_token("syt_other");
    let query = TailQuery { own_user: "@a:b", anchor: None, txn: "t", message_id: "m", max_pages: 1 };
    let failure = client(&server.url()).tail_read(&token("syt_old"), Homeserver::ROOM, &query).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unauthorized { soft_logout: false });
}
