//! Bodies of any shape: an operator says by JSON pointers where the fields of our own format are.

use std::borrow::Cow;

use meshhook_model::{Attempt, Details, Timestamp};

use super::standard::{self, Dialect, Fields, Names};
use crate::draft::Found;
use crate::provider::RUNS;
use crate::times::java;
use crate::tree::Node;
use crate::words::Words;
use crate::{Provider, Reading, provider};

/// Every scheme: who sends such bodies is not known here.
pub(crate) static PROVIDER: Provider = Provider {
    name: "generic",
    schemes: provider::ANY,
    default_scheme: None,
    units: RUNS,
    forks_untold: &[],
    event_header: None,
    fits: |_| false,
    newest: |_| None,
    read: |_, _| Found::unreadable(crate::Unreadable::UnknownShape, Details::default()),
};

/// Where one field's value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The first of these JSON pointers (RFC 6901) at which something is.
    Pointers(Vec<Pointer>),
    /// Always this text.
    Constant(String),
}

/// A JSON pointer (RFC 6901): `/build/steps/0/name`, with `~1` for a slash in a key and `~0` for a tilde.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    written: String,
    keys: Vec<String>,
}

impl Pointer {
    /// Reads a pointer; `None` of what neither is empty nor begins with a slash, or has a `~` before anything else.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let keys = match text {
            "" => Some(Vec::new()),
            text => text.strip_prefix('/')?.split('/').map(key).collect(),
        };
        Some(Self { written: text.to_owned(), keys: keys? })
    }

    /// The pointer as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    fn of<'b>(&self, body: Node<'b>) -> Node<'b> {
        self.keys.iter().fold(body, |node, key| node.at(key))
    }
}

fn key(written: &str) -> Option<String> {
    let escapes = written.matches('~').count();
    let known = written.matches("~0").count() + written.matches("~1").count();
    (escapes == known).then(|| written.replace("~1", "/").replace("~0", "~"))
}

/// Where the fields of the vocabulary are in the bodies of one sender.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FieldMap(Vec<Mapped>);

#[derive(Debug, Clone, PartialEq)]
struct Mapped {
    field: &'static str,
    origin: Origin,
}

impl FieldMap {
    /// The fields that can be mapped: those of our own format. The first three have to be.
    pub const FIELDS: &'static [&'static str] = standard::FIELDS;

    /// How many of [`Self::FIELDS`] a map cannot do without.
    pub const REQUIRED: usize = 3;

    /// Maps a field; `false` of one that is not among [`Self::FIELDS`].
    pub fn set(&mut self, field: &str, origin: Origin) -> bool {
        let Some(field) = Self::FIELDS.iter().find(|known| **known == field) else { return false };
        self.0.retain(|mapped| mapped.field != *field);
        self.0.push(Mapped { field, origin });
        true
    }

    /// The fields that are mapped, with their origins.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &Origin)> {
        self.0.iter().map(|mapped| (mapped.field, &mapped.origin))
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn value<'b>(&'b self, field: &str, body: Node<'b>) -> Option<Node<'b>> {
        match &self.0.iter().find(|mapped| mapped.field == field)?.origin {
            Origin::Constant(text) => Some(Node::Text(text)),
            Origin::Pointers(pointers) => {
                pointers.iter().map(|pointer| pointer.of(body)).find(|node| !node.is_missing())
            }
        }
    }

    pub(crate) fn reading(&self, body: Node<'_>, words: &Words) -> Reading {
        let fields = Fields { body, dialect: self };
        Reading { newest: newest(&fields), meaning: fields.read(words).judged(&Words::default()) }
    }
}

/// Systems that have the fields write them in many ways: numbers as texts, and texts as numbers.
impl Dialect for FieldMap {
    const OWN_WORDS: bool = false;
    const WORD: &'static str = "a word of the table of states, or one of queued, running, succeeded, failed";
    const TIME: &'static str = "an RFC 3339 time, or seconds or milliseconds since 1970";

    fn find<'b>(&'b self, body: Node<'b>, names: Names) -> Option<(&'static str, Node<'b>)> {
        self.value(names[0], body).map(|node| (names[0], node))
    }

    fn string(node: Node<'_>) -> Option<Cow<'_, str>> {
        node.str().map(Cow::Borrowed).or_else(|| node.scalar().map(Cow::Owned))
    }

    fn time(node: Node<'_>) -> Option<Timestamp> {
        node.time().or_else(|| node.unix_time()).or_else(|| java(node.str()?))
    }

    fn attempt(node: Node<'_>) -> Option<Attempt> {
        node.attempt().or_else(|| node.str()?.parse().ok().and_then(Attempt::new))
    }
}

/// The newest of the times that are mapped: the operator knows who writes them.
fn newest(fields: &Fields<'_, FieldMap>) -> Option<Timestamp> {
    [standard::STARTED_AT, standard::FINISHED_AT].into_iter().filter_map(|names| fields.instant(names)).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_read_as_the_rfc_has_them() {
        let tree = crate::json::parse(r#"{"a/b": {"m~n": [1, {"": "x"}]}, "": 2}"#).unwrap();
        let body = tree.root();
        let at = |pointer: &str| Pointer::new(pointer).map(|pointer| pointer.of(body).id());
        assert_eq!(at("/a~1b/m~0n/1/"), Some(Some("x".to_owned())));
        assert_eq!(at("/a~1b/m~0n/0"), Some(Some("1".to_owned())));
        assert_eq!(at("/"), Some(Some("2".to_owned())));
        assert_eq!(at("/a~1b/m~0n/01"), Some(None));
        assert_eq!(at("/a~1b/m~0n/-"), Some(None));
        assert_eq!(at("/missing/deeper"), Some(None));
        assert!(Pointer::new("").unwrap().of(body).is_object());
        for wrong in ["a", "#/a", "/a~", "/~2", "/~~0"] {
            assert_eq!(Pointer::new(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_fields_of_the_format_are_mapped() {
        let mut map = FieldMap::default();
        assert!(map.set("workflow", Origin::Constant("w".into())));
        assert!(!map.set("workflows", Origin::Constant("w".into())));
        assert!(FieldMap::FIELDS[..FieldMap::REQUIRED] == ["workflow", "state", "run_id"]);
    }
}
