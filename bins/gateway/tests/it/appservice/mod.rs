//! The homeserver's door, and what comes of what is pushed through it.

mod board;
mod door;
mod pushed;

use std::sync::atomic::{AtomicU32, Ordering};

use meshhook_testkit::http::{self, Answer};
use meshhook_testkit::{Gateway, Service, Synapse, free_port};
use serde_json::{Value, json};

use crate::rig::{BUILDS, now};

/// The room of a gateway whose homeserver is not there.
const ROOM: &str = "!room:example.org";

/// A gateway that has nobody to send to: all that it takes in stays pending.
fn lonely(name: &str) -> (Service, Gateway) {
    let service = Service::new(name, Synapse::SERVER_NAME);
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let gateway = Gateway::builder_of_service(&nobody, ROOM, &service).source("builds", "standard", BUILDS);
    let gateway = gateway.start().unwrap();
    (service, gateway)
}

/// Asks the door, with that token.
fn ask(service: &Service, method: &str, path: &str, token: &str, body: &[u8]) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let url = format!("http://127.0.0.1:{}{path}", service.port());
    http::send(method, &url, &headers, body).unwrap()
}

/// Pushes events as the homeserver does, under a number of their own; whatever becomes of them, it is answered well.
#[track_caller]
fn push(service: &Service, events: &[Value]) {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let path = format!("/_matrix/app/v1/transactions/{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let body = json!({ "events": events }).to_string();
    let answer = ask(service, "PUT", &path, service.hs_token(), body.as_bytes());
    assert_eq!((answer.status, answer.json()), (200, json!({})));
}

/// Somebody says something, so many seconds ago.
fn says(room: &str, event_id: &str, msgtype: &str, body: &str, seconds_ago: i64) -> Value {
    json!({
        "type": "m.room.message", "room_id": room, "event_id": event_id, "sender": "@ada:example.org",
        "origin_server_ts": (now() - seconds_ago) * 1000, "content": { "msgtype": msgtype, "body": body },
    })
}

fn seen(gateway: &Gateway) -> Value {
    gateway.admin_get("/appservice").ok()
}
