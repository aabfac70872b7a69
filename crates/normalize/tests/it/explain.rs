//! Where the fields of a reading came from.

use std::fmt::Write;

use meshhook_model::State;
use meshhook_normalize::{Meaning, Reader, Words};

use crate::support::{fixture, github, gitlab};

fn table(reader: &Reader, name: &str) -> String {
    let (_, explanation) = reader.explain(fixture(name).as_bytes(), None).unwrap();
    explanation.fields().fold(String::new(), |mut table, (field, pointers)| {
        writeln!(table, "{field}: {}", pointers.join(" ")).unwrap();
        table
    })
}

#[test]
fn every_field_has_its_places() {
    let of_run = table(&Reader::new(github()), "github/workflow_run-completed-timed_out-fork.json");
    insta::assert_snapshot!("explain_run", of_run);
    insta::assert_snapshot!("explain_pipeline", table(&Reader::new(gitlab()), "gitlab/pipeline-failed.json"));
}

#[test]
fn explaining_reads_as_reading_does() {
    let reader = Reader::new(gitlab());
    let body = fixture("gitlab/pipeline-success-warnings.json");
    assert_eq!(reader.explain(body.as_bytes(), None).unwrap().0, reader.read(body.as_bytes(), None).unwrap());
}

/// A team for which tests that fail are a failure.
#[test]
fn an_operator_may_read_a_word_otherwise() {
    let words = Words::new(vec![("Passed with warnings".to_owned(), Some(State::Failed))]);
    let body = fixture("gitlab/pipeline-success-warnings.json");
    let state = |reader: Reader| match reader.read(body.as_bytes(), None).unwrap().meaning {
        Meaning::Event(event) => (event.status.state, event.status.details.outcome.unwrap().to_string()),
        other => panic!("{other:?}"),
    };
    let outcome = "passed with warnings".to_owned();
    assert_eq!(state(Reader::new(gitlab())), (State::Succeeded, outcome.clone()));
    assert_eq!(state(Reader::new(gitlab()).with_words(words)), (State::Failed, outcome));
}
