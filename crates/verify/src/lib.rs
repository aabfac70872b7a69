#![doc = include_str!("../README.md")]

mod date;
#[cfg(feature = "ed25519")]
mod ed25519;
mod form;
mod headers;
mod key;
mod lock;
mod mac;
mod message_id;
mod refusal;
#[cfg(feature = "rsa")]
mod rsa;
mod scheme;
mod sign;
mod tag;
mod timestamp;
mod verified;
mod verifier;

pub use headers::Headers;
pub use key::{Key, KeyError};
pub use refusal::Refusal;
pub use scheme::{
    HmacEncoding, HmacForm, HmacFormError, HmacHash, HmacSettings, HmacTimestamp, Scheme, SchemeError,
};
pub use sign::{SignError, sign};
pub use timestamp::FRESH_SECONDS;
pub use verified::{Unverified, Verified};
pub use verifier::{Verifier, VerifierError};
