//! How users come into rooms, and out of them.

use serde_json::{Value, json};

use super::fault::RawAnswer;
use super::people::Asker;
use super::world::{Member, World, not_found, not_in_room};

pub(super) fn invite(world: &mut World, asker: &Asker, room: &str, body: &Value) -> RawAnswer {
    if !world.is_in(room, &asker.user) {
        return not_in_room(&asker.user, room);
    }
    let user = body["user_id"].as_str().unwrap_or_default();
    if world.is_in(room, user) {
        return RawAnswer::error(403, "M_FORBIDDEN", &format!("{user} is already in the room."));
    }
    set(world, room, user, "invite", &asker.user)
}

pub(super) fn join(world: &mut World, asker: &Asker, room: &str) -> RawAnswer {
    let may = world.rooms.get(room).is_some_and(|room| room.is_public)
        || matches!(world.membership(room, &asker.user), Some("join" | "invite"));
    match may {
        true => set(world, room, &asker.user, "join", &asker.user),
        false => RawAnswer::error(403, "M_FORBIDDEN", "You are not invited to this room."),
    }
}

pub(super) fn leave(world: &mut World, asker: &Asker, room: &str) -> RawAnswer {
    match world.membership(room, &asker.user) {
        Some(_) => set(world, room, &asker.user, "leave", &asker.user),
        None => RawAnswer::error(404, "M_UNKNOWN", "Not a known room"),
    }
}

/// A member's state, its content alone or the whole event.
pub(super) fn state(world: &World, room: &str, user: &str, is_whole: bool) -> RawAnswer {
    let Some(Member { membership, by }) = world.member(room, user) else { return not_found() };
    let mut content = json!({ "membership": membership });
    if let Some(name) = world.people.name(user) {
        content["displayname"] = name.into();
    }
    let event = json!({ "type": "m.room.member", "state_key": user, "sender": by, "room_id": room, "content": content });
    RawAnswer::json(200, if is_whole { &event } else { &event["content"] })
}

pub(super) fn set(
    world: &mut World,
    room: &str,
    user: &str,
    membership: &'static str,
    by: &str,
) -> RawAnswer {
    let Some(known) = world.rooms.get_mut(room) else { return not_in_room(user, room) };
    known.members.insert(user.into(), Member { membership, by: by.into() });
    RawAnswer::json(200, &json!({ "room_id": room }))
}
