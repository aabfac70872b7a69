//! What a real Synapse answers.

use std::time::Duration;

use meshhook_matrix::{Failure, FailureKind};
use meshhook_testkit::{Limits, Synapse, User};
use serde_json::json;

use crate::{client, token};

const HELLO: &str = r#"{"msgtype":"m.notice","body":"hello","m.mentions":{}}"#;

fn room_of(synapse: &Synapse, user: &User) -> String {
    synapse.create_room(&user.token, json!({ "preset": "private_chat" }))
}

#[test]
fn a_message_is_sent_once_however_often_it_is_sent() {
    let synapse = Synapse::shared();
    let bot = synapse.register("sender");
    let room = room_of(&synapse, &bot);
    let (client, token) = (client(&synapse.url()), token(&bot.token));

    let first = client.send(&token, &room, "t1", HELLO).unwrap();
    let again = client.send(&token, &room, "t1", r#"{"msgtype":"m.notice","body":"other"}"#).unwrap();
    assert_eq!(first, again);
    let other = client.send(&token, &room, "a/b ?#%", HELLO).unwrap();
    assert_ne!(first, other);

    let events = synapse.messages(&bot.token, &room);
    let sent: Vec<_> = events.iter().filter(|e| e.kind() == "m.room.message").collect();
    assert_eq!(sent.iter().map(|e| e.id()).collect::<Vec<_>>(), [first.as_str(), other.as_str()]);
    assert_eq!(sent[0].content(), &serde_json::from_str::<serde_json::Value>(HELLO).unwrap());
}

#[test]
fn a_token_says_whose_it_is() {
    let synapse = Synapse::shared();
    let bot = synapse.register("whoever");
    let whoami = client(&synapse.url()).whoami(&token(&bot.token)).unwrap();
    assert_eq!((whoami.user_id, whoami.device_id), (bot.id, Some(bot.device)));
}

#[test]
fn a_token_that_is_no_good_stops_everything() {
    let synapse = Synapse::shared();
    let bot = synapse.register("leaver");
    let room = room_of(&synapse, &bot);
    let client = client(&synapse.url());
    let unauthorized = |failure: Failure| {
        assert_eq!(failure.kind, FailureKind::Unauthorized { soft_logout: false });
        assert_eq!((failure.status, failure.errcode.as_deref()), (Some(401), Some("M_UNKNOWN_TOKEN")));
    };
    unauthorized(client.whoami(&token("syt_wrong")).unwrap_err());
    synapse.logout(&bot.token);
    unauthorized(client.whoami(&token(&bot.token)).unwrap_err());
    unauthorized(client.send(&token(&bot.token), &room, "t1", HELLO).unwrap_err());
}

#[test]
fn a_user_who_is_locked_suspended_or_deactivated_stops_everything() {
    let synapse = Synapse::shared();
    let admin = synapse.register_admin("warden");
    for (name, path, body, status, errcode) in [
        ("locked", "v2/users", json!({ "locked": true }), 401, "M_USER_LOCKED"),
        ("suspended", "v1/suspend", json!({ "suspend": true }), 403, "M_USER_SUSPENDED"),
        ("deactivated", "v2/users", json!({ "deactivated": true }), 401, "M_UNKNOWN_TOKEN"),
    ] {
        let bot = synapse.register(name);
        let room = room_of(&synapse, &bot);
        let path = format!("/_synapse/admin/{path}/{}", bot.id);
        assert!(synapse.request("PUT", &path, &admin.token, Some(&body)).status < 300, "{name}");
        let failure = client(&synapse.url()).send(&token(&bot.token), &room, "t1", HELLO).unwrap_err();
        assert!(matches!(failure.kind, FailureKind::Unauthorized { .. }), "{failure}");
        assert_eq!((failure.status, failure.errcode.as_deref()), (Some(status), Some(errcode)));
    }
}

#[test]
fn a_room_that_one_is_not_in_is_forbidden() {
    let synapse = Synapse::shared();
    let (host, bot) = (synapse.register("room-host"), synapse.register("outsider"));
    let room = room_of(&synapse, &host);
    let (client, token) = (client(&synapse.url()), token(&bot.token));
    for room in [room.as_str(), "!nowhere", "#alias:rig.localhost"] {
        let failure = client.send(&token, room, "t1", HELLO).unwrap_err();
        assert_eq!((failure.kind, failure.errcode.as_deref()), (FailureKind::Forbidden, Some("M_FORBIDDEN")));
    }

    synapse.bring_in(&host.token, &room, &bot);
    synapse.set_power_levels(&host.token, &room, json!({ "events_default": 50 }));
    let failure = client.send(&token, &room, "t1", HELLO).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Forbidden);
    assert!(failure.detail.contains("user_level (0) < send_level (50)"), "{failure}");
    // What was refused is not remembered as done.
    synapse.set_power_levels(&host.token, &room, json!({ "events_default": 0 }));
    client.send(&token, &room, "t1", HELLO).unwrap();
}

