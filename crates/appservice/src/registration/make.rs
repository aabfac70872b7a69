//! A new registration, and the file that it is kept in.

use std::fmt::Write as _;

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use super::url::{self, UrlError};
use super::{Namespace, Namespaces, Registration, pattern, server_name};

/// How many random bytes a registration is made of: 32 for each token.
pub const RANDOM: usize = 64;
/// What a sender's id has to leave of the 255 bytes of a user id, for `_` and a machine's name.
const LEFT: usize = 65;

/// What a new registration is for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'w> {
    /// The address at which the homeserver reaches the gateway.
    pub url: &'w str,
    /// The homeserver's name, as in its users' ids.
    pub server_name: &'w str,
    /// The local part of the sender's user.
    pub localpart: &'w str,
    /// Another id than `meshhook-` and the local part.
    pub id: Option<&'w str>,
}

/// Why there is no registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum MakeError {
    /// Not an address, or none that a homeserver may push to.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// Against the grammar of server names.
    #[error("this is no homeserver's name")]
    ServerName,
    /// With a character in it that Synapse does not start with, or of no user id.
    #[error("this is no local part for a sender")]
    Localpart,
    /// No machine's name would fit into a user id beside it.
    #[error("local part and server name leave no room for a machine's name")]
    TooLong,
    /// Empty, too long, or with a character in it that does not belong into a path.
    #[error("this is no id for an application service")]
    Id,
}

impl MakeError {
    /// What to do about it.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            Self::Url(error) => error.hint(),
            Self::ServerName => {
                "write what stands behind the colon of its users' ids: example.org, without https://"
            }
            Self::Localpart => {
                "write the part between @ and colon, of a-z 0-9 . _ - and /; Synapse refuses = and +"
            }
            Self::TooLong => "take a shorter local part",
            Self::Id => "write characters of a-z A-Z 0-9 . _ and -",
        }
    }
}

impl Registration {
    /// A registration for `wanted`, whose tokens are made of `random`: of nothing else, so that has to be secret.
    ///
    /// Its only namespace is that of the machines' users. The sender needs none: Synapse takes the user of
    /// `sender_localpart` for the service's own, and keeps others from it, wherever it is (`is_interested_in_user` and
    /// `is_exclusive_user`); and what is in no namespace cannot be spoken as by mistake.
    ///
    /// # Errors
    /// What of `wanted` is not as it has to be.
    pub fn make(wanted: &Wanted<'_>, random: &[u8; RANDOM]) -> Result<Self, MakeError> {
        let id = wanted
            .id
            .map_or_else(|| format!("meshhook-{}", wanted.localpart.replace('/', "-")), str::to_owned);
        check(wanted, &id)?;
        let (as_token, hs_token) = random.split_at(RANDOM / 2);
        let ghosts = pattern::of_ghosts(wanted.localpart, wanted.server_name);
        Ok(Self {
            id,
            url: Some(wanted.url.trim_end_matches('/').to_owned()),
            as_token: hex(as_token),
            hs_token: hex(hs_token),
            sender_localpart: wanted.localpart.to_owned(),
            namespaces: Namespaces {
                users: vec![Namespace { exclusive: true, regex: ghosts }],
                ..Namespaces::default()
            },
            rate_limited: false,
            ip_range_whitelist: Vec::new(),
            receive_ephemeral: false,
            msc4190: false,
        })
    }

    /// The file's content: JSON, which is YAML, too; with the tokens.
    #[must_use]
    pub fn to_json(&self) -> SecretString {
        let file = File {
            id: &self.id,
            url: self.url.as_deref(),
            as_token: self.as_token.expose_secret(),
            hs_token: self.hs_token.expose_secret(),
            sender_localpart: &self.sender_localpart,
            namespaces: Patterns::of(&self.namespaces),
            rate_limited: self.rate_limited,
            ip_range_whitelist: &self.ip_range_whitelist,
            receive_ephemeral: self.receive_ephemeral,
            msc4190: self.msc4190,
        };
        let json = Zeroizing::new(serde_json::to_string_pretty(&file).expect("texts, lists and booleans"));
        format!("{}\n", *json).into()
    }
}

fn check(wanted: &Wanted<'_>, id: &str) -> Result<(), MakeError> {
    url::check(wanted.url)?;
    if !server_name::is_one(wanted.server_name) {
        return Err(MakeError::ServerName);
    }
    if !is_localpart(wanted.localpart) {
        return Err(MakeError::Localpart);
    }
    if wanted.localpart.len() + wanted.server_name.len() + 2 + LEFT > 255 {
        return Err(MakeError::TooLong);
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if (1..=255).contains(&id.len()) && id.bytes().all(is_plain) { Ok(()) } else { Err(MakeError::Id) }
}

/// What is both a local part (Matrix specification, "User Identifiers") and without a character that Synapse would
/// have to encode (`urlparse.quote`).
pub(super) fn is_localpart(text: &str) -> bool {
    let fits = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-' | b'/')
    };
    !text.is_empty() && text.bytes().all(fits)
}

fn hex(bytes: &[u8]) -> SecretString {
    let mut digits = Zeroizing::new(String::with_capacity(2 * bytes.len()));
    bytes.iter().for_each(|byte| write!(digits, "{byte:02x}").expect("a String takes everything"));
    digits.as_str().into()
}

/// The file's keys, in their order.
#[derive(Serialize)]
struct File<'r> {
    id: &'r str,
    url: Option<&'r str>,
    as_token: &'r str,
    hs_token: &'r str,
    sender_localpart: &'r str,
    namespaces: Patterns<'r>,
    rate_limited: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    ip_range_whitelist: &'r [String],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    receive_ephemeral: bool,
    #[serde(rename = "io.element.msc4190", skip_serializing_if = "std::ops::Not::not")]
    msc4190: bool,
}

#[derive(Serialize)]
struct Patterns<'r> {
    users: Vec<One<'r>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<One<'r>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rooms: Vec<One<'r>>,
}

#[derive(Serialize)]
struct One<'r> {
    exclusive: bool,
    regex: &'r str,
}

impl<'r> Patterns<'r> {
    fn of(namespaces: &'r Namespaces) -> Self {
        let each = |list: &'r [Namespace]| {
            list.iter().map(|one| One { exclusive: one.exclusive, regex: &one.regex }).collect()
        };
        Self {
            users: each(&namespaces.users),
            aliases: each(&namespaces.aliases),
            rooms: each(&namespaces.rooms),
        }
    }
}
