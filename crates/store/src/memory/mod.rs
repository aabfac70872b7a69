//! The reference: everything in one place, by the letter of the rules, gone with the process.

mod audit;
mod changes;
mod ghosts;
mod inspect;
mod intake;
mod keys;
mod latest;
mod nodes;
mod outbox;
mod upkeep;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use self::audit::Held;
use crate::rules::{self, Top};
use crate::{
    Accepted, Anchor, Attempt, BranchKey, Content, DedupeStore, Facts, GroupKey, Identity, Key, Last,
    MessageStatus, Moment, News, Outcome, Status, StoreError, SubjectKey,
};

/// A store in memory: not durable, and it says so.
#[derive(Debug, Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Bounds how many deliveries may wait for a room: one more fails as [`StoreError::RoomFull`].
    pub fn limit_waiting(&self, deliveries: u64) {
        self.tables().bound = Some(deliveries);
    }

    /// A caller's callback that panics has changed nothing: each is called before the change it is about.
    fn tables(&self) -> Held<'_> {
        Held::new(self.tables.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl DedupeStore for MemoryStore {
    fn first_time(&self, key: &Key, now: Moment, keep: Duration) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let known = tables.marks.get(key).is_some_and(|until| *until > now);
        if !known {
            tables.marks.insert(*key, now.plus(keep));
        }
        Ok(!known)
    }
}

#[derive(Debug, Default)]
struct Tables {
    deliveries: BTreeMap<i64, Row>,
    by_id: HashMap<String, i64>,
    by_key: HashMap<Key, i64>,
    subjects: HashMap<SubjectKey, Subject>,
    machines: BTreeMap<GroupKey, Machines>,
    /// How each branch ended the last time.
    endings: BTreeMap<BranchKey, Last>,
    nodes: BTreeMap<String, nodes::Seen>,
    key_uses: BTreeMap<keys::KeyName, keys::Used>,
    messages: BTreeMap<i64, MessageRow>,
    rooms: BTreeMap<String, Room>,
    /// By user and room.
    ghosts: BTreeMap<(String, String), ghosts::Ghost>,
    gates: HashMap<String, Moment>,
    pinned: Option<Identity>,
    marks: HashMap<Key, Moment>,
    last_seq: i64,
    last_message: i64,
    evicted: u64,
    /// The newest time in a body whose mark was forgotten.
    forgotten: Option<Moment>,
    /// Another bound of a room's queue than usual.
    bound: Option<u64>,
}

#[derive(Debug, Clone)]
struct Row {
    id: String,
    key: Key,
    source: String,
    status: Status,
    reason: Option<String>,
    saying: Option<Saying>,
    facts: Facts,
    raw: Vec<u8>,
    received_at: Moment,
    event_time: Option<Moment>,
    keep: Duration,
    expires_at: Option<Moment>,
    message: Option<i64>,
    solo: bool,
    /// Whether it is said without a relation, since one was refused.
    unrelated: bool,
    refusals: u32,
    seen: u64,
}

/// What an announcement's row has beyond any other's.
#[derive(Debug, Clone)]
struct Saying {
    subject: SubjectKey,
    top: Top,
    room: String,
    content: Option<Content>,
    /// What it means to its branch.
    news: Option<News>,
}

#[derive(Debug)]
struct Subject {
    top: Top,
    rows: usize,
    anchor: Option<Anchored>,
}

/// The event that shows a subject, and where.
#[derive(Debug)]
struct Anchored {
    anchor: Anchor,
    room: String,
    sender: String,
}

/// A group's machines, and when each is forgotten.
type Machines = BTreeMap<String, Moment>;

#[derive(Debug)]
struct MessageRow {
    room: String,
    sender: String,
    txn: String,
    body: String,
    prev: Option<(String, String)>,
    relates_to: Option<String>,
    frozen_at: Moment,
    frozen_by: String,
    status: MessageStatus,
    event_id: Option<String>,
    members: Vec<i64>,
    attempts: Vec<Attempt>,
    attempted: u32,
}

#[derive(Debug, Default)]
struct Room {
    pending: BTreeSet<i64>,
    open: Option<i64>,
    due: Moment,
    owner: String,
    /// Under which session the open message was handed out; empty when under several.
    session: String,
    generation: u64,
    lease_until: Moment,
    taken_at: Moment,
    hold: Option<(String, Moment)>,
    last: Option<(String, String)>,
}

impl Tables {
    fn room(&mut self, room: &str) -> &mut Room {
        self.rooms.entry(room.to_owned()).or_default()
    }

    /// The status that a delivery shows: a member's is its message's.
    fn shown(&self, row: &Row) -> Status {
        if row.status != Status::InMessage {
            return row.status;
        }
        match row.message.and_then(|m| self.messages.get(&m)).map(|m| m.status) {
            Some(MessageStatus::Sent) => Status::Sent,
            Some(MessageStatus::Uncertain) => Status::Uncertain,
            _ => Status::InMessage,
        }
    }

    fn event_of(&self, row: &Row) -> Option<String> {
        row.message.and_then(|m| self.messages.get(&m)).and_then(|m| m.event_id.clone())
    }

    fn answer(&self, seq: i64, outcome: Outcome) -> Accepted {
        let row = &self.deliveries[&seq];
        Accepted {
            outcome,
            delivery: row.id.clone(),
            correlation_id: row.facts.correlation_id.clone(),
            status: self.shown(row),
            reason: row.reason.clone(),
            event_id: self.event_of(row),
        }
    }

    fn top_of(&self, subject: &SubjectKey) -> Option<Top> {
        self.subjects.get(subject).map(|s| s.top)
    }

    /// Puts a row that says something back into the queue of its room.
    fn pend(&mut self, seq: i64, now: Moment) {
        let Some(row) = self.deliveries.get_mut(&seq) else { return };
        row.status = Status::Pending;
        row.reason = None;
        row.expires_at = None;
        let Some(saying) = &row.saying else { return };
        let (subject, top, room) = (saying.subject, saying.top, saying.room.clone());
        self.raise(&subject, top);
        let room = self.room(&room);
        room.pending.insert(seq);
        if room.open.is_none() && room.hold.is_none() {
            room.due = room.due.min(now);
        }
    }

    fn raise(&mut self, subject: &SubjectKey, top: Top) {
        if let Some(known) = self.subjects.get_mut(subject) {
            known.top = known.top.max(top);
        }
    }

    fn finish(&mut self, seq: i64, status: Status, now: Moment) {
        if let Some(row) = self.deliveries.get_mut(&seq) {
            row.status = status;
            row.expires_at = Some(rules::expiry(row.received_at, now, row.event_time, row.keep));
        }
    }
}
