//! A body's JSON, flat: one list of entries that borrow from its text, each object and list before what is within it.
//!
//! A tree of its own lists would cost an allocation for each of them, which is most of what reading a body takes.

use std::borrow::Cow;

use meshhook_model::{Attempt, RunUrl, Text, Timestamp};

/// A body's values and keys in their order.
#[derive(Debug, PartialEq)]
pub(crate) struct Tree<'a>(pub(crate) Vec<Entry<'a>>);

/// One value as it stands in the tree, or a key before its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Entry<'a> {
    Null,
    Text(Cow<'a, str>),
    Integer(u64),
    Negative(i64),
    Bool(bool),
    Other,
    /// How many entries behind it are within it: its values, and what is within those.
    List(usize),
    /// How many entries behind it are within it: its keys and values, in turns, and what is within those.
    Object(usize),
}

impl Entry<'_> {
    /// How many entries its value takes, with itself.
    const fn length(&self) -> usize {
        match self {
            Self::List(within) | Self::Object(within) => 1 + *within,
            _ => 1,
        }
    }
}

impl<'a> Tree<'a> {
    pub(crate) fn root(&self) -> Node<'_> {
        first_of(&self.0).map_or(Node::Null, |(root, _)| root)
    }

    /// The entries, of which any but objects, lists and keys may be changed.
    pub(crate) fn entries(&mut self) -> &mut [Entry<'a>] {
        &mut self.0
    }
}

/// One JSON value. Of a key that occurs twice the later value counts, as in nearly every other reader.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Node<'t> {
    Null,
    Text(&'t str),
    Integer(u64),
    Negative(i64),
    Bool(bool),
    /// A number that is no 64-bit integer: nothing that is read has this kind, and an id that went through a float
    /// would be another run's.
    Other,
    List(&'t [Entry<'t>]),
    Object(&'t [Entry<'t>]),
}

/// The first value of some entries, and what comes after it.
fn first_of<'t>(entries: &'t [Entry<'t>]) -> Option<(Node<'t>, &'t [Entry<'t>])> {
    let (first, rest) = entries.split_first()?;
    let node = match first {
        Entry::List(length) => {
            let (within, rest) = rest.split_at(*length);
            return Some((Node::List(within), rest));
        }
        Entry::Object(length) => {
            let (within, rest) = rest.split_at(*length);
            return Some((Node::Object(within), rest));
        }
        Entry::Null => Node::Null,
        Entry::Text(text) => Node::Text(text),
        Entry::Integer(number) => Node::Integer(*number),
        Entry::Negative(number) => Node::Negative(*number),
        Entry::Bool(truth) => Node::Bool(*truth),
        Entry::Other => Node::Other,
    };
    Some((node, rest))
}

impl<'t> Node<'t> {
    /// The value of a key; null where there is none.
    pub(crate) fn get(self, key: &str) -> Self {
        self.field(key).unwrap_or(Self::Null)
    }

    /// The value of a key or, in a list, at an index as a JSON pointer writes it; null where there is none.
    pub(crate) fn at(self, key: &str) -> Self {
        let index = || key.parse::<usize>().ok().filter(|index| index.to_string() == key);
        match self {
            Self::List(_) => index().and_then(|index| self.items().nth(index)).unwrap_or(Self::Null),
            _ => self.get(key),
        }
    }

    /// Whether there is such a key, be its value null.
    pub(crate) fn has(self, key: &str) -> bool {
        self.field(key).is_some()
    }

    /// Goes from key to key, and looks at a value only once its key was found: readers ask for dozens.
    fn field(self, key: &str) -> Option<Self> {
        #[cfg(debug_assertions)]
        work::compared(self.fields().count());
        let Self::Object(mut left) = self else { return None };
        let mut found = None;
        while let [Entry::Text(name), after @ ..] = left {
            if name == key {
                found = Some(after);
            }
            left = after.get(after.first()?.length()..)?;
        }
        first_of(found?).map(|(value, _)| value)
    }

