//! How a user stands to a room and to the homeserver, as a real Synapse tells it.

use std::sync::Arc;

use meshhook_matrix::{Membership, Power};
use meshhook_testkit::{Synapse, User};
use serde_json::json;

use crate::{client, token};

/// A room of somebody's, and a bot that is not in it yet.
struct Room {
    synapse: Arc<Synapse>,
    host: User,
    bot: User,
    id: String,
}

impl Room {
    fn new(name: &str) -> Self {
        let synapse = Synapse::shared();
        let (host, bot) =
            (synapse.register(&format!("{name}-host")), synapse.register(&format!("{name}-bot")));
        let id = synapse.create_room(&host.token, json!({ "preset": "private_chat" }));
        Self { synapse, host, bot, id }
    }

    fn membership(&self) -> Membership {
        client(&self.synapse.url()).membership(&token(&self.bot.token), &self.bot.id, &self.id).unwrap()
    }

    fn power(&self) -> Power {
        let (client, token) = (client(&self.synapse.url()), token(&self.bot.token));
        let levels = client.state(&token, &self.id, "m.room.power_levels").unwrap();
        let create = client.create_event(&token, &self.id).unwrap();
        Power::of(&self.bot.id, levels.as_ref(), &create)
    }
}

#[test]
fn what_is_one_forbidden_to_a_sender_is_told_apart() {
    let room = Room::new("standing");
    let (host, bot) = (&room.host, &room.bot);
    let by = || host.id.clone();
    assert_eq!(room.membership(), Membership::Nothing);
    room.synapse.invite(&host.token, &room.id, &bot.id);
    assert_eq!(room.membership(), Membership::Invited { by: Some(by()) });
    room.synapse.join(&bot.token, &room.id);
    assert_eq!(room.membership(), Membership::Joined);
    room.synapse.leave(&bot.token, &room.id);
    assert_eq!(room.membership(), Membership::Left);
    room.synapse.bring_in(&host.token, &room.id, bot);
    room.synapse.kick(&host.token, &room.id, &bot.id);
    assert_eq!(room.membership(), Membership::Kicked { by: by(), reason: None });
    room.synapse.bring_in(&host.token, &room.id, bot);
    let talk = json!({ "body": "talk", "msgtype": "m.text" });
    for n in 0..60 {
        room.synapse.send(&host.token, &room.id, &format!("t{n}"), &talk);
    }
    room.synapse.ban(&host.token, &room.id, &bot.id);
    assert_eq!(room.membership(), Membership::Banned { by: by(), reason: None });
}

#[test]
fn a_room_that_is_none_is_nothing() {
    let room = Room::new("nowhere");
    let (client, token) = (client(&room.synapse.url()), token(&room.bot.token));
    for id in ["!nowhere", "!nowhere:rig.localhost", "!sxFq0lFRtqgSSbV9cEi_s5kTtZvDXTzOCrjC0AIBOSA"] {
        assert_eq!(client.membership(&token, &room.bot.id, id).unwrap(), Membership::Nothing, "{id}");
    }
}

#[test]
fn power_is_what_the_room_says() {
    let room = Room::new("power");
    room.synapse.bring_in(&room.host.token, &room.id, &room.bot);
    let power = room.power();
    assert_eq!((power.own, power.may_send(), &*power.more), (0, true, &[("invite", 0)][..]));
    room.synapse.set_power_levels(&room.host.token, &room.id, json!({ "invite": 50, "events_default": 50 }));
    let muted = room.power();
    assert_eq!((muted.may_send(), muted.to_send, &*muted.more), (false, 50, &[][..]));
    let own = room.synapse.create_room(&room.bot.token, json!({}));
    assert_eq!(Room { id: own, ..room }.power().own, i64::MAX);
}

#[test]
fn an_alias_stands_for_a_room_or_for_none() {
    let room = Room::new("alias");
    let (client, bot) = (client(&room.synapse.url()), token(&room.bot.token));
    let named = room.synapse.create_room(&room.host.token, json!({ "room_alias_name": "builds" }));
    let resolve = |alias: &str| client.resolve_alias(Some(&bot), alias).unwrap();
    assert_eq!(resolve("#builds:rig.localhost"), Some(named));
    assert_eq!(resolve("#nobody:rig.localhost"), None);
}

#[test]
fn a_topic_is_set_by_who_may() {
    let room = Room::new("topic");
    room.synapse.bring_in(&room.host.token, &room.id, &room.bot);
    let client = client(&room.synapse.url());
    let topic = json!({ "topic": "builds" });
    let set = |user: &User| client.set_state(&token(&user.token), &room.id, "m.room.topic", &topic);
    assert_eq!(set(&room.bot).unwrap_err().errcode.as_deref(), Some("M_FORBIDDEN"));
    set(&room.host).unwrap();
    assert_eq!(room.synapse.state(&room.host.token, &room.id, "m.room.topic")["topic"], "builds");
}

#[test]
fn an_administrator_is_known_as_one() {
    let synapse = Synapse::shared();
    let client = client(&synapse.url());
    let is_admin = |user: &User| client.is_server_admin(&token(&user.token), &user.id).unwrap();
    assert_eq!(is_admin(&synapse.register("plain")), Some(false));
    assert_eq!(is_admin(&synapse.register_admin("boss")), Some(true));
}
