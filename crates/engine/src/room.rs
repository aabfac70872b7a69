//! Whether a room may be written to, and shows what was: encrypted, upgraded and shadow-banned ones answer 200 too.

use std::time::Duration;

use meshhook_matrix::{Client, Failure, FailureKind, Membership, Token};
use meshhook_model::Timestamp;
use meshhook_store::Moment;
use serde_json::Value;

use crate::session::Session;

/// How long a look is good for.
const LOOKED: Duration = Duration::from_secs(600);

/// Who is shadow-banned is kept waiting, from one second to ten, before they are told of an event that is none.
const SLOW: Duration = Duration::from_secs(1);

/// What to do with an encrypted room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encrypted {
    /// Nothing is written into it.
    #[default]
    Hold,
    /// What is written is not encrypted, knowingly.
    Plain,
}

/// Whether an event is in the room, as far as its homeserver tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// It is, or nobody said otherwise.
    Yes,
    /// It is not, for the first time: one part of a homeserver may write what another has not read yet.
    NotYet,
    /// It is not, again.
    No,
}

/// What was seen of a room.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// When its state was looked at last without objection, and for what: what a plain room may be, another may not.
    looked: Option<(Moment, Encrypted)>,
    /// When a message of ours was read back last.
    seen: Option<Moment>,
    /// Whether the last one that was looked for was not there.
    unseen: bool,
}

impl Watch {
    /// Has the state looked at before anything more is written.
    pub(crate) fn forget(&mut self) {
        self.looked = None;
    }

    /// Why nothing may be written into the room, looked at now and then.
    pub(crate) fn objection(
        &mut self,
        client: &Client,
        token: &Token,
        room: &str,
        encrypted: Encrypted,
        now: Moment,
    ) -> Option<String> {
        let alike = self.looked.filter(|(_, as_what)| *as_what == encrypted);
        if is_recent(alike.map(|(looked, _)| looked), now) {
            return None;
        }
        match objection(client, token, room, encrypted) {
            Ok(None) => {
                self.looked = Some((now, encrypted));
                None
            }
            Ok(why) => why,
            // A room that does not let us look may still let us write; the PUT will tell.
            Err(_) => None,
        }
    }

    /// Reads an event back, now and then, and where there is reason to. Only a homeserver that knows nothing of it says
    /// so; one that does not answer is believed.
    pub(crate) fn look_for(
        &mut self,
        took: Duration,
        now: Moment,
        read: impl FnOnce() -> Result<Option<Value>, Failure>,
    ) -> Shown {
        if is_recent(self.seen, now) && took < SLOW && !self.unseen {
            return Shown::Yes;
        }
        let again = self.unseen;
        match read() {
            Ok(None) => {
                self.unseen = true;
                if again { Shown::No } else { Shown::NotYet }
            }
            answer => {
                self.unseen = false;
                if answer.is_ok() {
                    self.seen = Some(now);
                }
                Shown::Yes
            }
        }
    }

    /// What to tell of a room that does not show our messages.
    pub(crate) fn complaint(&self) -> String {
        let seen = self.seen.and_then(|seen| Timestamp::from_unix(seen.seconds()));
        let since = seen.map_or_else(String::new, |seen| {
            format!("; what was sent after {seen} may not be in the room either")
        });
        format!("the homeserver takes messages and does not show them: the user may be shadow-banned{since}")
    }
}

/// Whether a look was so recent that it is still good; not when the clock was set back since.
fn is_recent(looked: Option<Moment>, now: Moment) -> bool {
    looked.is_some_and(|looked| now.since(looked) < LOOKED && now >= looked)
}

/// Why a room is not written to at present, as far as it can be seen without writing; nothing when it may be.
///
/// # Errors
/// The homeserver did not tell.
pub(crate) fn closed(
    client: &Client,
    session: &Session,
    room: &str,
    encrypted: Encrypted,
) -> Result<Option<String>, Failure> {
    if let Some(why) = outside(client, session, room)? {
        return Ok(Some(why));
    }
    objection(client, &session.token, room, encrypted)
}

/// Why who sends is not in a room; nothing when it is. An application service takes an invite that it has not heard of.
///
/// # Errors
/// The homeserver did not tell, or did not let it in.
pub(crate) fn outside(client: &Client, session: &Session, room: &str) -> Result<Option<String>, Failure> {
    let (token, user) = (&session.token, &session.identity.user);
    let is_service = session.ghosts.is_some();
    let membership = match is_service {
        true => client.membership_of_service(token, user, room)?,
        false => client.membership(token, user, room)?,
    };
    Ok(match membership {
        Membership::Joined => None,
        Membership::Nothing | Membership::Left if is_service && is_let_in(client, token, room)? => None,
        Membership::Kicked { by, reason } | Membership::Banned { by, reason } => {
            Some(removed(user, &by, reason.as_deref()))
        }
        _ => Some(format!("{user} is not in the room; invite it")),
    })
}

/// Joins; whoever may not is told so by all rooms alike.
fn is_let_in(client: &Client, token: &Token, room: &str) -> Result<bool, Failure> {
    match client.join(token, room) {
        Err(failure) if failure.kind == FailureKind::Forbidden || failure.status == Some(404) => Ok(false),
        joined => joined.map(|()| true),
    }
}

/// What to tell of a room that a user was removed from.
pub(crate) fn removed(user: &str, by: &str, reason: Option<&str>) -> String {
    let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{by} removed {user} from the room{reason}")
}

/// Why nothing may be written into a room; nothing when it may.
///
/// # Errors
/// The homeserver did not tell.
pub(crate) fn objection(
    client: &Client,
    token: &Token,
    room: &str,
    encrypted: Encrypted,
) -> Result<Option<String>, Failure> {
    if let Some(tombstone) = client.state(token, room, "m.room.tombstone")? {
        let replacement = tombstone["replacement_room"].as_str().unwrap_or("an unnamed one");
        return Ok(Some(format!("the room was upgraded; its replacement is {replacement}")));
    }
    if encrypted == Encrypted::Hold && client.state(token, room, "m.room.encryption")?.is_some() {
        return Ok(Some(
            "the room is encrypted; encrypted_room = \"plain\" writes into it unencrypted".to_owned(),
        ));
    }
    Ok(None)
}
