//! A gateway between a signed sender and a homeserver.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use meshhook_model::Timestamp;
use meshhook_testkit::http::Answer;
use meshhook_testkit::signed::{self, Headers};
use meshhook_testkit::{Event, Gateway, GatewayBuilder, Homeserver, Synapse, User, eventually};
use serde_json::{Value, json};

pub(crate) const GITHUB: &str = "a-secret-of-github-webhooks";
pub(crate) const BUILDS: &str = "whsec_bWVzaGhvb2sgdGVzdHMsIG5vdCBhIHNlY3JldCE=";

/// How long something may take that takes a moment.
pub(crate) const SOON: Duration = Duration::from_secs(15);

/// A gateway with the sources `github` and `builds` for a room of that homeserver.
pub(crate) fn builder(homeserver: &str, room: &str, token: &str) -> GatewayBuilder {
    Gateway::builder(homeserver, room, token)
        .source("github", "github", GITHUB)
        .source("builds", "standard", BUILDS)
}

/// The same for a scripted homeserver.
pub(crate) fn scripted(homeserver: &Homeserver) -> GatewayBuilder {
    builder(&homeserver.url(), Homeserver::ROOM, &homeserver.user().token)
}

/// A scripted homeserver and a gateway for it.
pub(crate) fn started() -> (Homeserver, Gateway) {
    let homeserver = Homeserver::start();
    let gateway = scripted(&homeserver).start().unwrap();
    (homeserver, gateway)
}

/// A room of a real Synapse, with the gateway's bot in it.
pub(crate) struct Room {
    pub(crate) synapse: Arc<Synapse>,
    pub(crate) bot: User,
    pub(crate) id: String,
}

impl Room {
    /// A new room and a new bot.
    pub(crate) fn new(bot: &str) -> Self {
        let synapse = Synapse::shared();
        let bot = synapse.register(bot);
        let id = synapse.create_room(&bot.token, json!({ "name": "CI" }));
        Self { synapse, bot, id }
    }

    pub(crate) fn gateway(&self) -> GatewayBuilder {
        builder(&self.synapse.url(), &self.id, &self.bot.token)
    }

    /// What the bot has said, oldest first.
    pub(crate) fn said(&self) -> Vec<Event> {
        said(self.synapse.messages(&self.bot.token, &self.id))
    }

    /// Waits until the bot has said so many things.
    #[track_caller]
    pub(crate) fn wait_for(&self, count: usize) -> Vec<Event> {
        eventually(SOON, || Some(self.said()).filter(|said| said.len() >= count))
    }
}

/// The messages among these events, without what differs by when one asks.
pub(crate) fn said(mut events: Vec<Event>) -> Vec<Event> {
    events.retain(|event| event.kind() == "m.room.message");
    for Event(event) in &mut events {
        let event = event.as_object_mut().unwrap();
        event.remove("age");
        event.remove("unsigned");
    }
    events
}

/// The delivery keys of all these messages.
pub(crate) fn keys(said: &[Event]) -> Vec<String> {
    let keys =
        said.iter().flat_map(|event| event.content()["com.meshmac.message"]["keys"].as_array().unwrap());
    keys.map(|key| key.as_str().unwrap().to_owned()).collect()
}

/// Seconds since the epoch.
pub(crate) fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// A body in our own format.
pub(crate) fn build(run: &str, state: &str) -> Value {
    json!({ "workflow": "nightly", "state": state, "run_id": run, "branch": "main", "mesh_node_id": "mac-01" })
}

/// Posts a body in our own format, signed just now under an id of its own.
pub(crate) fn post_build(gateway: &Gateway, body: &Value) -> Answer {
    let body = body.to_string();
    gateway.post("builds", &build_headers(body.as_bytes()), body.as_bytes())
}

/// Fresh headers for a body in our own format.
pub(crate) fn build_headers(body: &[u8]) -> Headers {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let id = format!("msg_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    signed::standard(BUILDS, &id, now(), body)
}

/// One of GitHub's bodies, as JSON, with its times moved so that the newest is now.
pub(crate) fn github_body(name: &str) -> Value {
    let path = format!("{}/../../fixtures/github/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let mut body: Value = serde_json::from_str(&text).unwrap();
    let newest = newest(&body);
    shift(&mut body, now() - newest);
    body
}

fn newest(value: &Value) -> i64 {
    match value {
        Value::String(text) => Timestamp::parse_rfc3339(text).map_or(0, Timestamp::unix),
        Value::Array(items) => items.iter().map(newest).max().unwrap_or(0),
        Value::Object(fields) => fields.values().map(newest).max().unwrap_or(0),
        _ => 0,
    }
}

fn shift(value: &mut Value, by: i64) {
    match value {
        Value::String(text) => {
            if let Some(time) = Timestamp::parse_rfc3339(text) {
                *text = Timestamp::from_unix(time.unix() + by).unwrap().to_string();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| shift(item, by)),
        Value::Object(fields) => fields.values_mut().for_each(|field| shift(field, by)),
        _ => {}
    }
}

/// A JSON text as GitHub's default content type carries it.
pub(crate) fn form(json: &str) -> String {
    url::form_urlencoded::Serializer::new(String::new()).append_pair("payload", json).finish()
}

/// Posts one of GitHub's events.
pub(crate) fn post_github(gateway: &Gateway, event: &str, body: &[u8]) -> Answer {
    let guid = format!("72d3162e-cc78-11e3-81ab-{:012x}", body.len());
    gateway.post("github", &signed::github(GITHUB, event, &guid, body), body)
}

/// Asserts a 202 and gives its body.
#[track_caller]
pub(crate) fn accepted(answer: &Answer) -> Value {
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.json()
}

/// A header line more.
pub(crate) fn with(mut headers: Headers, name: &'static str, value: &str) -> Headers {
    headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    headers.push((name, value.to_owned()));
    headers
}
