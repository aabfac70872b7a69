//! Which request is meant, and its true answer.

use serde_json::{Value, json};

use super::fault::{Endpoint, RawAnswer};
use super::members;
use super::people::Asker;
use super::wire::Request;
use super::world::{World, not_found, not_in_room};
use crate::percent::decode;

/// Which endpoint a request is for.
pub(super) fn endpoint(request: &Request) -> Endpoint {
    let segments = segments(request);
    match (request.method.as_str(), words(&segments).as_slice()) {
        ("GET", ["_matrix", "client", "versions"]) => Endpoint::Versions,
        ("GET", ["_matrix", "client", "v3", "account", "whoami"]) => Endpoint::Whoami,
        ("GET", ["_matrix", "client", "v3", "joined_rooms"]) => Endpoint::JoinedRooms,
        ("PUT", ["_matrix", "client", "v3", "rooms", _, "send", _, _]) => Endpoint::Send,
        ("GET", ["_matrix", "client", "v3", "rooms", _, "messages"]) => Endpoint::Messages,
        ("GET", ["_matrix", "client", "v3", "rooms", _, "state", ..]) => Endpoint::State,
        ("GET", ["_matrix", "client", "v3", "rooms", _, "event", _]) => Endpoint::Event,
        ("POST", ["_matrix", "client", "v3", "register"]) => Endpoint::Register,
        ("PUT", ["_matrix", "client", "v3", "devices", _]) => Endpoint::Device,
        ("GET" | "PUT", ["_matrix", "client", "v3", "profile", _, "displayname"]) => Endpoint::Profile,
        ("POST", ["_matrix", "client", "v3", "rooms", _, "invite"]) => Endpoint::Invite,
        ("POST", ["_matrix", "client", "v3", "rooms", _, "join"]) => Endpoint::Join,
        ("POST", ["_matrix", "client", "v3", "rooms", _, "leave"]) => Endpoint::Leave,
        ("POST", ["_matrix", "client", "v1", "appservice", _, "ping"]) => Endpoint::Ping,
        _ => Endpoint::Unknown,
    }
}

/// The answer of a homeserver without faults.
pub(super) fn answer(request: &Request, world: &mut World) -> RawAnswer {
    match endpoint(request) {
        Endpoint::Versions => {
            let mut answer = RawAnswer::json(200, &json!({ "versions": ["v1.11", "v1.12"] }));
            answer.headers.extend(world.date.clone().map(|date| ("Date".to_owned(), date)));
            answer
        }
        Endpoint::Unknown => unrecognized(),
        endpoint => match asker(request, world) {
            Ok(asker) => answer_user(endpoint, &asker, request, world),
            Err(refusal) => refusal,
        },
    }
}

/// As whom a request is made.
pub(super) fn asker(request: &Request, world: &World) -> Result<Asker, RawAnswer> {
    let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    world.people.asker(token, query(request, "user_id"), query(request, "device_id"))
}

/// Whether a send's transaction id belongs to an event that is there.
pub(super) fn is_stored(request: &Request, world: &World) -> bool {
    let segments = segments(request);
    match (endpoint(request), words(&segments).get(4..).unwrap_or_default()) {
        (Endpoint::Send, [room, _, kind, txn]) => {
            asker(request, world).is_ok_and(|asker| world.known(&asker, room, kind, txn).is_some())
        }
        _ => false,
    }
}

fn unrecognized() -> RawAnswer {
    RawAnswer::error(404, "M_UNRECOGNIZED", "Unrecognized request")
}