    /// The keys and values of an object; none of anything else.
    pub(crate) fn fields(self) -> impl Iterator<Item = (&'t str, Self)> {
        let mut left = if let Self::Object(within) = self { within } else { &[] };
        std::iter::from_fn(move || {
            let (key, rest) = first_of(left)?;
            let (value, rest) = first_of(rest)?;
            left = rest;
            if let Self::Text(key) = key { Some((key, value)) } else { None }
        })
    }

    /// The values of a list; none of anything else.
    pub(crate) fn items(self) -> impl Iterator<Item = Self> + Clone {
        let mut left = if let Self::List(within) = self { within } else { &[] };
        std::iter::from_fn(move || {
            let (item, rest) = first_of(left)?;
            left = rest;
            Some(item)
        })
    }

    pub(crate) fn is_object(self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// Absent, null and a string with nothing to see all mean that the sender does not know.
    pub(crate) fn is_missing(self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => !Text::shows(text),
            _ => false,
        }
    }

    /// A string that is not missing, as sent.
    pub(crate) fn str(self) -> Option<&'t str> {
        if let Self::Text(text) = self { Some(text).filter(|text| Text::shows(text)) } else { None }
    }

    /// An id as sent: a string, or an integer in decimal.
    pub(crate) fn id(self) -> Option<String> {
        match self {
            Self::Integer(number) => Some(number.to_string()),
            Self::Negative(number) => Some(number.to_string()),
            _ => self.str().map(str::to_owned),
        }
    }

    /// A string, an integer or a truth value, as JSON writes it.
    pub(crate) fn scalar(self) -> Option<String> {
        if let Self::Bool(truth) = self { Some(truth.to_string()) } else { self.id() }
    }

    pub(crate) fn text(self) -> Option<Text> {
        Text::new(self.str()?)
    }

    /// What is read first of a text of several lines, such as a commit's message.
    pub(crate) fn first_line(self) -> Option<Text> {
        self.str()?.trim().lines().next().and_then(Text::new)
    }

    pub(crate) fn link(self) -> Option<RunUrl> {
        RunUrl::new(self.str()?)
    }

    pub(crate) fn time(self) -> Option<Timestamp> {
        Timestamp::parse_rfc3339(self.str()?)
    }

    /// Seconds or, where that would be after the year 5138, milliseconds since the epoch, also as a string; zero is no
    /// time.
    pub(crate) fn unix_time(self) -> Option<Timestamp> {
        let number = self.id()?.parse().ok().filter(|number| *number > 0)?;
        Timestamp::from_unix(if number < 100_000_000_000 { number } else { number / 1000 })
    }

    /// A number that is whole and not negative.
    pub(crate) fn number(self) -> Option<u64> {
        if let Self::Integer(number) = self { Some(number) } else { None }
    }

    pub(crate) fn attempt(self) -> Option<Attempt> {
        self.number().and_then(Attempt::new)
    }

    /// A truth value; what only looks like one, such as `"true"`, is none.
    pub(crate) fn flag(self) -> Option<bool> {
        if let Self::Bool(flag) = self { Some(flag) } else { None }
    }

    /// An id as it is shown.
    pub(crate) fn id_text(self) -> Option<Text> {
        Text::new(&self.id()?)
    }

    /// A number of seconds since 1970; zero means unknown, as every zero time does.
    pub(crate) fn unix_seconds(self) -> Option<Timestamp> {
        let seconds = i64::try_from(self.number()?).ok()?;
        Timestamp::from_unix(seconds).filter(|_| seconds > 0)
    }

    /// A number of milliseconds since 1970; zero means unknown.
    pub(crate) fn unix_millis(self) -> Option<Timestamp> {
        let seconds = i64::try_from(self.number()? / 1000).ok()?;
        Timestamp::from_unix(seconds).filter(|_| seconds > 0)
    }
}

/// What a reader spends on a body, in debug builds: a key is found by looking at all of an object's, so whoever asks
/// the same of a large object for each item of a long list would take minutes over one body.
#[cfg(debug_assertions)]
pub(crate) mod work {
    use std::cell::Cell;

    use super::Tree;

