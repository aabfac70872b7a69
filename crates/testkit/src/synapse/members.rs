//! Who is in a room, and what becomes of rooms.

use serde_json::{Value, json};

use super::Synapse;
use crate::percent::encode;

/// How somebody stands to a room.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// The user's full id.
    pub user: String,
    /// The name shown in that room.
    pub name: Option<String>,
    /// `join`, `invite`, `leave` or `ban`.
    pub membership: String,
}

impl Synapse {
    /// A room that is joined by invite only.
    #[must_use]
    pub fn private_room(&self, token: &str) -> String {
        self.create_room(token, json!({ "preset": "private_chat" }))
    }

    /// A room that everybody may join.
    #[must_use]
    pub fn public_room(&self, token: &str) -> String {
        self.create_room(token, json!({ "preset": "public_chat" }))
    }

    /// Everybody who has or had to do with a room, by id.
    #[must_use]
    pub fn members(&self, token: &str, room: &str) -> Vec<Member> {
        let path = format!("/_matrix/client/v3/rooms/{}/members", encode(room));
        let answer = self.request("GET", &path, token, None).ok();
        let mut members: Vec<_> = answer["chunk"].as_array().into_iter().flatten().map(member).collect();
        members.sort_unstable();
        members
    }

    /// How a user stands to a room, where it does.
    #[must_use]
    pub fn member(&self, token: &str, room: &str, user: &str) -> Option<Member> {
        self.members(token, room).into_iter().find(|member| member.user == user)
    }

    /// Has what is sent into a room be encrypted from now on, by those who can.
    pub fn encrypt(&self, token: &str, room: &str) {
        self.set_state(token, room, "m.room.encryption", &json!({ "algorithm": "m.megolm.v1.aes-sha2" }));
    }

    /// Replaces a room by a new one and returns the new one's id.
    #[must_use]
    pub fn upgrade(&self, token: &str, room: &str) -> String {
        let path = format!("/_matrix/client/v3/rooms/{}/upgrade", encode(room));
        let answer = self.request("POST", &path, token, Some(&json!({ "new_version": "12" }))).ok();
        answer["replacement_room"].as_str().expect("a room id").to_owned()
    }
}

fn member(event: &Value) -> Member {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Member {
        user: text(&event["state_key"]).unwrap_or_default(),
        name: text(&event["content"]["displayname"]),
        membership: text(&event["content"]["membership"]).unwrap_or_default(),
    }
}
