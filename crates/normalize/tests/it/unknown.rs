//! Words that nobody has documented, in every place where a word for a state stands.

use meshhook_normalize::{Meaning, Provider};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::{json_of, meaning, rows_of};

/// Providers of which every change of a row but `/action` changes such a word.
const PROVIDERS: [&str; 5] = ["azure-devops", "bitbucket", "forgejo", "gitea", "github"];

/// The places of a provider's words, each with the body that it is in, and all words that are known.
fn places_and_words(provider: &str) -> (Vec<(String, String)>, Vec<String>) {
    let rows = rows_of(&format!("{provider}/words.tsv"));
    let changes = rows.iter().map(|row| {
        let changes: Map<String, Value> = serde_json::from_str(&row[1]).unwrap();
        (row[0].clone(), changes)
    });
    let mut places = Vec::new();
    let mut words = Vec::new();
    for (body, changes) in changes {
        places.extend(changes.keys().filter(|key| *key != "/action").map(|key| (body.clone(), key.clone())));
        words.extend(changes.values().filter_map(Value::as_str).map(str::to_owned));
    }
    places.sort();
    places.dedup();
    assert!(!places.is_empty(), "{provider} has no place for a word");
    (places, words)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_other_word_is_an_event(word in "[ -~]{0,12}") {
        for name in PROVIDERS {
            let provider = Provider::by_name(name).unwrap();
            let (places, words) = places_and_words(name);
            if words.contains(&word) || word == "completed" {
                continue;
            }
            for (body, pointer) in places {
                let mut changed = json_of(&format!("{name}/{body}"));
                *changed.pointer_mut(&pointer).unwrap() = json!(word);
                // What is missing may be told by another field: of a blank status Gitea's conclusion is left.
                let blank = word.trim().is_empty();
                prop_assert!(blank || !matches!(meaning(provider, &changed), Meaning::Event(_)), "{} {}", body, pointer);
            }
        }
    }
}
