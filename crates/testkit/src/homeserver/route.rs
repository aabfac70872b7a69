//! Which request is meant, and its true answer.

use serde_json::{Value, json};

use super::fault::{Endpoint, RawAnswer};
use super::wire::Request;
use super::world::{World, not_found};
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
        endpoint => refuse_token(request, world).unwrap_or_else(|| answer_user(endpoint, request, world)),
    }
}

/// Whether a send's transaction id belongs to an event that is there.
pub(super) fn is_stored(request: &Request, world: &World) -> bool {
    let segments = segments(request);
    match (endpoint(request), words(&segments).get(4..).unwrap_or_default()) {
        (Endpoint::Send, [room, _, _, txn]) => world.knows(room, txn),
        _ => false,
    }
}

fn unrecognized() -> RawAnswer {
    RawAnswer::error(404, "M_UNRECOGNIZED", "Unrecognized request")
}

fn answer_user(endpoint: Endpoint, request: &Request, world: &mut World) -> RawAnswer {
    let segments = segments(request);
    match (endpoint, words(&segments).get(4..).unwrap_or_default()) {
        (Endpoint::Whoami, _) => {
            RawAnswer::json(200, &json!({ "user_id": world.user.id, "device_id": world.user.device }))
        }
        (Endpoint::JoinedRooms, _) => {
            RawAnswer::json(200, &json!({ "joined_rooms": world.rooms.keys().collect::<Vec<_>>() }))
        }
        (Endpoint::Send, [room, _, kind, txn]) => send(world, room, kind, txn, request),
        (Endpoint::Messages, [room, ..]) => messages(world, room, request),
        (Endpoint::State, [room, _, kind, key @ ..]) => {
            state(world, room, kind, key.first().copied().unwrap_or_default())
        }
        (Endpoint::Event, [room, _, id]) => world.event(room, id),
        _ => unrecognized(),
    }
}

fn refuse_token(request: &Request, world: &World) -> Option<RawAnswer> {
    match request.header("authorization").and_then(|value| value.strip_prefix("Bearer ")) {
        Some(token) if token == world.user.token => None,
        Some(_) => {
            let body = json!({
                "errcode": "M_UNKNOWN_TOKEN", "error": "Invalid access token passed.", "soft_logout": false,
            });
            Some(RawAnswer::json(401, &body))
        }
        None => Some(RawAnswer::error(401, "M_MISSING_TOKEN", "Missing access token")),
    }
}

fn send(world: &mut World, room: &str, kind: &str, txn: &str, request: &Request) -> RawAnswer {
    match serde_json::from_slice::<Value>(&request.body) {
        Ok(content) if content.is_object() => world.send(room, kind, txn, content),
        _ => RawAnswer::error(400, "M_NOT_JSON", "Content not JSON."),
    }
}

fn state(world: &World, room: &str, kind: &str, key: &str) -> RawAnswer {
    let state = world.rooms.get(room).map(|room| &room.state);
    let content = state.and_then(|state| state.get(&(kind.to_owned(), key.to_owned())));
    content.map_or_else(not_found, |content| RawAnswer::json(200, content))
}

fn messages(world: &World, room: &str, request: &Request) -> RawAnswer {
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
    world.page(room, from, limit, &wanted)
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
