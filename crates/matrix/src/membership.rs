//! How a user stands to a room, also one who is not in it.

use serde_json::{Value, json};

use crate::client::{Client, OTHER_BODY, found};
use crate::path::{encode, in_room};
use crate::{Failure, FailureKind, Token};

/// What a first sync of one room may hold: its newest member events, and what comes with an invite.
const SYNC_BODY: u64 = 4 << 20;

/// How a user stands to a room.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Membership {
    /// In the room.
    Joined,
    /// Invited, and has not joined.
    Invited {
        /// By whom.
        by: Option<String>,
    },
    /// Left by themselves.
    Left,
    /// Removed; they may be invited again.
    Kicked {
        /// By whom.
        by: String,
        /// Why, where that was said.
        reason: Option<String>,
    },
    /// Banned: nobody can invite them before that is lifted.
    Banned {
        /// By whom.
        by: String,
        /// Why, where that was said.
        reason: Option<String>,
    },
    /// The homeserver knows of nothing between the two: there is no such room, or they were never in it.
    Nothing,
}

impl Client {
    /// How `user`, whose token it is, stands to `room` (`GET /joined_rooms`, then `GET /sync` of that room with those
    /// that were left). Nothing else tells a kick from a ban, an invite or a room that is none: each is one same 403.
    ///
    /// # Errors
    /// As with any request.
    pub fn membership(&self, token: &Token, user: &str, room: &str) -> Result<Membership, Failure> {
        if self.joined_rooms(token)?.iter().any(|joined| joined == room) {
            return Ok(Membership::Joined);
        }
        let none = json!({ "types": [] });
        let members = json!({ "types": ["m.room.member"], "limit": 50, "lazy_load_members": true });
        let filter = json!({
            "presence": none, "account_data": none,
            "room": {
                "rooms": [room], "include_leave": true, "timeline": members, "state": members,
                "ephemeral": none, "account_data": none,
            },
        });
        let path = format!("/_matrix/client/v3/sync?timeout=0&filter={}", encode(&filter.to_string()));
        match self.transport.get(Some(token), &path, SYNC_BODY)?.success::<Value>() {
            Ok(sync) => Ok(read(&sync["rooms"], user, room)),
            // Synapse takes no filter with what cannot be a room's id.
            Err(failure) if failure.kind == FailureKind::Refused => Ok(Membership::Nothing),
            Err(failure) => Err(failure),
        }
    }

    /// As [`Self::membership`], for the sender of an application service, whose sync Synapse 1.163 answers with 500. Whether
    /// it is invited, it can only ask by joining: who is neither in the room nor has left it or was removed from it is
    /// [`Membership::Nothing`], who was banned too.
    ///
    /// # Errors
    /// As with any request.
    pub fn membership_of_service(
        &self,
        token: &Token,
        user: &str,
        room: &str,
    ) -> Result<Membership, Failure> {
        if self.joined_rooms(token)?.iter().any(|joined| joined == room) {
            return Ok(Membership::Joined);
        }
        let path = in_room(room, &format!("state/m.room.member/{}?format=event", encode(user)));
        match found(self.transport.get(Some(token), &path, OTHER_BODY)?.success()) {
            Ok(Some(event)) if event["state_key"] == user => Ok(gone(&event)),
            Ok(_) => Ok(Membership::Nothing),
            Err(failure) if matches!(failure.kind, FailureKind::Forbidden | FailureKind::Refused) => {
                Ok(Membership::Nothing)
            }
            Err(failure) => Err(failure),
        }
    }
}

fn read(rooms: &Value, user: &str, room: &str) -> Membership {
    if let Some(invite) = rooms["invite"].get(room) {
        let event = newest(&invite["invite_state"], user);
        return Membership::Invited { by: event.and_then(|event| text(&event["sender"])) };
    }
    let left = &rooms["leave"][room];
    newest(&left["timeline"], user).or_else(|| newest(&left["state"], user)).map_or(Membership::Nothing, gone)
}

/// The last of a list's events that says how `user` stands to the room.
fn newest<'a>(list: &'a Value, user: &str) -> Option<&'a Value> {
    let events = list["events"].as_array()?;
    events.iter().rev().find(|event| event["type"] == "m.room.member" && event["state_key"] == user)
}

fn gone(event: &Value) -> Membership {
    let by = text(&event["sender"]).unwrap_or_default();
    let reason = text(&event["content"]["reason"]);
    match event["content"]["membership"].as_str() {
        Some("ban") => Membership::Banned { by, reason },
        _ if event["sender"] == event["state_key"] => Membership::Left,
        _ => Membership::Kicked { by, reason },
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
