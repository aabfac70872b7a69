//! Real payloads, none of them ours: each is read as its row of the index says.
//!
//! They lie beside the repository, not in it. Without them the tests say so; in CI they have to be there.

mod github;
mod gitlab;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use meshhook_model::{BuildStatus, Details, RunUrl, Text};
use meshhook_normalize::{Meaning, Provider, read};

use crate::support::root;

/// A line of the index by its column names.
type Row = HashMap<String, String>;

/// A cell in which the index and the contract differ: file, column, what the contract asks for.
type Disputed = (&'static str, &'static str, &'static str);

fn corpus() -> Option<PathBuf> {
    let folder = root().join("../shared/payloads");
    if folder.join("INDEX.tsv").is_file() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "no payloads in {}", folder.display());
    #[expect(clippy::print_stderr, reason = "a test that cannot run must say so")]
    {
        eprintln!("no payloads in {}: nothing compared", folder.display());
    }
    None
}

fn rows(corpus: &Path, provider: &Provider, wanted: impl Fn(&Row) -> bool) -> Vec<Row> {
    let index = fs::read_to_string(corpus.join("INDEX.tsv")).unwrap();
    let mut lines = index.lines();
    let columns: Vec<_> = lines.next().unwrap().split('\t').collect();
    let rows = lines.map(|line| row(&columns, line));
    rows.filter(|row| row["provider"] == provider.name() && wanted(row)).collect()
}

fn row(columns: &[&str], line: &str) -> Row {
    columns.iter().map(ToString::to_string).zip(line.split('\t').map(str::to_owned)).collect()
}

/// The value of the event header; `?` where nobody wrote down what it was.
fn event(row: &Row) -> Option<&str> {
    row["event"].split_once(": ").map(|(_, value)| value).filter(|value| *value != "?")
}

/// The meaning of a row's payload, which has to be the same without the header and as a form.
fn meaning(corpus: &Path, provider: &Provider, row: &Row) -> Meaning {
    let body = fs::read(corpus.join(&row["file"])).unwrap();
    let meaning = read(provider, &body, event(row)).unwrap().meaning;
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

const COMPARED: [&str; 13] = [
    "reading", "unit", "workflow", "job", "state", "outcome", "branch", "commit", "run_url", "node",
    "run_id", "attempt", "repo",
];

/// Compares every column, the empty ones too: there the payload has nothing.
fn compare(row: &Row, meaning: &Meaning, disputed: &[Disputed], faults: &mut Vec<String>) {
    for column in COMPARED {
        let disputed = disputed.iter().find(|(file, of, _)| *file == row["file"] && *of == column);
        let expected = disputed.map_or(row[column].as_str(), |(_, _, ours)| ours);
        let read = cell(meaning, column);
        if read != expected {
            faults.push(format!("{} {column}: {read:?}, the index has {expected:?}", row["file"]));
        }
    }
}
