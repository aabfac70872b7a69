//! How much a program takes a second, and how fast: many requests that are all made ahead of time, over connections
//! that are kept.
//!
//! One thread, one buffer a connection, and of a request only what makes it distinct is written anew: on a machine that
//! both sides share, what the client takes is missing to the server.

mod answer;
mod connection;
mod deliveries;
mod drive;
mod figures;
mod floor;
mod journal;
mod known;
mod record;
mod schedule;
mod stored;
mod usage;
mod wakes;

pub use deliveries::{Deliveries, Target};
pub use drive::Load;
pub use figures::Figures;
pub use floor::{Floor, Synced};
pub use journal::Journal;
pub use known::{multiply, schema};
pub use record::{expire, forget_what_waits, keep_on};
pub use schedule::Pace;
pub use stored::{keys, owes, stored};
pub use usage::{Resident, cpu_time, resident};
pub use wakes::Wakes;