fn answer_user(endpoint: Endpoint, asker: &Asker, request: &Request, world: &mut World) -> RawAnswer {
    let segments = segments(request);
    match (endpoint, words(&segments).get(4..).unwrap_or_default()) {
        (Endpoint::Whoami, _) => whoami(asker),
        (Endpoint::JoinedRooms, _) => joined_rooms(asker, world),
        (Endpoint::Send, [room, _, kind, txn]) => send(world, asker, room, kind, txn, request),
        (Endpoint::Messages, [room, ..]) => messages(world, asker, room, request),
        (Endpoint::State, [room, _, kind, key @ ..]) => {
            let key = key.first().copied().unwrap_or_default();
            if *kind == "m.room.member" && world.may_read(room, asker) {
                return members::state(
                    world,
                    room,
                    key,
                    query(request, "format").as_deref() == Some("event"),
                );
            }
            state(world, asker, room, kind, key)
        }
        (Endpoint::Event, [room, _, id]) => world.event(asker, room, id),
        (Endpoint::Register, _) => world.people.register(asker, &request.json()),
        (Endpoint::Device, [id]) => world.people.make_device(asker, id),
        (Endpoint::Profile, [user, _]) if request.method == "GET" => world.people.profile(user),
        (Endpoint::Profile, [user, _]) => world.people.rename(asker, user, &request.json()),
        (Endpoint::Invite, [room, _]) => members::invite(world, asker, room, &request.json()),
        (Endpoint::Join, [room, _]) => members::join(world, asker, room),
        (Endpoint::Leave, [room, _]) => members::leave(world, asker, room),
        (Endpoint::Ping, _) => RawAnswer::json(200, &json!({ "duration_ms": 1 })),
        _ => unrecognized(),
    }
}

fn whoami(asker: &Asker) -> RawAnswer {
    let mut answer = json!({ "user_id": asker.user });
    if let Some(device) = &asker.device {
        answer["device_id"] = device.as_str().into();
    }
    RawAnswer::json(200, &answer)
}

fn joined_rooms(asker: &Asker, world: &World) -> RawAnswer {
    let rooms: Vec<_> = world.rooms.keys().filter(|room| world.is_in(room, &asker.user)).collect();
    RawAnswer::json(200, &json!({ "joined_rooms": rooms }))
}

fn send(world: &mut World, asker: &Asker, room: &str, kind: &str, txn: &str, request: &Request) -> RawAnswer {
    match serde_json::from_slice::<Value>(&request.body) {
        Ok(content) if content.is_object() => world.send(asker, room, kind, txn, content),
        _ => RawAnswer::error(400, "M_NOT_JSON", "Content not JSON."),
    }
}

fn state(world: &World, asker: &Asker, room: &str, kind: &str, key: &str) -> RawAnswer {
    if world.rooms.contains_key(room) && !world.is_in(room, &asker.user) {
        return not_in_room(&asker.user, room);
    }
    let state = world.rooms.get(room).map(|room| &room.state);
    let content = state.and_then(|state| state.get(&(kind.to_owned(), key.to_owned())));
    content.map_or_else(not_found, |content| RawAnswer::json(200, content))
}

fn messages(world: &World, asker: &Asker, room: &str, request: &Request) -> RawAnswer {
    if query(request, "dir").as_deref() != Some("b") {
        return RawAnswer::error(400, "M_INVALID_PARAM", "only dir=b is scripted");
    }
    let filter = query(request, "filter").and_then(|filter| serde_json::from_str(&filter).ok());
    let filter: Value = filter.unwrap_or_default();
    let allows = |names: &Value, value: &Value| names.as_array().is_none_or(|names| names.contains(value));
    let wanted = |event: &Value| {
        allows(&filter["senders"], &event["sender"]) && allows(&filter["types"], &event["type"])
    };
    let from = query(request, "from").and_then(|token| token.strip_prefix('t')?.parse().ok());
    let limit = query(request, "limit").and_then(|limit| limit.parse().ok()).unwrap_or(10);
    world.page(asker, room, from, limit, &wanted)
}

fn query(request: &Request, name: &str) -> Option<String> {
    let (_, query) = request.target.split_once('?')?;
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(n, _)| *n == name).map(|(_, value)| decode(value)).next()
}

fn segments(request: &Request) -> Vec<String> {
    let path = request.target.split('?').next().unwrap_or_default();
    path.trim_start_matches('/').split('/').map(decode).collect()
}

fn words(segments: &[String]) -> Vec<&str> {
    segments.iter().map(String::as_str).collect()
}
