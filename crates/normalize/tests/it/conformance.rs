//! Real payloads, none of them ours: each is read as its row of the index says.
//!
//! They lie beside the repository, not in it. Without them the tests say so; in CI they have to be there.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use meshhook_model::{BuildStatus, Details, RunUrl, Text};
use meshhook_normalize::{Ignored, Meaning, read};

use crate::support::{github, root};

/// Cells in which the index and the contract differ: file, column, what the contract asks for.
///
/// Of a fork the branch is `owner:branch`; the index has the bare name that GitHub sends.
const DISPUTED: [(&str, &str, &str); 1] =
    [("github/workflow_run_other_repository-hub4j.json", "branch", "gsmet-bot-playground:test2")];

/// A line of the index by its column names.
type Row = HashMap<String, String>;

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

fn rows(corpus: &Path, wanted: impl Fn(&Row) -> bool) -> Vec<Row> {
    let index = fs::read_to_string(corpus.join("INDEX.tsv")).unwrap();
    let mut lines = index.lines();
    let columns: Vec<_> = lines.next().unwrap().split('\t').collect();
    lines.map(|line| row(&columns, line)).filter(|row| row["provider"] == "github" && wanted(row)).collect()
}

fn row(columns: &[&str], line: &str) -> Row {
    columns.iter().map(ToString::to_string).zip(line.split('\t').map(str::to_owned)).collect()
}

fn event(row: &Row) -> &str {
    row["event"].strip_prefix("X-GitHub-Event: ").unwrap()
}

fn is_read(row: &Row) -> bool {
    matches!(event(row), "workflow_run" | "workflow_job")
}

/// The meaning of a row's payload, which has to be the same without the header and as a form.
fn meaning(corpus: &Path, row: &Row) -> Meaning {
    let body = fs::read(corpus.join(&row["file"])).unwrap();
    let meaning = read(github(), &body, Some(event(row))).unwrap().meaning;
    assert_eq!(read(github(), &body, None).unwrap().meaning, meaning, "{} without header", row["file"]);
    let form: String = body.iter().map(|byte| format!("%{byte:02x}")).collect();
    let form = read(github(), format!("payload={form}").as_bytes(), None).unwrap();
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
fn compare(row: &Row, meaning: &Meaning, faults: &mut Vec<String>) {
    for column in COMPARED {
        let disputed = DISPUTED.iter().find(|(file, of, _)| *file == row["file"] && *of == column);
        let expected = disputed.map_or(row[column].as_str(), |(_, _, ours)| ours);
        let read = cell(meaning, column);
        if read != expected {
            faults.push(format!("{} {column}: {read:?}, the index has {expected:?}", row["file"]));
        }
    }
}

#[test]
fn runs_and_jobs_are_read_as_the_index_says() {
    let Some(corpus) = corpus() else { return };
    let rows = rows(&corpus, is_read);
    let (mut faults, mut events, mut unreadable) = (Vec::new(), 0, 0);
    for row in &rows {
        let meaning = meaning(&corpus, row);
        compare(row, &meaning, &mut faults);
        events += usize::from(matches!(meaning, Meaning::Event(_)));
        unreadable += usize::from(matches!(meaning, Meaning::Unreadable { .. }));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!((rows.len(), events, unreadable), (22, 20, 2));
}

#[test]
fn the_disputed_rows_are_in_the_index() {
    let Some(corpus) = corpus() else { return };
    for (file, column, ours) in DISPUTED {
        let rows = rows(&corpus, |row| row["file"] == file);
        assert_eq!(rows.len(), 1, "{file}");
        assert_ne!(rows[0][column], ours, "{file}: no longer disputed");
    }
}

#[test]
fn events_that_are_no_builds_are_ignored() {
    let Some(corpus) = corpus() else { return };
    let rows = rows(&corpus, |row| row["reading"] == "ignored");
    for row in &rows {
        let expected = if event(row) == "ping" { Ignored::Ping } else { Ignored::UnsupportedEvent };
        let Meaning::Ignored { reason, .. } = meaning(&corpus, row) else { panic!("{}", row["file"]) };
        assert_eq!(reason, expected, "{}", row["file"]);
    }
    assert_eq!(rows.len(), 23);
}

#[test]
fn build_events_that_are_not_read_yet_are_ignored() {
    let Some(corpus) = corpus() else { return };
    let rows = rows(&corpus, |row| row["reading"] == "event" && !is_read(row));
    for row in &rows {
        let Meaning::Ignored { reason, .. } = meaning(&corpus, row) else { panic!("{}", row["file"]) };
        assert_eq!(reason, Ignored::UnsupportedEvent, "{}", row["file"]);
    }
    assert_eq!(rows.len(), 29);
}
