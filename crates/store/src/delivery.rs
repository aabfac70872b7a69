//! A delivery: the dedupe mark and the debt in one.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::{Change, GroupKey, Key, Moment, News, SubjectKey};

/// Where a delivery stands. A member of a message shows the message's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Accepted, not yet part of a message.
    Pending,
    /// Part of a message that is being sent.
    InMessage,
    /// In the room.
    Sent,
    /// The homeserver refused it for good; an operator may retry.
    Parked,
    /// Perhaps in the room, perhaps not; nobody can know.
    Uncertain,
    /// Something later about the same subject had been accepted before.
    Superseded,
    /// An operator gave it up.
    Dropped,
    /// Nothing to announce.
    Ignored,
    /// Verified and not understood; kept with its body.
    Unreadable,
    /// Too old to be news; kept with its body.
    Stale,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::InMessage,
        Self::Sent,
        Self::Parked,
        Self::Uncertain,
        Self::Superseded,
        Self::Dropped,
        Self::Ignored,
        Self::Unreadable,
        Self::Stale,
    ];

    /// The status's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InMessage => "in_message",
            Self::Sent => "sent",
            Self::Parked => "parked",
            Self::Uncertain => "uncertain",
            Self::Superseded => "superseded",
            Self::Dropped => "dropped",
            Self::Ignored => "ignored",
            Self::Unreadable => "unreadable",
            Self::Stale => "stale",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Status {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|s| s.as_str() == word).ok_or(())
    }
}

/// How far along an announcement is within its round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// Known, not started.
    Queued,
    /// Started.
    Running,
    /// Finished: suppressed by nothing but its own key.
    Terminal,
}

impl Rank {
    /// The rank as a small number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Queued => 0,
            Self::Running => 1,
            Self::Terminal => 2,
        }
    }

    /// The rank of a number; what is higher is terminal.
    #[must_use]
    pub const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Queued,
            1 => Self::Running,
            _ => Self::Terminal,
        }
    }
}

/// What proves that an announcement is news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Its signature covers the time of sending, which was checked.
    Signed,
    /// The newest time in the signed body, to be compared with the store's clock.
    Body(Moment),
    /// The body is signed and holds no time: only its mark protects against a replay, so it is kept for
    /// [`rules::TIMELESS`](crate::rules::TIMELESS).
    Timeless,
}

/// What is sent for a delivery, rendered when it is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The event's content, a JSON object.
    pub content: String,
    /// The delivery's line in a digest, opaque to the store.
    pub line: String,
    /// Whether it is to notify people.
    pub notify: bool,
    /// The machine that speaks, where one may speak for itself.
    pub speaker: Option<String>,
}

/// What the store knows around a delivery, for its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Background<'a> {
    /// The machines of its group.
    pub machines: &'a [String],
    /// What it means to its branch, where that was asked.
    pub news: Option<News>,
}

/// Renders the content, once that is known.
pub type Render = Box<dyn Fn(&Background<'_>) -> Content + Send>;

/// Something that may be said in a room.
pub struct Announcement {
    /// What may be said once.
    pub key: Key,
    /// What it is about.
    pub subject: SubjectKey,
    /// Which round of it.
    pub round: u64,
    /// How far along.
    pub rank: Rank,
    /// Where to say it.
    pub room: String,
    /// What proves that it is news.
    pub freshness: Freshness,
    /// Whose machines it names.
    pub group: GroupKey,
    /// What it has to change in order to be said, if anything.
    pub change: Option<Box<Change>>,
    /// Renders it.
    pub render: Render,
}

/// A machine that a delivery names for its group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The group.
    pub group: GroupKey,
    /// The machine's name.
    pub name: String,
}

/// What is to become of a verified delivery.
pub enum Purport {
    /// It is to be announced.
    Announce(Announcement),
    /// It is no build state.
    Ignored(String),
    /// It was not understood.
    Unreadable(String),
}

impl fmt::Debug for Purport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Announce(a) => write!(f, "Announce({})", a.key),
            Self::Ignored(reason) => write!(f, "Ignored({reason})"),
            Self::Unreadable(reason) => write!(f, "Unreadable({reason})"),
        }
    }
}

/// What people ask for when they look for a delivery. Nothing decides on it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// The state's word.
    pub state: Option<String>,
    /// The provider's word.
    pub outcome: Option<String>,
    /// The workflow.
    pub workflow: Option<String>,
    /// The job.
    pub job: Option<String>,
    /// The repository.
    pub repo: Option<String>,
    /// The branch, as filters see it.
    pub branch: Option<String>,
    /// The run's id.
    pub run_id: Option<String>,
    /// The machine.
    pub node: Option<String>,
    /// What follows it through every log.
    pub correlation_id: String,
    /// The label of the key that verified it.
    pub verified_by: String,
    /// The id of the request that brought it first.
    pub request_id: String,
}

/// The hash of source and body. Of an announcement only a stale one needs it: so it need not be reckoned before.
#[derive(Debug, Clone, Copy)]
pub enum BodyKey {
    /// It is known.
    Known(Key),
    /// This reckons it.
    Of(fn(&NewDelivery) -> Key),
}

impl From<Key> for BodyKey {
    fn from(key: Key) -> Self {
        Self::Known(key)
    }
}

/// A verified delivery, before the store has seen it.
#[derive(Debug)]
pub struct NewDelivery {
    /// A fresh id. One that sorts by time is the cheapest to keep.
    pub id: String,
    /// The source's name.
    pub source: String,
    /// The key of what is not announced.
    pub body_key: BodyKey,
    /// What is to become of it.
    pub purport: Purport,
    /// What people ask for.
    pub facts: Facts,
    /// The machine it names, kept for its group whatever becomes of the delivery.
    pub machine: Option<Machine>,
    /// The machines that it is a sign of life of: the last one of each is remembered.
    pub nodes: Vec<String>,
    /// What is needed to read it again, kept with what is unreadable or stale.
    pub raw: Vec<u8>,
    /// When it came.
    pub received_at: Moment,
    /// How long a sent delivery's mark stays.
    pub retention: Duration,
}

impl NewDelivery {
    /// The key that it is kept under where it is not announced.
    #[must_use]
    pub fn body_key(&self) -> Key {
        match self.body_key {
            BodyKey::Known(key) => key,
            BodyKey::Of(reckon) => reckon(self),
        }
    }
}

/// What became of a delivery that was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It will be in the room.
    Accepted,
    /// Known already.
    Duplicate,
    /// Something later had been accepted before.
    Superseded,
    /// Nothing to announce, or stale.
    Ignored,
    /// Kept, not understood.
    Unreadable,
}

impl Outcome {
    /// The outcome's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Superseded => "superseded",
            Self::Ignored => "ignored",
            Self::Unreadable => "unreadable",
        }
    }
}

/// The store's answer, durable when it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// What became of it.
    pub outcome: Outcome,
    /// The delivery that holds it: of a duplicate the first one.
    pub delivery: String,
    /// That delivery's correlation id.
    pub correlation_id: String,
    /// That delivery's status.
    pub status: Status,
    /// Why nothing is announced.
    pub reason: Option<String>,
    /// The event that shows it, of a duplicate that is in the room.
    pub event_id: Option<String>,
}
