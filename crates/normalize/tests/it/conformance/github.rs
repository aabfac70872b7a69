//! GitHub's rows.

use meshhook_normalize::{Ignored, Meaning};

use super::{Disputed, Row, compare, corpus, event, meaning, rows};
use crate::support::github;

/// Of a fork the branch is `owner:branch`; the index has the bare name that GitHub sends.
const DISPUTED: [Disputed; 1] =
    [("github/workflow_run_other_repository-hub4j.json", "branch", "gsmet-bot-playground:test2")];

fn is_read(row: &Row) -> bool {
    matches!(event(row), Some("workflow_run" | "workflow_job"))
}

#[test]
fn runs_and_jobs_are_read_as_the_index_says() {
    let Some(corpus) = corpus() else { return };
    let rows = rows(&corpus, github(), is_read);
    let (mut faults, mut events, mut unreadable) = (Vec::new(), 0, 0);
    for row in &rows {
        let meaning = meaning(&corpus, github(), row);
        compare(row, &meaning, &DISPUTED, &mut faults);
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
        let rows = rows(&corpus, github(), |row| row["file"] == file);
        assert_eq!(rows.len(), 1, "{file}");
        assert_ne!(rows[0][column], ours, "{file}: no longer disputed");
    }
}

#[test]
fn events_that_are_no_builds_are_ignored() {
    let Some(corpus) = corpus() else { return };
    let rows = rows(&corpus, github(), |row| row["reading"] == "ignored");
    for row in &rows {
        let expected = if event(row) == Some("ping") { Ignored::Ping } else { Ignored::UnsupportedEvent };
        let Meaning::Ignored { reason, .. } = meaning(&corpus, github(), row) else {
            panic!("{}", row["file"])
        };
        assert_eq!(reason, expected, "{}", row["file"]);
    }
    assert_eq!(rows.len(), 23);
}

#[test]
fn build_events_that_are_not_read_yet_are_ignored() {
    let Some(corpus) = corpus() else { return };
    let rows = rows(&corpus, github(), |row| row["reading"] == "event" && !is_read(row));
    for row in &rows {
        let Meaning::Ignored { reason, .. } = meaning(&corpus, github(), row) else {
            panic!("{}", row["file"])
        };
        assert_eq!(reason, Ignored::UnsupportedEvent, "{}", row["file"]);
    }
    assert_eq!(rows.len(), 29);
}
