//! Words that no system has.

use meshhook_model::State;
use meshhook_normalize::{Meaning, Provider};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::{json_of, meaning, rows_of};

/// What is changed in Buildkite's rows and is no word for a state.
const NO_WORDS: [&str; 2] = ["/build/blocked", "/detail/job/type"];

/// The bodies and pointers at which there is a word for a state, each with all its known words.
fn places(provider: &str) -> Vec<(String, String, Vec<String>)> {
    let mut places: Vec<(String, String, Vec<String>)> = Vec::new();
    for row in rows_of(&format!("{provider}/words.tsv")) {
        let changes: Map<String, Value> = serde_json::from_str(&row[1]).unwrap();
        let mut changes = changes.into_iter();
        let (Some((pointer, Value::String(word))), None) = (changes.next(), changes.next()) else { continue };
        if NO_WORDS.contains(&&*pointer) {
            continue;
        }
        match places.iter_mut().find(|place| place.0 == row[0] && place.1 == pointer) {
            Some(place) => place.2.push(word.to_lowercase()),
            None => places.push((row[0].clone(), pointer, vec![word.to_lowercase()])),
        }
    }
    assert!(!places.is_empty(), "{provider} has no place for a word");
    places
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// No blank one, which is as good as none: Harness then has the event's name. Our own format takes every spelling.
    #[test]
    fn no_other_word_is_a_success(word in "[ -~]{0,11}[!-~]") {
        for provider in Provider::ALL.iter().filter(|provider| provider.name() != "standard") {
            let name = provider.name();
            for (file, pointer, known) in places(name) {
                if known.contains(&word.to_lowercase()) {
                    continue;
                }
                let mut body = json_of(&format!("{name}/{file}"));
                *body.pointer_mut(&pointer).unwrap() = json!(word);
                let meaning = meaning(provider, &body);
                let success = matches!(&meaning, Meaning::Event(event) if event.status.state == State::Succeeded);
                prop_assert!(!success, "{} {} {:?}", file, pointer, word);
            }
        }
    }
}
