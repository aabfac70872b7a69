//! What tests do at a homeserver, as its users and its administrator.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;

use super::Synapse;
use super::config::SHARED_SECRET;
use crate::http::{self, Answer};
use crate::percent::encode;
use crate::{Event, User};

impl Synapse {
    /// The password of every user.
    pub const PASSWORD: &'static str = "password-of-tests";

    /// Registers a user who is no administrator.
    #[must_use]
    pub fn register(&self, localpart: &str) -> User {
        self.register_by_secret(localpart, false)
    }

    /// Registers an administrator of the server.
    #[must_use]
    pub fn register_admin(&self, localpart: &str) -> User {
        self.register_by_secret(localpart, true)
    }

    /// The administrator's way in (Synapse, admin API, "Shared-Secret Registration").
    fn register_by_secret(&self, localpart: &str, admin: bool) -> User {
        const PATH: &str = "/_synapse/admin/v1/register";
        let nonce = self.request("GET", PATH, "", None).ok()["nonce"].as_str().expect("a nonce").to_owned();
        let role = if admin { "admin" } else { "notadmin" };
        let mac = hex_hmac_sha1(&[&nonce, localpart, Self::PASSWORD, role].join("\0"));
        let body = json!({
            "nonce": nonce, "username": localpart, "password": Self::PASSWORD, "admin": admin, "mac": mac,
        });
        user(&self.request("POST", PATH, "", Some(&body)).ok())
    }

    /// Logs a registered user in, on a device of that name or, without one, on a new device.
    #[must_use]
    pub fn login(&self, localpart: &str, device: Option<&str>) -> User {
        let body = json!({
            "type": "m.login.password",
            "identifier": { "type": "m.id.user", "user": localpart },
            "password": Self::PASSWORD,
            "device_id": device,
        });
        user(&self.request("POST", "/_matrix/client/v3/login", "", Some(&body)).ok())
    }

    /// Ends a token; its device goes with it.
    pub fn logout(&self, token: &str) {
        self.request("POST", "/_matrix/client/v3/logout", token, Some(&json!({}))).ok();
    }

    /// Makes a room as `createRoom` does and returns its id.
    #[must_use]
    pub fn create_room(&self, token: &str, options: Value) -> String {
        let answer = self.request("POST", "/_matrix/client/v3/createRoom", token, Some(&options)).ok();
        answer["room_id"].as_str().expect("a room id").to_owned()
    }

    /// Invites and joins: `user` is then in the room.
    pub fn bring_in(&self, host_token: &str, room: &str, user: &User) {
        self.invite(host_token, room, &user.id);
        self.join(&user.token, room);
    }

    /// Invites a user.
    pub fn invite(&self, token: &str, room: &str, user_id: &str) {
        self.in_room(token, room, "invite", &json!({ "user_id": user_id }));
    }

    /// Joins a room.
    pub fn join(&self, token: &str, room: &str) {
        self.in_room(token, room, "join", &json!({}));
    }

    /// Removes a user from a room.
    pub fn kick(&self, token: &str, room: &str, user_id: &str) {
        self.in_room(token, room, "kick", &json!({ "user_id": user_id }));
    }

    /// Bans a user from a room.
    pub fn ban(&self, token: &str, room: &str, user_id: &str) {
        self.in_room(token, room, "ban", &json!({ "user_id": user_id }));
    }

    /// Leaves a room.
    pub fn leave(&self, token: &str, room: &str) {
        self.in_room(token, room, "leave", &json!({}));
    }

    fn in_room(&self, token: &str, room: &str, what: &str, body: &Value) {
        let path = format!("/_matrix/client/v3/rooms/{}/{what}", encode(room));
        self.request("POST", &path, token, Some(body)).ok();
    }

    /// Sends a message and returns its event id.
    pub fn send(&self, token: &str, room: &str, txn: &str, content: &Value) -> String {
        self.put_event(token, room, &format!("send/m.room.message/{}", encode(txn)), content)
    }

    /// Sets a state event with an empty key and returns its event id.
    pub fn set_state(&self, token: &str, room: &str, kind: &str, content: &Value) -> String {
        self.put_event(token, room, &format!("state/{}", encode(kind)), content)
    }

    /// A state event's content.
    #[must_use]
    pub fn state(&self, token: &str, room: &str, kind: &str) -> Value {
        let path = format!("/_matrix/client/v3/rooms/{}/state/{}", encode(room), encode(kind));
        self.request("GET", &path, token, None).ok()
    }

    /// Changes some of the room's power levels and leaves the rest.
    pub fn set_power_levels(&self, token: &str, room: &str, changes: Value) {
        let mut levels = self.state(token, room, "m.room.power_levels");
        let (Value::Object(levels_map), Value::Object(mut changes)) = (&mut levels, changes) else {
            panic!("power levels are an object");
        };
        levels_map.append(&mut changes);
        self.set_state(token, room, "m.room.power_levels", &levels);
    }

    /// Redacts an event.
    pub fn redact(&self, token: &str, room: &str, event_id: &str) {
        self.put_event(token, room, &format!("redact/{}/redaction", encode(event_id)), &json!({}));
    }

    fn put_event(&self, token: &str, room: &str, rest: &str, content: &Value) -> String {
        let path = format!("/_matrix/client/v3/rooms/{}/{rest}", encode(room));
        let answer = self.request("PUT", &path, token, Some(content)).ok();
        answer["event_id"].as_str().expect("an event id").to_owned()
    }

    /// Every event of the room that the user may see, oldest first.
    #[must_use]
    pub fn messages(&self, token: &str, room: &str) -> Vec<Event> {
        let base = format!("/_matrix/client/v3/rooms/{}/messages?dir=f&limit=500", encode(room));
        let (mut events, mut path) = (Vec::new(), base.clone());
        loop {
            let page = self.request("GET", &path, token, None).ok();
            events.extend(page["chunk"].as_array().into_iter().flatten().cloned().map(Event));
            match page["end"].as_str() {
                Some(end) => path = format!("{base}&from={}", encode(end)),
                None => return events,
            }
        }
    }

    /// Any request of the client-server or admin API; without a body for GET.
    ///
    /// # Panics
    /// When Synapse does not answer.
    #[must_use]
    pub fn request(&self, method: &str, path: &str, token: &str, body: Option<&Value>) -> Answer {
        let url = self.url() + path;
        let bearer = format!("Bearer {token}");
        let mut headers = vec![("content-type", "application/json")];
        if !token.is_empty() {
            headers.push(("authorization", &bearer));
        }
        let answer = match body {
            Some(body) => http::send(method, &url, &headers, body.to_string().as_bytes()),
            None => http::get(&url, &headers),
        };
        answer.unwrap_or_else(|e| panic!("Synapse does not answer {method} {path}: {e}"))
    }
}

fn user(answer: &Value) -> User {
    let field =
        |name: &str| answer[name].as_str().expect("a field that the specification requires").to_owned();
    User { id: field("user_id"), device: field("device_id"), token: field("access_token") }
}

fn hex_hmac_sha1(text: &str) -> String {
    let mut mac =
        Hmac::<Sha1>::new_from_slice(SHARED_SECRET.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
