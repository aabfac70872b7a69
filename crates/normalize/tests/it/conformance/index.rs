//! The index of the payloads.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::root;

/// A line of the index by its column names.
pub(super) type Row = HashMap<String, String>;

pub(super) fn corpus() -> Option<PathBuf> {
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

pub(super) fn rows(corpus: &Path) -> Vec<Row> {
    let index = fs::read_to_string(corpus.join("INDEX.tsv")).unwrap();
    let mut lines = index.lines();
    let columns: Vec<_> = lines.next().unwrap().split('\t').collect();
    let row = |line: &str| -> Row {
        columns.iter().map(ToString::to_string).zip(line.split('\t').map(str::to_owned)).collect()
    };
    lines.map(row).map(read_with_its_note).collect()
}

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
