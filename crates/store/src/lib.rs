#![doc = include_str!("../README.md")]

pub mod audit;
#[cfg(feature = "conformance")]
pub mod conformance;
mod delivery;
mod error;
mod inspect;
mod key;
mod memory;
mod message;
mod moment;
pub mod rules;
mod traits;

pub use audit::{Audit, Breach, Invariant};
pub use delivery::{
    Accepted, Announcement, Content, Facts, Freshness, Machine, NewDelivery, Outcome, Purport, Rank, Render,
    Status,
};
pub use error::{ActError, StoreError};
pub use inspect::{AttemptView, DeliveryView, Filter, Life, MessageView, Raw, RoomView, Said, Totals};
pub use key::{GroupKey, Key, SubjectKey};
pub use memory::MemoryStore;
pub use message::{
    Anchor, Attempt, Candidate, Draft, Frozen, Identity, Lease, Member, Message, MessageStatus, Negative,
    Pick, Pin, Queue, Refused, Take, Taken,
};
pub use moment::Moment;
pub use traits::{DedupeStore, Inspect, Intake, Outbox, Store, Upkeep};
