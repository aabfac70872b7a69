//! A body's JSON as a tree that borrows from its text.

use std::borrow::Cow;
use std::fmt;

use meshhook_model::{Attempt, RunUrl, Text, Timestamp};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::BodyError;

const MAX_DEPTH: u8 = 100;

/// One value for each sixteen bytes of the largest body that is let in: reports have far fewer, `[0,0,0,…]` would
/// need sixteen times its own size as a tree.
const MAX_VALUES: u32 = 1 << 18;

/// One JSON value. Of a key that occurs twice the later value counts, as in nearly every other reader.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node<'a> {
    Null,
    Text(Cow<'a, str>),
    Integer(u64),
    Negative(i64),
    List(Vec<Node<'a>>),
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
    Bool(bool),
    /// A number that is no 64-bit integer: nothing that is read has this kind, and an id that went through a float
    /// would be another run's.
    Other,
}

static MISSING: Node<'static> = Node::Null;

impl<'a> Node<'a> {
    /// The value of a key; null where there is none.
    pub(crate) fn get(&self, key: &str) -> &Node<'a> {
        self.field(key).unwrap_or(&MISSING)
    }

    /// The value of a key or, in a list, at an index as a JSON pointer writes it; null where there is none.
    pub(crate) fn at(&self, key: &str) -> &Node<'a> {
        let index = || key.parse::<usize>().ok().filter(|index| index.to_string() == key);
        match self {
            Self::List(items) => index().and_then(|index| items.get(index)).unwrap_or(&MISSING),
            _ => self.get(key),
        }
    }

    /// Whether there is such a key, be its value null.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.field(key).is_some()
    }

    fn field(&self, key: &str) -> Option<&Node<'a>> {
        let fields = self.fields();
        #[cfg(debug_assertions)]
        work::compared(fields.len());
        fields.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The keys and values of an object; none of anything else.
    pub(crate) fn fields(&self) -> &[(Cow<'a, str>, Node<'a>)] {
        if let Self::Object(fields) = self { fields } else { &[] }
    }

    /// The values of a list; none of anything else.
    pub(crate) fn items(&self) -> &[Node<'a>] {
        if let Self::List(items) = self { items } else { &[] }
    }

    /// The value at a place within this one: of each level the how-manieth.
    pub(crate) fn place(&mut self, path: &[usize]) -> Option<&mut Node<'a>> {
        let Some((first, rest)) = path.split_first() else { return Some(self) };
        match self {
            Self::Object(fields) => fields.get_mut(*first)?.1.place(rest),
            Self::List(items) => items.get_mut(*first)?.place(rest),
            _ => None,
        }
    }

    pub(crate) fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// Absent, null and a string with nothing to see all mean that the sender does not know.
    pub(crate) fn is_missing(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => Text::new(text).is_none(),
            _ => false,
        }
    }

    /// A string that is not missing, as sent.
    pub(crate) fn str(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !self.is_missing() => Some(text),
            _ => None,
        }
    }

    /// An id as sent: a string, or an integer in decimal.
    pub(crate) fn id(&self) -> Option<String> {
        match self {
            Self::Integer(number) => Some(number.to_string()),
            Self::Negative(number) => Some(number.to_string()),
            _ => self.str().map(str::to_owned),
        }
    }

    /// A string, an integer or a truth value, as JSON writes it.
    pub(crate) fn scalar(&self) -> Option<String> {
        if let Self::Bool(truth) = self { Some(truth.to_string()) } else { self.id() }
    }

    pub(crate) fn text(&self) -> Option<Text> {
        Text::new(self.str()?)
    }

    /// What is read first of a text of several lines, such as a commit's message.
    pub(crate) fn first_line(&self) -> Option<Text> {
        self.str()?.trim().lines().next().and_then(Text::new)
    }

    pub(crate) fn link(&self) -> Option<RunUrl> {
        RunUrl::new(self.str()?)
    }

    pub(crate) fn time(&self) -> Option<Timestamp> {
        Timestamp::parse_rfc3339(self.str()?)
    }

    /// Seconds or, where that would be after the year 5138, milliseconds since the epoch, also as a string; zero is no
    /// time.
    pub(crate) fn unix_time(&self) -> Option<Timestamp> {
        let number = self.id()?.parse().ok().filter(|number| *number > 0)?;
        Timestamp::from_unix(if number < 100_000_000_000 { number } else { number / 1000 })
    }

    /// A number that is whole and not negative.
    pub(crate) fn number(&self) -> Option<u64> {
        if let Self::Integer(number) = *self { Some(number) } else { None }
    }

    pub(crate) fn attempt(&self) -> Option<Attempt> {
        self.number().and_then(Attempt::new)
    }

    /// A truth value; what only looks like one, such as `"true"`, is none.
    pub(crate) fn flag(&self) -> Option<bool> {
        if let Self::Bool(flag) = *self { Some(flag) } else { None }
    }

    /// An id as it is shown.
    pub(crate) fn id_text(&self) -> Option<Text> {
        Text::new(&self.id()?)
    }

    /// A number of seconds since 1970; zero means unknown, as every zero time does.
    pub(crate) fn unix_seconds(&self) -> Option<Timestamp> {
        let seconds = i64::try_from(self.number()?).ok()?;
        Timestamp::from_unix(seconds).filter(|_| seconds > 0)
    }

    /// A number of milliseconds since 1970; zero means unknown.
    pub(crate) fn unix_millis(&self) -> Option<Timestamp> {
        let seconds = i64::try_from(self.number()? / 1000).ok()?;
        Timestamp::from_unix(seconds).filter(|_| seconds > 0)
    }
}

