//! A body's JSON text made a tree, within limits.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::tree::{Entry, Tree};
use crate::{BodyError, body, surrogates};

const MAX_DEPTH: u8 = 100;

/// One value for each sixteen bytes of the largest body that is let in: reports have far fewer, `[0,0,0,…]` would
/// need twelve times its own size as a tree.
const MAX_VALUES: u32 = 1 << 18;

/// Nearly every report has more bytes than that for each entry: so the list is made once, and never moved.
const BYTES_AN_ENTRY: usize = 10;

/// Reads the JSON of a body. Of text that is none it is tried once more whether half characters are all that is wrong.
pub(crate) fn read<T>(body: &[u8], read: impl FnOnce(Tree<'_>) -> T) -> Result<T, BodyError> {
    let text = body::text(body)?;
    match parse(&text) {
        Err(BodyError::NotJson) => match surrogates::mend(&text) {
            Cow::Borrowed(_) => Err(BodyError::NotJson),
            Cow::Owned(mended) => parse(&mended).map(read),
        },
        tree => tree.map(read),
    }
}

/// Parses one JSON value with nothing after it.
pub(crate) fn parse(text: &str) -> Result<Tree<'_>, BodyError> {
    let entries = Vec::with_capacity(text.len() / BYTES_AN_ENTRY);
    let mut builder = Builder { entries, values: MAX_VALUES, broken: None };
    let mut json = serde_json::Deserializer::from_str(text);
    let done = Seed { builder: &mut builder, depth: MAX_DEPTH }.deserialize(&mut json);
    done.and_then(|()| json.end()).map_err(|_| builder.broken.unwrap_or(BodyError::NotJson))?;
    Ok(Tree(builder.entries))
}

struct Builder<'a> {
    entries: Vec<Entry<'a>>,
    /// How many more values there may be.
    values: u32,
    broken: Option<BodyError>,
}

impl<'a> Builder<'a> {
    fn push<E>(&mut self, entry: Entry<'a>) -> Result<(), E> {
        self.entries.push(entry);
        Ok(())
    }

    fn break_with<T, E: Error>(&mut self, why: BodyError) -> Result<T, E> {
        self.broken = Some(why);
        Err(E::custom(why))
    }
}

/// Reads one value, at most `depth` levels deep.
struct Seed<'b, 'a> {
    builder: &'b mut Builder<'a>,
    depth: u8,
}

impl<'a> Seed<'_, 'a> {
    /// A seed for a value within this one.
    fn inner<E: Error>(&mut self) -> Result<Seed<'_, 'a>, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Seed { builder: self.builder, depth }),
            None => self.builder.break_with(BodyError::TooDeep),
        }
    }

    /// Reads what is within an object or a list, whose entry comes before it and has its length.
    fn enclose<E>(
        mut self,
        entry: fn(usize) -> Entry<'a>,
        read: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let at = self.builder.entries.len();
        self.builder.entries.push(entry(0));
        read(&mut self)?;
        let within = self.builder.entries.len() - at - 1;
        self.builder.entries[at] = entry(within);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        match self.builder.values.checked_sub(1) {
            Some(left) => self.builder.values = left,
            None => return self.builder.break_with(BodyError::TooManyValues),
        }
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.builder.push(Entry::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<(), E> {
        self.builder.push(Entry::Bool(truth))
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.builder.push(Entry::Other)
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.builder.push(Entry::Integer(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.builder.push(Entry::Negative(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<(), E> {
        self.builder.push(Entry::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.builder.push(Entry::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.enclose(Entry::List, |seed| {
            while list.next_element_seed(seed.inner()?)?.is_some() {}
            Ok(())
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        self.enclose(Entry::Object, |seed| {
            while object.next_key_seed(Key(seed.builder))?.is_some() {
                object.next_value_seed(seed.inner()?)?;
            }
            Ok(())
        })
    }
}

/// Reads a key.
struct Key<'b, 'a>(&'b mut Builder<'a>);

impl<'de> DeserializeSeed<'de> for Key<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<(), E> {
        self.0.push(Entry::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.push(Entry::Text(Cow::Owned(text.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::tree::Node;

    /// Any JSON in small: nested, empty, and with keys that come again or are escaped.
    fn texts() -> impl Strategy<Value = String> {
        let leaves = ["null", "true", "7", "-7", "0.5", r#""text""#, r#""\n""#, "[]", "{}"];
        prop::sample::select(leaves.map(str::to_owned).to_vec()).prop_recursive(4, 40, 5, |inner| {
            let key = prop::sample::select(vec!["", "a", "b", r"\u0061"]);
            let field = (key, inner.clone()).prop_map(|(key, value)| format!("\"{key}\":{value}"));
            prop_oneof![
                prop::collection::vec(inner, 0..5).prop_map(|items| format!("[{}]", items.join(","))),
                prop::collection::vec(field, 0..5).prop_map(|fields| format!("{{{}}}", fields.join(","))),
            ]
        })
    }

    fn value(node: Node<'_>) -> Value {
        match node {
            Node::Null => Value::Null,
            Node::Text(text) => text.into(),
            Node::Integer(number) => number.into(),
            Node::Negative(number) => number.into(),
            Node::Bool(truth) => truth.into(),
            Node::Other => 0.5.into(),
            Node::List(_) => node.items().map(value).collect(),
            Node::Object(_) => node.fields().map(|(key, _)| (key, value(node.get(key)))).collect(),
        }
    }

    proptest! {
        #[test]
        fn a_tree_has_what_the_text_has(text in texts()) {
            let tree = parse(&text).unwrap();
            prop_assert_eq!(value(tree.root()), serde_json::from_str::<Value>(&text).unwrap());
        }
    }

    /// `[0,0,0,…]` has an entry for each two of its bytes.
    #[test]
    fn an_entry_takes_no_more_than_its_text() {
        assert_eq!(size_of::<Entry<'_>>(), size_of::<String>());
    }

    #[test]
    fn text_without_escapes_is_not_copied() {
        let Tree(entries) = parse(r#"{"a": "b", "c": "\n"}"#).unwrap();
        let is_copied = |entry: &Entry<'_>| matches!(entry, Entry::Text(Cow::Owned(_)));
        assert_eq!(entries.iter().map(is_copied).collect::<Vec<_>>(), [false, false, false, false, true]);
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(matches!(parse(&nested(100)).unwrap().root(), Node::List(_)));
        for levels in [101, 200, 100_000] {
            assert_eq!(parse(&nested(levels)), Err(BodyError::TooDeep), "{levels}");
        }
        assert_eq!(parse(&"{\"a\":".repeat(200)), Err(BodyError::TooDeep));

        let list = |values: usize| format!("[{}0]", "0,".repeat(values - 1));
        assert_eq!(parse(&list((1 << 18) - 1)).unwrap().root().items().count(), (1 << 18) - 1);
        assert_eq!(parse(&list(1 << 18)), Err(BodyError::TooManyValues));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in ["{", "{}{}", "{} x", "[1,]", "{'a':1}", "[NaN]", "[01]", "[\"\u{1}\"]"] {
            assert_eq!(parse(text), Err(BodyError::NotJson), "{text}");
        }
    }
}
