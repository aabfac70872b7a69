//! GitLab's rows.

use meshhook_normalize::{Ignored, Meaning};

use super::{Row, compare, corpus, meaning, rows};
use crate::support::gitlab;

/// What a reader of the row makes of it: the address that the note derives where the body has none, and the
/// project's path as it is written in the body where the note says to compare it loosely.
fn read_with_its_note(mut row: Row) -> Row {
    if let Some((_, derivable)) = row["note"].split_once("derivable: ") {
        let page = derivable.split(';').next().unwrap().to_owned();
        row.insert("run_url".to_owned(), page);
    }
    if row["note"].contains("workflow column is a fallback (project path), compare loosely") {
        let path = row["repo"].clone();
        assert_eq!(path.replace(' ', ""), row["workflow"].replace(' ', ""), "{}", row["file"]);
        row.insert("workflow".to_owned(), path);
    }
    row
}

#[test]
fn pipelines_jobs_and_deployments_are_read_as_the_index_says() {
    let Some(corpus) = corpus() else { return };
    let rows = rows(&corpus, gitlab(), |row| row["reading"] == "event");
    let mut faults = Vec::new();
    for row in rows.iter().cloned().map(read_with_its_note) {
        compare(&row, &meaning(&corpus, gitlab(), &row), &[], &mut faults);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let of = |unit: &str| rows.iter().filter(|row| row["unit"] == unit).count();
    assert_eq!((of("run"), of("job"), of("deployment"), rows.len()), (6, 6, 2, 14));
}

#[test]
fn events_that_are_no_builds_are_ignored() {
    let Some(corpus) = corpus() else { return };
    let rows = rows(&corpus, gitlab(), |row| row["reading"] == "ignored");
    for row in &rows {
        let Meaning::Ignored { reason, .. } = meaning(&corpus, gitlab(), row) else {
            panic!("{}", row["file"])
        };
        assert_eq!(reason, Ignored::UnsupportedEvent, "{}", row["file"]);
    }
    assert_eq!(rows.len(), 7);
}
