//! Which places of a body gave which field: found by changing them one at a time, and reading again.
//!
//! So it tells what a reader does, not what it is said to do, and no reader has to keep account.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::tree::{Entry, Node, Tree};
use crate::{BodyError, Meaning, Origin, Reader, Reading, json};

/// How many values of a body are tried; real bodies have a few hundred.
const MAX_PLACES: usize = 20_000;

/// From here on a number may be a time in milliseconds.
const MILLISECONDS: u64 = 100_000_000_000;

/// The fields of a reading, and for each the JSON pointers (RFC 6901) of the values that it came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Explanation {
    pointers: BTreeMap<&'static str, Vec<String>>,
    constants: Vec<&'static str>,
}

impl Explanation {
    /// The fields of the vocabulary, in its order.
    pub const FIELDS: &'static [&'static str] = &[
        "unit",
        "workflow",
        "job",
        "state",
        "outcome",
        "branch",
        "commit",
        "run_url",
        "mesh_node_id",
        "nodes",
        "run_id",
        "attempt",
        "round",
        "repo",
        "actor",
        "title",
        "started_at",
        "finished_at",
        "correlation_id",
    ];

    /// What gave `field`, in the order of the body: a field of the vocabulary, or `event`, which is what told the kind
    /// of event.
    #[must_use]
    pub fn of(&self, field: &str) -> &[String] {
        self.pointers.get(field).map_or(&[], Vec::as_slice)
    }

    /// Whether it is the operator who says what `field` is, whatever the body.
    #[must_use]
    pub fn is_constant(&self, field: &str) -> bool {
        self.constants.contains(&field)
    }

    /// The fields that came from somewhere, with their pointers.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        self.pointers.iter().map(|(field, pointers)| (*field, pointers.as_slice()))
    }
}

impl Reader {
    /// Reads a body, and tells where each field came from. Takes a reading for each value of the body: for people.
    ///
    /// # Errors
    /// As [`Reader::read`].
    pub fn explain(
        &self,
        body: &[u8],
        event_header: Option<&str>,
    ) -> Result<(Reading, Explanation), BodyError> {
        json::read(body, |tree| self.explained(tree, event_header))
    }

    fn explained(&self, mut tree: Tree<'_>, event_header: Option<&str>) -> (Reading, Explanation) {
        let reading = self.reading(tree.root(), event_header);
        let before = fields(&reading.meaning);
        let constants = self.map().fields().filter(|(_, origin)| matches!(origin, Origin::Constant(_)));
        let constants = constants.map(|(field, _)| field).collect();
        let mut explanation = Explanation { constants, ..Explanation::default() };
        for place in places(&tree) {
            let other = changed(&tree.entries()[place.at]);
            let original = std::mem::replace(&mut tree.entries()[place.at], other);
            let after = fields(&self.reading(tree.root(), event_header).meaning);
            tree.entries()[place.at] = original;
            for field in touched(&before, &after) {
                explanation.pointers.entry(field).or_default().push(place.pointer.clone());
            }
        }
        (reading, explanation)
    }
}

/// Another value of the same kind, which no reader takes for the first.
fn changed<'a>(entry: &Entry<'a>) -> Entry<'a> {
    match entry {
        Entry::Text(text) => Entry::Text(format!("~{text}").into()),
        // One more millisecond would be the same time, since times are told to the second.
        Entry::Integer(number) if *number >= MILLISECONDS => Entry::Integer(number.wrapping_add(1000)),
        Entry::Integer(number) => Entry::Integer(number.wrapping_add(1)),
        Entry::Negative(number) => Entry::Negative(number.wrapping_add(1)),
        Entry::Bool(truth) => Entry::Bool(!truth),
        other => other.clone(),
    }
}

struct Place {
    /// Which of the tree's entries it is.
    at: usize,
    pointer: String,
}

/// Where the body has texts, integers and truth values.
fn places(tree: &Tree<'_>) -> Vec<Place> {
    let mut found = Vec::new();
    collect(tree.root(), 0, "", &mut found);
    found
}

/// Looks at a value whose entry is the `at`th, and at what is within it; tells where the next one is.
fn collect(node: Node<'_>, at: usize, pointer: &str, found: &mut Vec<Place>) -> usize {
    if node.scalar().is_some() && found.len() < MAX_PLACES {
        found.push(Place { at, pointer: pointer.to_owned() });
    }
    let mut next = at + 1;
    for (key, inner) in node.fields() {
        let key = key.replace('~', "~0").replace('/', "~1");
        next = collect(inner, next + 1, &format!("{pointer}/{key}"), found);
    }
    for (index, inner) in node.items().enumerate() {
        next = collect(inner, next, &format!("{pointer}/{index}"), found);
    }
    next
}

/// The fields that a change has touched. Where it made another event of the body, that alone.
fn touched(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<&'static str> {
    if let Some(wrong) = after.get(INVALID) {
        return Explanation::FIELDS
            .iter()
            .copied()
            .filter(|field| *field == wrong || is_the_word(field, wrong))
            .collect();
    }
    let differs = |field: &str| before.get(field) != after.get(field);
    let details: Vec<_> = Explanation::FIELDS.iter().copied().filter(|field| differs(field)).collect();
    let lost = |field: &&str| before.contains_key(*field) && !after.contains_key(*field);
    let several = details.iter().filter(|field| lost(field) && **field != "state").count() > 1;
    if differs("reading") && several { vec!["event"] } else { details }
}

/// Under this name the field that is at fault.
const INVALID: &str = "invalid";

/// The word for a state gives the outcome, too, and may stand under another name than `state`.
fn is_the_word(field: &str, wrong: &Value) -> bool {
    let of_state = !Explanation::FIELDS.iter().any(|known| known == wrong) || wrong == "state";
    of_state && matches!(field, "state" | "outcome")
}

fn fields(meaning: &Meaning) -> Map<String, Value> {
    let (reading, status) = match meaning {
        Meaning::Event(event) => ("event", serde_json::to_value(&event.status)),
        Meaning::Ignored { details, .. } => ("ignored", serde_json::to_value(details)),
        Meaning::Unreadable { details, .. } => ("unreadable", serde_json::to_value(details)),
        Meaning::Invalid { field, .. } => ("invalid", Ok(json!({ INVALID: field }))),
    };
    let mut fields = match status {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    fields.insert("reading".to_owned(), reading.into());
    fields
}
