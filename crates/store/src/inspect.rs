//! What people may see of a store.

use crate::{Content, Facts, MessageStatus, Moment, News, Status};

/// Which deliveries to list; an absent field matches all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// In this status.
    pub status: Option<Status>,
    /// Announcing this state.
    pub state: Option<String>,
    /// From this source.
    pub source: Option<String>,
    /// Of this run.
    pub run: Option<String>,
    /// Naming this machine.
    pub node: Option<String>,
    /// With this correlation id.
    pub correlation_id: Option<String>,
    /// Accepted before the delivery with this number.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: usize,
}

/// A delivery as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryView {
    /// Its number: the order of acceptance.
    pub seq: i64,
    /// Its id.
    pub id: String,
    /// Its key.
    pub key: crate::Key,
    /// The source.
    pub source: String,
    /// The status.
    pub status: Status,
    /// Why, where the status does not say it.
    pub reason: Option<String>,
    /// What it means to its branch, where that was asked.
    pub news: Option<News>,
    /// The round of its subject.
    pub round: Option<u64>,
    /// Where it is said.
    pub room: Option<String>,
    /// When it came first.
    pub received_at: Moment,
    /// How often it came.
    pub seen: u64,
    /// When its mark is forgotten; never, while it is owed.
    pub expires_at: Option<Moment>,
    /// The event that shows it.
    pub event_id: Option<String>,
    /// What people ask for.
    pub facts: Facts,
}

/// A PUT and its answer.
pub type AttemptView = crate::Attempt;

/// A message as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageView {
    /// Its transaction id.
    pub txn: String,
    /// The sender.
    pub sender: String,
    /// Its status.
    pub status: MessageStatus,
    /// When it was frozen.
    pub frozen_at: Moment,
    /// Its event.
    pub event_id: Option<String>,
    /// The event that it relates to.
    pub relates_to: Option<String>,
    /// Its members' ids.
    pub members: Vec<String>,
    /// The first and the last of its attempts.
    pub attempts: Vec<AttemptView>,
}

/// A delivery's whole life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// The delivery.
    pub delivery: DeliveryView,
    /// What it says, while that is kept.
    pub content: Option<Content>,
    /// The message it is or was in.
    pub message: Option<MessageView>,
}

/// A message that is in its room, as far as the store knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its number in this store.
    pub message: i64,
    /// Its event.
    pub event_id: String,
    /// Who sent it.
    pub sender: String,
    /// The keys of its members that are not forgotten.
    pub keys: Vec<crate::Key>,
}

/// What is needed to read a kept delivery again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw {
    /// The source.
    pub source: String,
    /// The bytes as they were handed in.
    pub raw: Vec<u8>,
    /// When it came.
    pub received_at: Moment,
    /// What people ask for.
    pub facts: Facts,
}

/// A room as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomView {
    /// The room.
    pub room: String,
    /// Why it is held, and since when.
    pub hold: Option<(String, Moment)>,
    /// When it is due.
    pub due: Moment,
    /// How many deliveries wait for it, up to a thousand.
    pub waiting: u64,
    /// Since when the oldest waits.
    pub oldest: Option<Moment>,
}

/// When a machine was last heard of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeView {
    /// Its name.
    pub name: String,
    /// When.
    pub last_seen: Moment,
    /// The id of the delivery that named it.
    pub delivery: String,
    /// That delivery; nothing once it is forgotten.
    pub seen_in: Option<SeenIn>,
}

/// A delivery, as far as it is told of with a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenIn {
    /// The source.
    pub source: String,
    /// The workflow.
    pub workflow: Option<String>,
    /// The state's word.
    pub state: Option<String>,
    /// The delivery's status.
    pub status: Status,
}

/// When a key last verified a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// The source.
    pub source: String,
    /// The key's label, as [`Facts::verified_by`] has it.
    pub key: String,
    /// When.
    pub last_used: Moment,
    /// The id of the delivery that holds it: of a duplicate the first one. It may be forgotten by now.
    pub delivery: String,
}

/// What is owed and what needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    /// Every room that something was accepted for.
    pub rooms: Vec<RoomView>,
    /// Parked deliveries, up to a thousand.
    pub parked: u64,
    /// Uncertain deliveries, up to a thousand.
    pub uncertain: u64,
    /// How many kept deliveries had to make room for newer ones since the store was opened.
    pub evicted: u64,
}
