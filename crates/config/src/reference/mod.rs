//! Every key of gateway.toml: what it is, what holds where it is not written, and what it means.
//!
//! `docs/configuration.md` and `meshhook config explain` are made from the one table of this module, and a test keeps
//! it equal to what the parser knows. A key more is one line in `tables.rs`.

mod page;
mod tables;

use std::fmt;

pub(crate) use page::line;
pub use page::{block, notes, wrapped};
pub use tables::TABLES;

use crate::nearest::{is_slip, nearest};

/// A table of gateway.toml.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Table {
    /// Its path, like `source.hmac`.
    pub path: &'static str,
    /// How often it is there.
    pub form: Form,
    /// What it is about, in one line; may be empty.
    pub about: &'static str,
    /// Its keys, in the order in which they are told.
    pub keys: &'static [Key],
}

/// How often a table is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// Once, `[log]`; all of it has defaults where it is left out, or it is needed.
    Once,
    /// Once where it is wanted at all, `[source.hmac]`.
    Wanted,
    /// As often as there are such things, one at least: `[[source]]`.
    Many,
    /// As often as there are such things: `[[node]]`.
    Any,
}

/// A key of gateway.toml.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Key {
    /// Its name in its table.
    pub name: &'static str,
    /// What is to be written.
    pub kind: &'static str,
    /// What holds where it is not written.
    pub standing: Standing,
    /// What it means, in one line.
    pub about: &'static str,
    /// What else is to be known of it; may be empty.
    pub more: &'static str,
}

/// What holds where a key is not written. Values are as TOML has them.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Standing {
    /// Nothing: it is needed; with an example.
    Needed(&'static str),
    /// This value.
    Default(&'static str),
    /// What depends on other keys: an example, and on what.
    Depends(&'static str, &'static str),
    /// Nothing, and nothing is missing; with an example.
    Absent(&'static str),
    /// A table in one line, with these keys.
    Inline(&'static [Key]),
    /// Any word can be the key; with an example of one.
    Word(&'static str),
}

/// A key with its place.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Entry {
    /// The table's path and the key's name, like `source.only.forks`.
    pub path: String,
    /// The table as it is headed, like `[[source]]`.
    pub table: String,
    /// The key.
    pub key: Key,
}

impl Table {
    /// How it is headed: `[[source]]`, `[source.only]`.
    #[must_use]
    pub fn heading(&self) -> String {
        match self.form {
            Form::Many | Form::Any => format!("[[{}]]", self.path),
            Form::Once | Form::Wanted => format!("[{}]", self.path),
        }
    }
}

impl Key {
    /// Its value as an example or as it is by default, in TOML.
    #[must_use]
    pub fn example(&self) -> String {
        match self.standing {
            Standing::Needed(value)
            | Standing::Default(value)
            | Standing::Depends(value, _)
            | Standing::Absent(value)
            | Standing::Word(value) => value.to_owned(),
            Standing::Inline(keys) => {
                let parts: Vec<_> =
                    keys.iter().map(|key| format!("{} = {}", key.name, key.example())).collect();
                format!("{{ {} }}", parts.join(", "))
            }
        }
    }

    /// Whether a configuration cannot do without it, where its table is there.
    #[must_use]
    pub const fn is_needed(&self) -> bool {
        matches!(self.standing, Standing::Needed(_))
    }

    /// The value that holds where it is not written, in TOML; `None` where there is none, or it depends.
    #[must_use]
    pub fn default(&self) -> Option<String> {
        matches!(self.standing, Standing::Default(_) | Standing::Inline(_)).then(|| self.example())
    }
}

impl fmt::Display for Standing {
    /// In words, what holds where the key is not written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Needed(_) => f.pad("none: it is needed"),
            Self::Default(value) => f.pad(value),
            Self::Depends(_, on) => f.pad(on),
            Self::Absent(_) => f.pad("none"),
            Self::Inline(_) => f.pad("that of each of its keys"),
            Self::Word(_) => f.pad("as the provider reads it"),
        }
    }
}

/// Every key, in the order of the page.
#[must_use]
pub fn entries() -> Vec<Entry> {
    let mut entries = Vec::new();
    for table in TABLES {
        for key in table.keys {
            add(&mut entries, table.path, table.heading(), *key);
        }
    }
    entries
}

fn add(entries: &mut Vec<Entry>, path: &str, table: String, key: Key) {
    let path = format!("{path}.{}", key.name);
    entries.push(Entry { path: path.clone(), table, key });
    if let Standing::Inline(keys) = key.standing {
        keys.iter().for_each(|inner| add(entries, &path, format!("[{path}]"), *inner));
    }
}

/// The keys that `words` may mean: the one of that path, those of that table, or all of that name. Brackets and
/// blanks are as good as dots, so that a fault's words can be asked for.
#[must_use]
pub fn find(words: &str) -> Vec<Entry> {
    let path = words.replace(['[', ']'], " ").split_whitespace().collect::<Vec<_>>().join(".");
    let below = format!("{path}.");
    let ends = format!(".{path}");
    let mut entries = entries();
    if entries.iter().any(|entry| entry.path == path) {
        entries.retain(|entry| entry.path == path || entry.path.starts_with(&below));
    } else if entries.iter().any(|entry| entry.path.starts_with(&below)) {
        entries.retain(|entry| entry.path.starts_with(&below));
    } else {
        entries.retain(|entry| entry.path.ends_with(&ends));
    }
    entries
}

/// The path or name that someone may have meant by `words`, which [`find`] knows nothing of.
#[must_use]
pub fn meant(words: &str) -> Option<String> {
    let entries = entries();
    let names = entries.iter().map(|entry| entry.key.name);
    let known: Vec<_> = entries.iter().map(|entry| entry.path.as_str()).chain(names).collect();
    nearest(words, &known).filter(|near| is_slip(*near)).map(|(word, _)| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(words: &str) -> String {
        find(words).into_iter().map(|entry| entry.path).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_path_a_table_or_a_name_is_found() {
        assert_eq!(found("matrix.room"), "matrix.room");
        assert_eq!(found("[matrix] room"), "matrix.room");
        assert_eq!(found("room"), "matrix.room source.room route.room");
        assert_eq!(found("[[source]] only.forks"), "source.only.forks");
        assert_eq!(found("message.digest"), "message.digest message.digest.behind message.digest.max_lines");
        assert_eq!(found("[log]"), "log.format log.level");
        for nothing in ["", "rooom", ".", "om", "[]"] {
            assert_eq!(found(nothing), "", "{nothing}");
        }
    }

    #[test]
    fn a_slip_is_understood() {
        for (slip, word) in [("rooom", "room"), ("matrix.rom", "matrix.room"), ("lisen", "listen")] {
            assert_eq!(meant(slip).as_deref(), Some(word));
        }
        assert_eq!(meant("certificate-authority"), None);
    }

    #[test]
    fn no_key_is_told_twice() {
        let mut paths: Vec<_> = entries().into_iter().map(|entry| entry.path).collect();
        paths.sort();
        assert!(paths.windows(2).all(|pair| pair[0] != pair[1]), "{paths:?}");
    }
}