/// What a reader spends on a body, in debug builds: a key is found by looking at all of an object's, so whoever asks
/// the same of a large object for each item of a long list would take minutes over one body.
#[cfg(debug_assertions)]
pub(crate) mod work {
    use std::cell::Cell;

    use super::Node;

    thread_local! {
        static COMPARED: Cell<usize> = const { Cell::new(0) };
    }

    /// How many keys a reader may look at for each value of a body, and for any body.
    const FOR_EACH: usize = 500;
    const AT_LEAST: usize = 1 << 16;

    pub(super) fn compared(keys: usize) {
        COMPARED.set(COMPARED.get().saturating_add(keys));
    }

    /// Runs a reader, and panics if it takes more than a body's size allows.
    pub(crate) fn bounded<T>(root: &Node<'_>, read: impl FnOnce() -> T) -> T {
        let before = COMPARED.get();
        let result = read();
        let spent = COMPARED.get().saturating_sub(before);
        let values = count(root);
        assert!(spent <= AT_LEAST + FOR_EACH * values, "{spent} keys were looked at for {values} values");
        result
    }

    fn count(node: &Node<'_>) -> usize {
        let inner = node.fields().iter().map(|(_, value)| value).chain(node.items());
        1 + inner.map(count).sum::<usize>()
    }
}

/// The first of several fields that can be read.
pub(crate) fn first<'b, 'a, T, const N: usize>(
    fields: [&'b Node<'a>; N],
    read: fn(&'b Node<'a>) -> Option<T>,
) -> Option<T> {
    fields.into_iter().find_map(read)
}

/// Parses one JSON value with nothing after it.
pub(crate) fn parse(text: &str) -> Result<Node<'_>, BodyError> {
    let mut limits = Limits { values: MAX_VALUES, broken: None };
    let mut json = serde_json::Deserializer::from_str(text);
    let root = Seed { limits: &mut limits, depth: MAX_DEPTH }.deserialize(&mut json);
    let root = root.map_err(|_| limits.broken.unwrap_or(BodyError::NotJson))?;
    json.end().map_err(|_| BodyError::NotJson)?;
    Ok(root)
}

struct Limits {
    values: u32,
    broken: Option<BodyError>,
}

impl Limits {
    fn break_with<T, E: Error>(&mut self, why: BodyError) -> Result<T, E> {
        self.broken = Some(why);
        Err(E::custom(why))
    }
}

/// Reads one value, at most `depth` levels deep.
struct Seed<'l> {
    limits: &'l mut Limits,
    depth: u8,
}

