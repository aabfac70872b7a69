//! In what two copies of a registration differ.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use super::{Registration, shown};

/// One thing that two registrations do not have in common. No token is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    key: &'static str,
    message: String,
}

impl Difference {
    /// The key that differs, as `namespaces.users`.
    #[must_use]
    pub fn key(&self) -> &'static str {
        self.key
    }

    /// How it differs, in one sentence without an end.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What differs between the gateway's copy and the homeserver's; nothing, where both are the same application service.
#[must_use]
pub fn compare(ours: &Registration, theirs: &Registration) -> Vec<Difference> {
    let (spaces, other) = (&ours.namespaces, &theirs.namespaces);
    [
        differs("id", &ours.id, &theirs.id, |id| quoted(id)),
        differs("url", &url(ours), &url(theirs), |url| address(*url)),
        differs("sender_localpart", &ours.sender_localpart, &theirs.sender_localpart, |local| quoted(local)),
        differs("namespaces.users", &spaces.users, &other.users, |list| joined(list)),
        differs("namespaces.aliases", &spaces.aliases, &other.aliases, |list| joined(list)),
        differs("namespaces.rooms", &spaces.rooms, &other.rooms, |list| joined(list)),
        differs("rate_limited", &ours.rate_limited, &theirs.rate_limited, bool::to_string),
        differs("ip_range_whitelist", &ours.ip_range_whitelist, &theirs.ip_range_whitelist, |list| {
            joined(list)
        }),
        differs("receive_ephemeral", &ours.receive_ephemeral, &theirs.receive_ephemeral, bool::to_string),
        differs("io.element.msc4190", &ours.msc4190, &theirs.msc4190, bool::to_string),
    ]
    .into_iter()
    .flatten()
    .chain(tokens(ours, theirs))
    .collect()
}

fn differs<T: PartialEq>(
    key: &'static str,
    ours: &T,
    theirs: &T,
    shown: impl Fn(&T) -> String,
) -> Option<Difference> {
    let message = || format!("{key} is {} here and {} there", shown(ours), shown(theirs));
    (ours != theirs).then(|| Difference { key, message: message() })
}

fn tokens(ours: &Registration, theirs: &Registration) -> Vec<Difference> {
    let one = |key, message: &str| Difference { key, message: message.to_owned() };
    if are_one(&ours.as_token, &theirs.hs_token) && are_one(&ours.hs_token, &theirs.as_token) {
        return match are_one(&ours.as_token, &ours.hs_token) {
            true => Vec::new(),
            false => vec![one("as_token", "as_token and hs_token have changed places")],
        };
    }
    let differs = |key, ours, theirs| how(ours, theirs).map(|how| one(key, &format!("{key} differs{how}")));
    let as_token = differs("as_token", &ours.as_token, &theirs.as_token);
    as_token.into_iter().chain(differs("hs_token", &ours.hs_token, &theirs.hs_token)).collect()
}

/// How two tokens differ, without a word about what they are; `None` where they do not.
fn how(ours: &SecretString, theirs: &SecretString) -> Option<String> {
    if are_one(ours, theirs) {
        return None;
    }
    let (ours, theirs) = (ours.expose_secret(), theirs.expose_secret());
    let sizes = (ours.chars().count(), theirs.chars().count());
    Some(match sizes {
        _ if ours.trim() == theirs.trim() => " only by white space around it".to_owned(),
        (here, there) if here != there => format!(": {here} characters here, {there} there"),
        _ => String::new(),
    })
}

fn are_one(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret().as_bytes().ct_eq(other.expose_secret().as_bytes()).into()
}

/// Synapse takes slashes at the end away.
fn url(of: &Registration) -> Option<&str> {
    of.url.as_deref().map(|url| url.trim_end_matches('/'))
}

/// What may be a password in an address is not shown.
fn address(url: Option<&str>) -> String {
    match url {
        None => "null".to_owned(),
        Some(url) if url.contains('@') => "one with a user in it".to_owned(),
        Some(url) => quoted(url),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", shown::short(text))
}

fn joined(list: &[impl fmt::Display]) -> String {
    let texts: Vec<_> = list.iter().map(ToString::to_string).collect();
    if texts.is_empty() { "empty".to_owned() } else { shown::short(&texts.join(", ")) }
}
