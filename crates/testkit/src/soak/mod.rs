//! Does what was answered 202 reach the room, once, whatever dies? Scenarios that make everything go wrong under load,
//! and then count in the rooms.
//!
//! A scenario starts everything it needs, ends by itself, leaves nothing running, and gives a [`Report`]: figures, of
//! which some must be 0. Tests choose small sizes, `cargo xtask soak` large ones.
//!
//! What is counted is the rooms' own: every event of the gateway names the keys of its deliveries
//! (`com.meshmac.message`), and the keys that have to be there are reckoned from what was posted, not asked of the
//! gateway.

mod aftermath;
mod build;
mod forgotten;
mod hang_up;
mod killed;
mod ledger;
mod limited;
mod load;
mod meddle;
mod report;
mod speakers;
mod stage;
mod storm;
mod us;
mod verdict;

pub use forgotten::{Forgotten, forgotten};
pub use killed::{Killed, both_killed};
pub use limited::{Limited, limited};
pub use report::Report;
pub use storm::{Storm, storm};
pub use us::Account;
