//! `[source.fields]` and `[source.states]`: where the fields of a body are, and what its words for a state mean.

use std::path::Path;

use meshhook_model::State;
use meshhook_normalize::{FieldMap, Origin, Pointer, Words};

use crate::document::{Section, Value, parse};
use crate::fault::{Fault, Faults, Wrong};
use crate::file::{self, Limits, OTHERS_WRITE};
use crate::value::{text, word};

const LIMITS: Limits = Limits { forbidden: OTHERS_WRITE, bytes: 64 * 1024 };

/// The word for what is not announced.
pub(crate) const IGNORED: &str = "ignored";

/// Reads a map from a file of its own: tables `[fields]` and `[states]`, as they stand below a `[[source]]`.
///
/// # Errors
/// Every fault there is.
pub fn read_field_map(file: &Path) -> Result<(FieldMap, Words), Faults> {
    let content = file::read(file, LIMITS)
        .map_err(|error| Fault::new(file, None, Wrong::new(error.to_string(), error.hint())))?;
    let (table, report) = parse(file, &content.text);
    let mut document = Section::root(&report, &table);
    let map = fields(document.section("fields"));
    let words = states(document.section("states"));
    document.finish();
    report.finish()?;
    Ok((map, words))
}

/// Reads `[source.fields]`, which names all that an event cannot do without.
pub(crate) fn fields(mut section: Section<'_>) -> FieldMap {
    let mut map = FieldMap::default();
    for field in FieldMap::FIELDS {
        if let Some(origin) = section.get(field, origin) {
            map.set(field, origin);
        }
    }
    for field in &FieldMap::FIELDS[..FieldMap::REQUIRED] {
        section.need(field, &format!("say where it is in the body, like {field} = \"/build/{field}\""));
    }
    section.finish();
    map
}

/// Reads `[source.states]`: any word, and what it means.
pub(crate) fn states(section: Section<'_>) -> Words {
    let states = State::ALL.map(|state| (state.as_str(), Some(state)));
    let known: Vec<_> = states.into_iter().chain([(IGNORED, None)]).collect();
    Words::new(section.entries(|value| word(value, &known)))
}

/// A JSON pointer, several of which the first that finds something counts, or `{ constant = "…" }`.
fn origin(value: &Value<'_>) -> Result<Origin, Wrong> {
    if let Some(table) = value.as_table() {
        let constant = table.get("constant").filter(|_| table.len() == 1);
        let constant = constant.ok_or_else(|| Wrong::new("not an origin", HINT))?;
        return Ok(Origin::Constant(text(constant.get_ref())?.to_owned()));
    }
    match value.as_array() {
        Some(list) if list.is_empty() => Err(Wrong::new("the list is empty", HINT)),
        Some(list) => {
            list.iter().map(|item| pointer(item.get_ref())).collect::<Result<_, _>>().map(Origin::Pointers)
        }
        None => Ok(Origin::Pointers(vec![pointer(value)?])),
    }
}

const HINT: &str = "write a JSON pointer like \"/build/name\", a list of them, or { constant = \"…\" }";

fn pointer(value: &Value<'_>) -> Result<Pointer, Wrong> {
    let text = text(value)?;
    let pointer = Pointer::new(text).filter(|_| !text.is_empty());
    pointer.ok_or_else(|| Wrong::new("not a JSON pointer", HINT))
}
