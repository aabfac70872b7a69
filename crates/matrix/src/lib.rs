#![doc = include_str!("../README.md")]

mod address;
mod answer;
mod ask;
mod client;
mod failure;
mod ghost;
mod history;
mod login;
mod membership;
mod options;
mod path;
mod ping;
mod power;
mod resolver;
mod retry_after;
mod tail;
mod tls;
mod token;
mod transport;

pub use address::{AddressError, ProxyAddress, ProxyError};
pub use client::{Client, EventId, Whoami};
pub use failure::{Failure, FailureKind};
pub use ghost::Made;
pub use history::{Written, WrittenPage};
pub use login::{LoggedIn, PasswordLogin};
pub use membership::Membership;
pub use options::{Options, OptionsError};
pub use ping::{Ping, PingFailure};
pub use power::Power;
pub use retry_after::LONGEST_WAIT;
pub use tail::{Anchor, Tail, TailQuery};
pub use tls::{Fingerprint, FingerprintError, PresentedCertificate, TlsFailure, TlsTrouble};
pub use token::{Token, TokenError};
