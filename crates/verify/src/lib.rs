#![doc = include_str!("../README.md")]

mod headers;
mod key;
mod mac;
mod message_id;
mod refusal;
mod scheme;
mod sign;
mod timestamp;
mod verified;
mod verifier;

pub use headers::Headers;
pub use key::{Key, KeyError};
pub use refusal::Refusal;
pub use scheme::{Scheme, UnknownScheme};
pub use sign::{SignError, sign};
pub use timestamp::FRESH_SECONDS;
pub use verified::{Unverified, Verified};
pub use verifier::{Verifier, VerifierError};
