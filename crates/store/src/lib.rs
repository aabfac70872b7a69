#![doc = include_str!("../README.md")]

pub mod audit;
mod change;
#[cfg(feature = "conformance")]
pub mod conformance;
mod delivery;
mod error;
mod ghost;
mod inspect;
mod key;
mod latest;
mod memory;
mod message;
mod moment;
pub mod rules;
mod traits;

pub use audit::{Audit, Breach, Invariant};
pub use change::{Change, Ending, Last, News, Trend};
pub use delivery::{
    Accepted, Announcement, Background, BodyKey, Content, Facts, Freshness, Machine, NewDelivery, Outcome,
    Purport, Rank, Render, Status,
};
pub use error::{ActError, StoreError};
pub use ghost::{Enrolled, GhostView};
pub use inspect::{
    AttemptView, DeliveryView, Filter, KeyUse, Life, MessageView, NodeView, Raw, RoomView, Said, SeenIn,
    Totals,
};
pub use key::{BranchKey, GroupKey, Key, SubjectKey};
pub use latest::Latest;
pub use memory::MemoryStore;
pub use message::{
    Anchor, Attempt, Candidate, Draft, Frozen, Identity, Lease, Member, Message, MessageStatus, Negative,
    Pick, Pin, Queue, Refused, Take, Taken, Voice,
};
pub use moment::Moment;
pub use traits::{DedupeStore, Ghosts, Inspect, Intake, Outbox, Store, Upkeep};