impl Seed<'_> {
    /// A seed for a value within this one.
    fn inner<E: Error>(&mut self) -> Result<Seed<'_>, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Seed { limits: self.limits, depth }),
            None => self.limits.break_with(BodyError::TooDeep),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node<'de>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Node<'de>, D::Error> {
        match self.limits.values.checked_sub(1) {
            Some(left) => self.limits.values = left,
            None => return self.limits.break_with(BodyError::TooManyValues),
        }
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Node<'de>, E> {
        Ok(Node::Bool(truth))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node<'de>, E> {
        Ok(Node::Other)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node<'de>, E> {
        Ok(Node::Integer(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node<'de>, E> {
        Ok(Node::Negative(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Node<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(self.inner()?)? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<Node<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(key) = object.next_key_seed(Key)? {
            fields.push((key, object.next_value_seed(self.inner()?)?));
        }
        Ok(Node::Object(fields))
    }
}

/// Reads a key without a copy where it has no escapes.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Cow<'de, str>, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_never_rounded() {
        let root = parse(
            r#"{"a": 18446744073709551615, "b": -9007199254740993, "c": 1.0, "d": 18446744073709551616}"#,
        );
        let root = root.unwrap();
        assert_eq!(root.get("a").id().as_deref(), Some("18446744073709551615"));
        assert_eq!(root.get("b").id().as_deref(), Some("-9007199254740993"));
        assert_eq!((root.get("c").id(), root.get("d").id()), (None, None));
    }

    #[test]
    fn absent_null_and_blank_are_missing() {
        let root = parse(r#"{"null": null, "empty": "", "blank": " \u200b", "zero": 0}"#).unwrap();
        for key in ["absent", "null", "empty", "blank"] {
            assert!(root.get(key).is_missing() && root.get(key).id().is_none(), "{key}");
            assert!(root.get(key).get("inner").is_missing(), "{key}");
        }
        assert!(!root.get("zero").is_missing());
        assert!(root.has("null") && !root.has("absent"));
    }

    #[test]
    fn only_a_truth_value_is_true() {
        let root = parse(r#"{"yes": true, "no": false, "word": "true", "one": 1}"#).unwrap();
        assert_eq!((root.get("yes").flag(), root.get("no").flag()), (Some(true), Some(false)));
        assert!(["word", "one", "absent"].iter().all(|key| root.get(key).flag().is_none()));
        assert!(!root.get("no").is_missing());
    }

    #[test]
    fn numbers_that_are_times_are_never_zero_and_never_too_large() {
        let root = parse(
            r#"{"s": 1777888330, "ms": 1777888330999, "zero": 0, "some": 999, "most": 18446744073709551615}"#,
        )
        .unwrap();
        assert_eq!(root.get("s").unix_seconds().unwrap().to_string(), "2026-05-04T09:52:10Z");
        assert_eq!(root.get("ms").unix_millis(), root.get("s").unix_seconds());
        assert_eq!((root.get("zero").unix_seconds(), root.get("some").unix_millis()), (None, None));
        assert_eq!((root.get("most").unix_seconds(), root.get("most").unix_millis()), (None, None));
    }

    #[test]
    fn unix_times_are_read_in_either_unit() {
        let root = parse(
            r#"[1777888800, 1777888800123, "1777888800123", 0, -1, "0", "soon", 18446744073709551615]"#,
        )
        .unwrap();
        let times: Vec<_> = root.items().iter().map(|node| node.unix_time().map(Timestamp::unix)).collect();
        assert_eq!(times[..3], [Some(1_777_888_800); 3]);
        assert_eq!(times[3..], [None; 5]);
    }

    #[test]
    fn of_a_repeated_key_the_later_counts() {
        assert_eq!(parse(r#"{"a": 1, "\u0061": 2}"#).unwrap().get("a"), &Node::Integer(2));
    }

    #[test]
    fn text_without_escapes_is_not_copied() {
        let Node::Object(fields) = parse(r#"{"a": "b", "c": "\n"}"#).unwrap() else { panic!("no object") };
        assert!(matches!(fields[0], (Cow::Borrowed("a"), Node::Text(Cow::Borrowed("b")))));
        assert!(matches!(&fields[1], (Cow::Borrowed("c"), Node::Text(Cow::Owned(line))) if line == "\n"));
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(matches!(parse(&nested(100)), Ok(Node::List(_))));
        for levels in [101, 200, 100_000] {
            assert_eq!(parse(&nested(levels)), Err(BodyError::TooDeep), "{levels}");
        }
        assert_eq!(parse(&"{\"a\":".repeat(200)), Err(BodyError::TooDeep));

        let list = |values: usize| format!("[{}0]", "0,".repeat(values - 1));
        assert_eq!(parse(&list((1 << 18) - 1)).unwrap().items().len(), (1 << 18) - 1);
        assert_eq!(parse(&list(1 << 18)), Err(BodyError::TooManyValues));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in ["{", "{}{}", "{} x", "[1,]", "{'a':1}", "[NaN]", "[01]", "[\"\u{1}\"]"] {
            assert_eq!(parse(text), Err(BodyError::NotJson), "{text}");
        }
    }
}
