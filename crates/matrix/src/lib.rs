#![doc = include_str!("../README.md")]

mod address;
mod answer;
mod client;
mod failure;
mod history;
mod options;
mod path;
mod retry_after;
mod tail;
mod token;
mod transport;

pub use address::AddressError;
pub use client::{Client, EventId, Whoami};
pub use failure::{Failure, FailureKind};
pub use history::{Written, WrittenPage};
pub use options::{Options, OptionsError};
pub use retry_after::LONGEST_WAIT;
pub use tail::{Tail, TailQuery};
pub use token::{Token, TokenError};
