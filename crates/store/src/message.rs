//! A message: what a PUT carries, fixed before the first one.

use std::fmt;
use std::time::Duration;

use crate::{Content, Key, Moment};

/// Who sends: transaction ids are remembered by a homeserver for a user's device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user id.
    pub user: String,
    /// The device id, where the token has one.
    pub device: Option<String>,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (device {})", self.user, self.device.as_deref().unwrap_or("none"))
    }
}

/// The answer to an identity that wants to send from this store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pin {
    /// It is the pinned one, or has become it.
    Ours,
    /// Another one is pinned, and may still have a PUT under way.
    Other {
        /// The pinned one.
        pinned: Identity,
        /// When to ask again.
        until: Moment,
    },
}

/// The right to report a failure of a message: outdated once another has taken the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The room.
    pub room: String,
    /// The room's generation when it was taken.
    pub generation: u64,
    /// The message in hand.
    pub message: i64,
}

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageStatus {
    /// To be sent, or being sent.
    Open,
    /// In the room.
    Sent,
    /// Refused for good by the homeserver; its members are free again.
    Refused,
    /// Nobody can know.
    Uncertain,
}

impl MessageStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Open, Self::Sent, Self::Refused, Self::Uncertain];

    /// The status's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Uncertain => "uncertain",
        }
    }
}

/// The members of a message that is about to be frozen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The room.
    pub room: String,
    /// The sender's user id.
    pub sender: String,
    /// The keys of all members, in order.
    pub keys: Vec<Key>,
    /// What each has to say.
    pub contents: Vec<Content>,
    /// How many refused messages these members have been in.
    pub refused_before: u32,
}

/// A message's fixed parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// The transaction id.
    pub txn: String,
    /// The event's content, byte for byte as every PUT will carry it.
    pub body: String,
}

/// A message in hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its number in this store.
    pub id: i64,
    /// The room.
    pub room: String,
    /// The sender's user id.
    pub sender: String,
    /// The transaction id.
    pub txn: String,
    /// The event's content.
    pub body: String,
    /// The event of ours before it in the room, when it was frozen.
    pub prev_event: Option<String>,
    /// Who sent that.
    pub prev_sender: Option<String>,
    /// When it was frozen.
    pub frozen_at: Moment,
    /// The process that froze it.
    pub frozen_by: String,
    /// A digest of user, device and token under which it was frozen.
    pub session: String,
    /// How many PUTs were reported for it.
    pub attempts: u32,
}

/// A request for the next message of a room.
pub struct Take<'a> {
    /// The room.
    pub room: &'a str,
    /// Who will send. Not taken unless it is pinned.
    pub identity: &'a Identity,
    /// A digest of user, device and token.
    pub session: &'a str,
    /// This process.
    pub owner: &'a str,
    /// Now.
    pub now: Moment,
    /// Makes the fixed parts of a new message. Pure.
    pub freeze: &'a dyn Fn(&Draft) -> Frozen,
}

/// What there is to do in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// Nothing now. At `until` there may be; without it, once something is accepted.
    Nothing {
        /// When to ask again.
        until: Option<Moment>,
    },
    /// The pinned identity is another.
    NotPinned,
    /// This message, by this lease. Durable before this answer.
    Message {
        /// The right to report on it.
        lease: Lease,
        /// The message.
        message: Box<Message>,
        /// Frozen just now: no PUT of it can have happened.
        fresh: bool,
    },
}

/// What a PUT was answered, for the delivery's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When it was made.
    pub at: Moment,
    /// How long it took.
    pub took: Duration,
    /// One word: `sent`, `found`, `limited`, `forbidden`, …
    pub result: String,
    /// The HTTP status, if there was an answer.
    pub http_status: Option<u16>,
    /// The Matrix error code, if there was one.
    pub errcode: Option<String>,
    /// More in words, one line.
    pub detail: String,
}

/// What a negative answer does to a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Negative {
    /// When the same PUT is made again.
    pub due: Moment,
    /// Why the room is held, if it is.
    pub hold: Option<String>,
    /// Until when this sender may not send anywhere, if it may not.
    pub gate: Option<Moment>,
}

/// What a refused message's members became.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The only member is parked.
    Parked,
    /// The members are pending again, each alone.
    Split,
    /// Another has taken the room since: nothing was changed.
    Outdated,
}
