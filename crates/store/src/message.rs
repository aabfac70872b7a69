//! A message: what a PUT carries, fixed before the first one.

use std::fmt;
use std::time::Duration;

use crate::{Content, Key, Moment, Rank, SubjectKey};

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

/// A delivery that waits, as far as a plan needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its number: the order of acceptance.
    pub seq: i64,
    /// What it is about.
    pub subject: SubjectKey,
    /// How far along.
    pub rank: Rank,
    /// Its source.
    pub source: String,
    /// When it came.
    pub received_at: Moment,
    /// Whether it has to be alone: a message that it shared was refused.
    pub solo: bool,
    /// How long its line is, in bytes.
    pub line_bytes: usize,
    /// The machine that speaks, where one may speak for itself.
    pub speaker: Option<String>,
}

/// What waits for a room when its next message is planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// The oldest of them, in order, up to [`rules::MAX_CANDIDATES`](crate::rules::MAX_CANDIDATES); never empty.
    pub candidates: Vec<Candidate>,
    /// Until when the sender's gate was closed last.
    pub gate: Option<Moment>,
    /// Now.
    pub now: Moment,
}

/// A candidate that goes into the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pick {
    /// Its number.
    pub seq: i64,
    /// Whether it is shown; one that a later member of its subject has overtaken need not be.
    pub shown: bool,
}

/// A member of a message that is about to be frozen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its key.
    pub key: Key,
    /// What it has to say.
    pub content: Content,
    /// Whether it is shown.
    pub shown: bool,
    /// Its round.
    pub round: u64,
    /// When it came.
    pub received_at: Moment,
}

/// The event that shows a subject, where it is the same sender's in the same room: what a message about that subject
/// may relate to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// The event.
    pub event_id: String,
    /// The round that it shows.
    pub round: u64,
}

/// A message that is about to be frozen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The room.
    pub room: String,
    /// The sender's user id.
    pub sender: String,
    /// The members, in the order of acceptance.
    pub members: Vec<Member>,
    /// The highest number of refused messages that any member has been in.
    pub refused_before: u32,
    /// What it may relate to: for an only member, unless a relation of its was refused.
    pub anchor: Option<Anchor>,
    /// Now.
    pub now: Moment,
}

/// A message's fixed parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// The transaction id.
    pub txn: String,
    /// The event's content, byte for byte as every PUT will carry it.
    pub body: String,
    /// The event that the body relates to. A message that relates to none, and has one member, is its subject's new
    /// anchor once it is sent.
    pub relates_to: Option<String>,
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
    /// The event that its body relates to.
    pub relates_to: Option<String>,
    /// When it was frozen.
    pub frozen_at: Moment,
    /// The process that froze it.
    pub frozen_by: String,
    /// The digest of user, device and token under which it was handed out every time until now; empty when under
    /// several.
    pub session: String,
    /// How many attempts were reported for it: PUTs, and looks for what became of one.
    pub attempts: u32,
    /// How many of the last of them, within [`rules::TROUBLE`](crate::rules::TROUBLE), were answered by a 5xx with a
    /// Matrix error code: by the homeserver itself, not by a proxy that does not reach it.
    pub server_errors: u32,
}

/// Who says what a machine has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Voice {
    /// The machine itself, as this user: it can send in that room at once.
    Ghost(String),
    /// The user of the pinned identity.
    Sender,
    /// That is to be found out before anything is frozen.
    Unknown,
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
    /// Who speaks for a machine. What several say together is said by the pinned identity's user.
    pub voice: &'a dyn Fn(&str) -> Voice,
    /// Chooses the members of a new message: candidates, each once. Pure. The oldest alone, if it chooses none.
    pub plan: &'a dyn Fn(&Queue) -> Vec<Pick>,
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
    /// Nothing is in hand, and the room is held: whether it may be written to is to be found out.
    Held,
    /// The next message is this machine's, and nobody knows whether it can speak for itself. Nothing was frozen.
    Unprepared {
        /// The machine.
        speaker: String,
    },
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
    /// When the same PUT is made again; as it was, where only the gate says so.
    pub due: Option<Moment>,
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
    /// The only member is pending again, to be said without a relation: it may have been the relation that was refused.
    Unrelated,
    /// Another has taken the room since: nothing was changed.
    Outdated,
}

impl Refused {
    /// What becomes of so many members of a message.
    #[must_use]
    pub fn of(members: usize, related: bool) -> Self {
        match (members, related) {
            (1, true) => Self::Unrelated,
            (1, false) => Self::Parked,
            _ => Self::Split,
        }
    }
}
