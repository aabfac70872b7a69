//! What differs between two configurations, without any secret.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::LazyLock;

use meshhook_appservice::Registration;
use secrecy::{ExposeSecret, SecretString};

use crate::{Config, Voice};

/// A configuration as it can be compared with a later one: the effective value of every key, and of every secret what
/// tells it from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline(BTreeMap<String, Part>);

/// A section; a source or a machine by its name, a route by its number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Part {
    values: BTreeMap<String, String>,
    secrets: BTreeMap<String, Mark>,
}

impl Part {
    /// What a registration says of itself, and what tells its tokens from others.
    fn register(&mut self, registration: &Registration) {
        let Registration { id, sender_localpart, as_token, hs_token, .. } = registration;
        for (key, value) in [("the registration's id", id), ("the registration's sender", sender_localpart)] {
            self.values.insert(key.to_owned(), value.clone());
        }
        let tokens = [as_token, hs_token].map(|token| token.expose_secret().as_bytes());
        self.secrets.insert("registration_file".to_owned(), Mark::of_content(tokens));
    }
}

/// Tells one secret from another within this process, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark(u64);

static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl Mark {
    pub(crate) fn of(secret: &SecretString) -> Self {
        Self::of_content(secret.expose_secret().as_bytes())
    }

    fn of_content(content: impl Hash) -> Self {
        Self(HASHER.hash_one(content))
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// What differs, such as `[server] path`, `[[source]] github` as a whole, or `[[source]] github: units`.
    pub what: String,
    /// How.
    pub kind: ChangeKind,
    /// Whether it counts from the next start only.
    pub needs_restart: bool,
}

/// How something differs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeKind {
    /// It was not there.
    Added,
    /// It is not there any more.
    Removed,
    /// It has another value; both as gateway.toml has them, and nothing where there is no such key.
    Value {
        /// Before.
        was: String,
        /// From now on.
        is: String,
    },
    /// A file has something else in it.
    Content,
}

impl Config {
    /// This configuration for a comparison.
    #[must_use]
    pub fn outline(&self) -> Outline {
        let mut parts = parts(&self.to_string());
        let mut note = |section: String, name: &str, mark| {
            parts.entry(section).or_default().secrets.insert(name.to_owned(), mark);
        };
        if let Some(pem) = &self.matrix.connection.ca_pem {
            note("[matrix]".to_owned(), "ca_file", Mark::of_content(pem));
        }
        for source in &self.sources {
            for (file, mark) in &source.marks {
                note(format!("[[source]] {}", source.name), file, *mark);
            }
        }
        match &self.matrix.voice {
            Voice::Bot(bot) => {
                note("[matrix]".to_owned(), "access_token_file", Mark::of(&bot.access_token));
            }
            Voice::Service(service) => {
                parts.entry("[appservice]".to_owned()).or_default().register(&service.registration);
            }
        }
        Outline(parts)
    }
}

/// The sections of a configuration that was written by us: a line for each key.
fn parts(text: &str) -> BTreeMap<String, Part> {
    let mut parts: BTreeMap<String, Part> = BTreeMap::new();
    let (mut section, mut below, mut routes) = (String::new(), String::new(), 0);
    for line in text.lines() {
        if let Some(table) = line.strip_prefix("[source.") {
            below = format!("{}.", table.trim_end_matches(']'));
        } else if line == "[[route]]" {
            routes += 1;
            (section, below) = (format!("{line} {routes}"), String::new());
        } else if line.starts_with('[') {
            (section, below) = (line.to_owned(), String::new());
        } else if let Some((key, value)) = line.split_once(" = ") {
            if key == "name" && section.starts_with("[[") {
                section = format!("{section} {}", value.trim_matches('"'));
            }
            parts.entry(section.clone()).or_default().values.insert(below.clone() + key, value.to_owned());
        }
    }
    parts
}

impl Outline {
    /// What is another in `next`, in the order of the sections' names.
    #[must_use]
    pub fn changes_to(&self, next: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        for (section, was) in &self.0 {
            match next.0.get(section) {
                Some(is) => compare(section, was, is, &mut changes),
                None => changes.push(Change::new(section.clone(), ChangeKind::Removed)),
            }
        }
        let new = next.0.keys().filter(|section| !self.0.contains_key(*section));
        changes.extend(new.map(|section| Change::new(section.clone(), ChangeKind::Added)));
        changes
    }
}

fn compare(section: &str, was: &Part, is: &Part, changes: &mut Vec<Change>) {
    let colon = if section.starts_with("[[") { ":" } else { "" };
    let mut keys: Vec<_> = was.values.keys().chain(is.values.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let value = |part: &Part| part.values.get(key).cloned().unwrap_or_default();
        let (was, is) = (value(was), value(is));
        if was != is {
            changes.push(Change {
                needs_restart: needs_restart(section, key),
                ..Change::new(format!("{section}{colon} {key}"), ChangeKind::Value { was, is })
            });
        }
    }
    for (file, mark) in &was.secrets {
        if is.secrets.get(file).is_some_and(|other| other != mark) {
            changes.push(Change {
                // The homeserver's client has it from the start; tokens are read again.
                needs_restart: section == "[matrix]" && file == "ca_file",
                ..Change::new(format!("{section}{colon} what {file} holds"), ChangeKind::Content)
            });
        }
    }
}

/// Addresses that are listened on, the store that is open, the homeserver that is talked to, and how.
fn needs_restart(section: &str, key: &str) -> bool {
    match section {
        "[server]" => matches!(key, "listen" | "admin_listen"),
        "[store]" => key != "retention",
        "[matrix]" => !matches!(key, "room" | "access_token_file" | "encrypted_room"),
        "[appservice]" => !matches!(key, "per_node_senders" | "max_ghosts"),
        _ => false,
    }
}

impl Change {
    fn new(what: String, kind: ChangeKind) -> Self {
        Self { what, kind, needs_restart: false }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, kind, .. } = self;
        let named = |value: &str| if value.is_empty() { "nothing".to_owned() } else { value.to_owned() };
        match kind {
            ChangeKind::Added => write!(f, "{what}: added"),
            ChangeKind::Removed => write!(f, "{what}: removed"),
            ChangeKind::Value { was, is } => write!(f, "{what}: {} instead of {}", named(is), named(was)),
            ChangeKind::Content => write!(f, "{what}: changed"),
        }
    }
}
