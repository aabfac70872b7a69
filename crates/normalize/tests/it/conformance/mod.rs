//! Real payloads, none of them ours: each is read as its row of the index says.
//!
//! They lie beside the repository, not in it. Without them the test says so; in CI they have to be there.

mod disputed;
mod index;

use std::fs;
use std::path::Path;

use meshhook_model::{BuildStatus, Details, RunUrl, Text};
use meshhook_normalize::{Meaning, Provider, guess, read};

use disputed::DISPUTED;
use index::{Row, corpus, rows};

#[test]
fn every_payload_is_read_as_the_index_says() {
    let Some(corpus) = corpus() else { return };
    let rows = rows(&corpus);
    let mut faults = Vec::new();
    for row in &rows {
        match Provider::by_name(&row["provider"]) {
            Some(provider) => compare(row, &meaning(&corpus, provider, row), &mut faults),
            None => nobodys(&corpus, row, &mut faults),
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
    assert!(rows.len() >= 150, "the index has only {} rows", rows.len());
}

#[test]
fn what_is_disputed_is_in_the_index() {
    let Some(corpus) = corpus() else { return };
    let rows = rows(&corpus);
    for (file, column, ours, why) in DISPUTED {
        let row = rows.iter().find(|row| row["file"] == *file).unwrap_or_else(|| panic!("no row of {file}"));
        assert_ne!(row[*column], *ours, "{file}: no longer disputed ({why})");
    }
}

/// A provider that each build event of the corpus has the shape of: its own.
#[test]
fn every_build_event_has_the_shape_of_its_provider() {
    let Some(corpus) = corpus() else { return };
    let mut faults = Vec::new();
    for row in rows(&corpus).iter().filter(|row| row["reading"] == "event") {
        let guessed = guess(&fs::read(corpus.join(&row["file"])).unwrap()).unwrap().map(Provider::name);
        if guessed != Some(row["provider"].as_str()) {
            faults.push(format!("{} has the shape of {guessed:?}", row["file"]));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What no provider reads is nobody's build event.
fn nobodys(corpus: &Path, row: &Row, faults: &mut Vec<String>) {
    let body = fs::read(corpus.join(&row["file"])).unwrap();
    let guessed = guess(&body).unwrap();
    if row["reading"] != "ignored" || guessed.is_some() {
        faults.push(format!("{}: {} is no provider here, {guessed:?}", row["file"], row["provider"]));
    }
}

/// The value of the event header; `?` where nobody wrote down what it was.
fn event<'r>(provider: &'static Provider, row: &'r Row) -> Option<&'r str> {
    let (name, value) = row["event"].split_once(": ")?;
    let ours = provider.event_header().is_some_and(|header| header.eq_ignore_ascii_case(name));
    let value = value.split(" (").next()?;
    (ours && value != "?").then_some(value)
}

/// The meaning of a row's payload, which has to be the same without the header and as a form.
fn meaning(corpus: &Path, provider: &'static Provider, row: &Row) -> Meaning {
    let body = fs::read(corpus.join(&row["file"])).unwrap();
    let meaning = read(provider, &body, event(provider, row)).unwrap().meaning;
    assert_eq!(read(provider, &body, None).unwrap().meaning, meaning, "{} without header", row["file"]);
    let form: String = body.iter().map(|byte| format!("%{byte:02x}")).collect();
    let form = read(provider, format!("payload={form}").as_bytes(), None).unwrap();
    assert_eq!(form.meaning, meaning, "{} as a form", row["file"]);
    meaning
}

/// What was read for a column of the index; empty where there is nothing.
fn cell(meaning: &Meaning, column: &str) -> String {
    let (reading, state, details) = match meaning {
        Meaning::Event(event) => {
            let BuildStatus { state, details } = &event.status;
            ("event", state.as_str(), details)
        }
        Meaning::Ignored { details, .. } => ("ignored", "", details),
        Meaning::Unreadable { details, .. } => ("unreadable", "", details),
        Meaning::Invalid { .. } => panic!("a CI system's body is never invalid"),
    };
    match column {
        "reading" => reading.to_owned(),
        "state" => state.to_owned(),
        "unit" => details.unit.to_string(),
        "run_url" => {
            details.run_url.as_ref().and_then(RunUrl::link).map(ToString::to_string).unwrap_or_default()
        }
        "attempt" => details.attempt.map(|attempt| attempt.get().to_string()).unwrap_or_default(),
        column => text(details, column).map(ToString::to_string).unwrap_or_default(),
    }
}

fn text<'d>(details: &'d Details, column: &str) -> Option<&'d Text> {
    match column {
        "workflow" => details.workflow.as_ref(),
        "job" => details.job.as_ref(),
        "outcome" => details.outcome.as_ref(),
        "branch" => details.branch.as_ref(),
        "commit" => details.commit.as_ref(),
        "node" => details.mesh_node_id.as_ref(),
        "run_id" => details.run_id.as_ref(),
        "repo" => details.repo.as_ref(),
        other => panic!("no such column: {other}"),
    }
}

const COMPARED: [&str; 12] = [
    "unit", "workflow", "job", "state", "outcome", "branch", "commit", "run_url", "node", "run_id",
    "attempt", "repo",
];

/// Compares every column, the empty ones of an event too: there the payload has nothing.
fn compare(row: &Row, meaning: &Meaning, faults: &mut Vec<String>) {
    let silent = row["reading"] == "ignored";
    let columns = COMPARED.into_iter().filter(|column| !(silent && row[*column].is_empty()));
    for column in columns.chain(["reading"]) {
        let disputed = DISPUTED.iter().find(|(file, of, ..)| *file == row["file"] && *of == column);
        let expected = disputed.map_or(row[column].as_str(), |(_, _, ours, _)| ours);
        let read = cell(meaning, column);
        if read != expected {
            faults.push(format!("{} {column}: {read:?}, the index has {expected:?}", row["file"]));
        }
    }
}