    thread_local! {
        static COMPARED: Cell<usize> = const { Cell::new(0) };
    }

    /// How many keys a reader may look at for each entry of a body, and for any body.
    const FOR_EACH: usize = 250;
    const AT_LEAST: usize = 1 << 16;

    pub(super) fn compared(keys: usize) {
        COMPARED.set(COMPARED.get().saturating_add(keys));
    }

    /// Runs a reader, and panics if it takes more than a body's size allows.
    pub(crate) fn bounded<T>(tree: &Tree<'_>, read: impl FnOnce() -> T) -> T {
        let before = COMPARED.get();
        let result = read();
        let spent = COMPARED.get().saturating_sub(before);
        let entries = tree.0.len();
        assert!(spent <= AT_LEAST + FOR_EACH * entries, "{spent} keys were looked at for {entries} entries");
        result
    }
}

/// The first of several fields that can be read.
pub(crate) fn first<'t, T, const N: usize>(
    fields: [Node<'t>; N],
    read: fn(Node<'t>) -> Option<T>,
) -> Option<T> {
    fields.into_iter().find_map(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    #[test]
    fn numbers_are_never_rounded() {
        let tree = parse(
            r#"{"a": 18446744073709551615, "b": -9007199254740993, "c": 1.0, "d": 18446744073709551616}"#,
        );
        let tree = tree.unwrap();
        let root = tree.root();
        assert_eq!(root.get("a").id().as_deref(), Some("18446744073709551615"));
        assert_eq!(root.get("b").id().as_deref(), Some("-9007199254740993"));
        assert_eq!((root.get("c").id(), root.get("d").id()), (None, None));
    }

    #[test]
    fn absent_null_and_blank_are_missing() {
        let tree = parse(r#"{"null": null, "empty": "", "blank": " \u200b", "zero": 0}"#).unwrap();
        let root = tree.root();
        for key in ["absent", "null", "empty", "blank"] {
            assert!(root.get(key).is_missing() && root.get(key).id().is_none(), "{key}");
            assert!(root.get(key).get("inner").is_missing(), "{key}");
        }
        assert!(!root.get("zero").is_missing());
        assert!(root.has("null") && !root.has("absent"));
    }

    #[test]
    fn only_a_truth_value_is_true() {
        let tree = parse(r#"{"yes": true, "no": false, "word": "true", "one": 1}"#).unwrap();
        let root = tree.root();
        assert_eq!((root.get("yes").flag(), root.get("no").flag()), (Some(true), Some(false)));
        assert!(["word", "one", "absent"].iter().all(|key| root.get(key).flag().is_none()));
        assert!(!root.get("no").is_missing());
    }

    #[test]
    fn numbers_that_are_times_are_never_zero_and_never_too_large() {
        let tree = parse(
            r#"{"s": 1777888330, "ms": 1777888330999, "zero": 0, "some": 999, "most": 18446744073709551615}"#,
        )
        .unwrap();
        let root = tree.root();
        assert_eq!(root.get("s").unix_seconds().unwrap().to_string(), "2026-05-04T09:52:10Z");
        assert_eq!(root.get("ms").unix_millis(), root.get("s").unix_seconds());
        assert_eq!((root.get("zero").unix_seconds(), root.get("some").unix_millis()), (None, None));
        assert_eq!((root.get("most").unix_seconds(), root.get("most").unix_millis()), (None, None));
    }

    #[test]
    fn unix_times_are_read_in_either_unit() {
        let tree = parse(
            r#"[1777888800, 1777888800123, "1777888800123", 0, -1, "0", "soon", 18446744073709551615]"#,
        )
        .unwrap();
        let root = tree.root();
        let times: Vec<_> = root.items().map(|node| node.unix_time().map(Timestamp::unix)).collect();
        assert_eq!(times[..3], [Some(1_777_888_800); 3]);
        assert_eq!(times[3..], [None; 5]);
    }

    #[test]
    fn of_a_repeated_key_the_later_counts() {
        assert_eq!(parse(r#"{"a": 1, "\u0061": 2}"#).unwrap().root().get("a"), Node::Integer(2));
    }
}
