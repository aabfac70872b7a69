#![doc = include_str!("../README.md")]

mod names;
mod ping;
mod push;
pub mod registration;
mod shown;

pub use names::{GhostNames, display_name};
pub use ping::{Answered, Received, Verdict};
pub use push::{Event, Kind, Membership, Push};
pub use registration::Registration;
