//! What a homeserver and its application service know of each other: one file that both have a copy of.
//!
//! (Application Service API, "Registration"; what Synapse makes of it was read in 1.163's `config/appservice.py`.)

mod compare;
mod fault;
mod make;
mod pattern;
mod reach;
mod read;
mod server_name;
mod shown;
mod url;
mod yaml;

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

pub use compare::{Difference, compare};
pub use fault::{Fault, Severity};
pub use make::{MakeError, RANDOM, Wanted};
pub use reach::Reach;
pub use read::{LONGEST, Reading};
pub use url::UrlError;

/// An application service, as the homeserver knows it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Registration {
    /// What it is called among the homeserver's application services; part of the path of a ping.
    pub id: String,
    /// Where the homeserver pushes to; `None` where it pushes nothing.
    pub url: Option<String>,
    /// What we show the homeserver.
    pub as_token: SecretString,
    /// What the homeserver shows us; see [`Self::is_hs_token`].
    pub hs_token: SecretString,
    /// The local part of its own user: `buildbot` of `@buildbot:example.org`.
    pub sender_localpart: String,
    /// Which users, aliases and rooms are its own.
    pub namespaces: Namespaces,
    /// Whether its users are held to the homeserver's rate limits. Its own user never is.
    pub rate_limited: bool,
    /// The networks that it may come from, as `192.0.2.0/24`; empty for all (Synapse's own key).
    pub ip_range_whitelist: Vec<String>,
    /// Whether it is told of typing and receipts.
    pub receive_ephemeral: bool,
    /// Whether its users' devices are its own to make (`io.element.msc4190`).
    pub msc4190: bool,
}

/// What is an application service's own, by patterns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Namespaces {
    /// Full user ids.
    pub users: Vec<Namespace>,
    /// Full room aliases.
    pub aliases: Vec<Namespace>,
    /// Room ids.
    pub rooms: Vec<Namespace>,
}

/// One pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Namespace {
    /// Whether nobody else may have what it matches.
    pub exclusive: bool,
    /// A regular expression in Python's words, matched from the start of an id and not to its end (`re.match`).
    pub regex: String,
}

impl Registration {
    /// Whether that is what the homeserver has to show, in a time that tells nothing of the token.
    ///
    /// White space around the token does not count: no header can carry it, so that Synapse sends it without.
    #[must_use]
    pub fn is_hs_token(&self, presented: &[u8]) -> bool {
        let expected = self.hs_token.expose_secret().trim();
        let is_it = Sha256::digest(presented).ct_eq(&Sha256::digest(expected));
        !expected.is_empty() && is_it.into()
    }

    /// Its own user on that homeserver.
    #[must_use]
    pub fn sender(&self, server_name: &str) -> String {
        format!("@{}:{server_name}", self.sender_localpart)
    }
}

impl Namespace {
    /// Whether an id is of this namespace; `None` where the pattern is in words of Python's that are not known here.
    #[must_use]
    pub fn matches(&self, id: &str) -> Option<bool> {
        pattern::Pattern::of(&self.regex).map(|pattern| pattern.matches(id))
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", shown::short(&self.regex), if self.exclusive { "" } else { " (not exclusive)" })
    }
}
