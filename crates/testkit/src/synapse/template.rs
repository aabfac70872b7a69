//! A database as a fresh Synapse makes it, kept below the target folder: copying it is quicker than making it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::config::SERVER_NAME;
use super::{Limits, Synapse, python};
use crate::target_dir;

const VERSION: &str = "import importlib.metadata as m; print(m.version('matrix-synapse'))";
/// Takes what is still in the write-ahead log with it.
const BACK_UP: &str =
    "import sqlite3, sys; a, b = map(sqlite3.connect, sys.argv[1:]); a.backup(b); b.close()";

/// The template's path; the first call makes it where there is none.
pub(super) fn database() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let version = python::run(&["-c", VERSION]);
        let path = target_dir().join(format!("synapse-template/{SERVER_NAME}-{version}.db"));
        if !path.exists() {
            make(&path);
        }
        path
    })
}

fn make(path: &Path) {
    let folder = path.parent().expect("built by a join");
    fs::create_dir_all(folder).expect("the target folder can be written");
    let mut synapse = Synapse::prepare(Limits::Relaxed, None);
    synapse.launch();
    synapse.stop();
    // Another test process may be making it too: whoever is last puts the same thing in place, whole.
    let unfinished = folder.join(format!("unfinished-{}.db", std::process::id()));
    python::run(&["-c", BACK_UP, &text(&synapse.database_path()), &text(&unfinished)]);
    fs::rename(&unfinished, path).expect("a file of ours can be renamed");
}

fn text(path: &Path) -> String {
    path.to_str().expect("a path that is UTF-8").to_owned()
}