#[test]
fn what_can_never_be_sent_is_refused() {
    let synapse = Synapse::shared();
    let bot = synapse.register("talker");
    let room = room_of(&synapse, &bot);
    let (client, token) = (client(&synapse.url()), token(&bot.token));
    let long = json!({ "msgtype": "m.notice", "body": "x".repeat(70_000) }).to_string();
    for (content, status, errcode) in [
        (long.as_str(), 413, "M_TOO_LARGE"),
        (r#"{"msgtype":"m.notice","body":"x","n":1.5}"#, 400, "M_BAD_JSON"),
        (r#"{"msgtype":"m.notice"}"#, 400, "M_UNKNOWN"),
        ("{", 400, "M_NOT_JSON"),
    ] {
        let failure = client.send(&token, &room, "t1", content).unwrap_err();
        assert_eq!((failure.kind, failure.status), (FailureKind::Refused, Some(status)), "{failure}");
        assert_eq!(failure.errcode.as_deref(), Some(errcode));
    }
}

#[test]
fn default_limits_say_how_long_to_wait() {
    let synapse = Synapse::start_with(Limits::Default);
    let bot = synapse.register("bot");
    let room = room_of(&synapse, &bot);
    let (client, token) = (client(&synapse.url()), token(&bot.token));
    let failure = (0..15).find_map(|n| client.send(&token, &room, &format!("t{n}"), HELLO).err()).unwrap();
    let FailureKind::Limited { retry_after: Some(wait) } = failure.kind else { panic!("{failure}") };
    assert!(wait > Duration::ZERO && wait <= Duration::from_secs(10), "{wait:?}");
    assert_eq!(failure.status, Some(429));
}

#[test]
fn rooms_state_and_events_are_looked_up() {
    let synapse = Synapse::shared();
    let (bot, other) = (synapse.register("looker"), synapse.register("private"));
    let room = room_of(&synapse, &bot);
    let (client, token) = (client(&synapse.url()), token(&bot.token));
    assert_eq!(client.joined_rooms(&token).unwrap(), [room.as_str()]);
    assert!(client.versions().unwrap().iter().any(|version| version == "v1.11"));

    assert_eq!(client.state(&token, &room, "m.room.encryption").unwrap(), None);
    synapse.set_state(&bot.token, &room, "m.room.topic", &json!({ "topic": "builds" }));
    assert_eq!(client.state(&token, &room, "m.room.topic").unwrap().unwrap()["topic"], "builds");

    let id = client.send(&token, &room, "t1", HELLO).unwrap();
    let event = client.event(&token, &room, id.as_str()).unwrap().unwrap();
    assert_eq!((&event["sender"], &event["content"]["body"]), (&json!(bot.id), &json!("hello")));
    assert_eq!(client.event(&token, &room, "$none").unwrap(), None);

    let stranger = crate::token(&other.token);
    assert_eq!(client.state(&stranger, &room, "m.room.topic").unwrap_err().kind, FailureKind::Forbidden);
    assert_eq!(client.event(&stranger, &room, id.as_str()).unwrap(), None);
}

#[test]
fn a_homeserver_that_is_down_proves_nothing() {
    let mut synapse = Synapse::start();
    let bot = synapse.register("bot");
    let room = room_of(&synapse, &bot);
    let (client, token) = (client(&synapse.url()), token(&bot.token));
    let first = client.send(&token, &room, "t1", HELLO).unwrap();
    synapse.kill9();
    let failure = client.send(&token, &room, "t1", HELLO).unwrap_err();
    assert_eq!((failure.kind, failure.status), (FailureKind::Unknown, None));
    synapse.restart();
    assert_eq!(client.send(&token, &room, "t1", HELLO).unwrap(), first);
}
