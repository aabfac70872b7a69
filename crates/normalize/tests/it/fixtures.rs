//! Our fixtures, each with its whole reading; a provider's folder is all that its tests need.
//!
//! `words.tsv` beside the bodies has every word for a state: a body, what is changed in it (JSON pointers and values), and how it is
//! read. `events.tsv` has the value of the event header of
//! the bodies whose names begin with a word, where that is not the word itself.

use meshhook_model::State;
use meshhook_normalize::{Meaning, Provider, Unreadable, guess, read};
use serde_json::{Map, Value};

use crate::support::{bodies, fixture, json_of, meaning, rows_of, shown};

/// The value of the event header of a fixture, told by the first word of its name after its place in a sequence.
fn event_of(provider: &'static Provider, name: &str) -> Option<String> {
    provider.event_header()?;
    let file = name.rsplit('/').next()?.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
    let word = file.split(['-', '.']).next()?;
    let named = rows_of(&format!("{}/events.tsv", provider.name()));
    let header = named.iter().find(|row| row[0] == word).map_or(word, |row| &row[1]);
    (header != "none").then(|| header.to_owned())
}

fn readings(provider: &'static Provider, folder: &str) -> Value {
    let read = |name: String| {
        let reading = read(provider, fixture(&name).as_bytes(), event_of(provider, &name).as_deref());
        (name, shown(&reading))
    };
    Value::Object(bodies(folder).into_iter().map(read).collect::<Map<_, _>>())
}

#[test]
fn every_body_has_its_reading() {
    for provider in Provider::ALL {
        insta::assert_json_snapshot!(provider.name(), readings(provider, provider.name()));
    }
}

#[test]
fn three_machines() {
    let github = Provider::by_name("github").unwrap();
    insta::assert_json_snapshot!("three_machines", readings(github, "github/three-machines"));
}

/// A row of `words.tsv`: body, changes, reading, state or reason, outcome.
fn changed(provider: &'static Provider, row: &[String]) -> Value {
    let mut body = json_of(&format!("{}/{}", provider.name(), row[0]));
    let changes: Map<String, Value> = serde_json::from_str(&row[1]).unwrap();
    for (pointer, value) in changes {
        let place = body.pointer_mut(&pointer);
        *place.unwrap_or_else(|| panic!("{} has no {pointer}", row[0])) = value;
    }
    body
}

#[test]
fn every_word_has_its_meaning() {
    for provider in Provider::ALL.iter().filter(|provider| provider.name() != "standard") {
        let rows = rows_of(&format!("{}/words.tsv", provider.name()));
        for row in &rows {
            let (reading, word, outcome) = match meaning(provider, &changed(provider, row)) {
                Meaning::Event(event) => ("event", event.status.state.as_str(), event.status.details.outcome),
                Meaning::Ignored { reason, details } => ("ignored", reason.as_str(), details.outcome),
                Meaning::Unreadable { reason, details } => ("unreadable", reason.as_str(), details.outcome),
                Meaning::Invalid { field, .. } => panic!("{}: invalid {field}", provider.name()),
            };
            let outcome = outcome.map(|word| word.as_str().to_owned()).unwrap_or_default();
            assert_eq!(row[2..], [reading, word, &outcome], "{}: {row:?}", provider.name());
        }
        let has = |word: &str| rows.iter().any(|row| row[3] == word);
        for needed in [State::Succeeded.as_str(), State::Failed.as_str(), Unreadable::UnknownState.as_str()] {
            assert!(has(needed), "{} has no word for {needed}", provider.name());
        }
    }
}

#[test]
fn a_build_event_has_the_shape_of_one_provider() {
    for provider in Provider::ALL {
        for name in bodies(provider.name()) {
            let body = fixture(&name);
            let event = matches!(read(provider, body.as_bytes(), None).unwrap().meaning, Meaning::Event(_));
            let guessed = guess(body.as_bytes()).unwrap().map(Provider::name);
            assert!(!event || guessed == Some(provider.name()), "{name} has the shape of {guessed:?}");
        }
    }
}

/// A header that names another event contradicts; where nothing is announced there is nothing to contradict.
#[test]
fn under_a_header_that_names_another_event_nothing_is_announced() {
    for provider in Provider::ALL.iter().filter(|provider| provider.event_header().is_some()) {
        for name in bodies(provider.name()) {
            for header in ["never heard of", ""] {
                match read(provider, fixture(&name).as_bytes(), Some(header)).unwrap().meaning {
                    Meaning::Unreadable { .. } | Meaning::Ignored { .. } => {}
                    other => panic!("{name} under {header:?}: {other:?}"),
                }
            }
            let (body, event) = (fixture(&name), event_of(provider, &name));
            let with = read(provider, body.as_bytes(), event.as_deref()).unwrap();
            assert_eq!(read(provider, body.as_bytes(), None).unwrap(), with, "{name} without a header");
        }
    }
}

#[test]
fn a_form_is_read_as_its_json() {
    let github = Provider::by_name("github").unwrap();
    let json = fixture("github/workflow_run-completed-failure.json");
    let form = fixture("github/workflow_run-completed-failure.form");
    let (json, form) = (read(github, json.as_bytes(), None), read(github, form.as_bytes(), None));
    assert_eq!(json.unwrap(), form.unwrap());
}
