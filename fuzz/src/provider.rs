//! Bodies, as each provider reads them.

use meshhook_model::State;
use meshhook_normalize::{FieldMap, Meaning, Origin, Pointer, Provider, Reader, Words, guess, read};

use crate::choice;

/// The first byte's provider reads any body; a CI system's body is never called wrong, and under a header that names no
/// event nothing is announced.
///
/// # Panics
/// Where something holds that must not.
pub fn provider(data: &[u8]) {
    let Some((first, body)) = choice(data) else { return };
    let provider = Provider::ALL[first % Provider::ALL.len()];
    let Ok(reading) = read(provider, body, None) else { return };
    let own = provider.name() == "standard";
    assert_eq!(matches!(reading.meaning, Meaning::Invalid { .. }), own && !is_event(&reading.meaning));
    if let Meaning::Event(event) = &reading.meaning {
        let identity = &event.identity;
        assert!(identity.run.as_ref().is_none_or(|run| !run.is_empty()), "an empty id");
        assert!(event.status.details.finished_at.is_none() || event.status.state.is_terminal());
        if provider.event_header().is_some() {
            let under = read(provider, body, Some("no such event")).map(|reading| reading.meaning);
            assert!(
                under.is_ok_and(|meaning| !is_event(&meaning)),
                "a header that contradicts was passed over"
            );
        }
    }
    let guessed = guess(body).expect("it could be read");
    assert!(guessed.is_none_or(|provider| provider.name() != "generic"));
}

fn is_event(meaning: &Meaning) -> bool {
    matches!(meaning, Meaning::Event(_))
}

/// A map of the fields that the first line writes as pointers, in the order of [`FieldMap::FIELDS`], reads any body.
///
/// # Panics
/// Where something holds that must not.
pub fn generic(data: &[u8]) {
    let Some(end) = data.iter().position(|byte| *byte == b'\n') else { return };
    let Ok(pointers) = std::str::from_utf8(&data[..end]) else { return };
    let mut map = FieldMap::default();
    for (field, pointer) in FieldMap::FIELDS.iter().zip(pointers.split(' ')) {
        if let Some(pointer) = Pointer::new(pointer) {
            assert_eq!(Pointer::new(pointer.as_str()).as_ref(), Some(&pointer));
            assert!(map.set(field, Origin::Pointers(vec![pointer])));
        }
    }
    let reader = Reader::mapped(map, Words::new(vec![("ok".to_owned(), Some(State::Succeeded))]));
    let Ok(reading) = reader.read(&data[end + 1..], None) else { return };
    if let Meaning::Event(event) = reading.meaning {
        assert!(event.identity.run.is_some() && event.status.details.workflow.is_some());
    }
}
