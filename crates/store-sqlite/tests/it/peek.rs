//! A look from beside: at a store that runs, and at one that does not.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use meshhook_store::conformance::fixture::*;
use meshhook_store::{Ghosts, NewDelivery, Rank, StoreError, Upkeep};
use meshhook_store_sqlite::{Peek, SqliteStore};
use tempfile::TempDir;

fn filled(folder: &TempDir) -> (PathBuf, SqliteStore) {
    let path = folder.path().join("100% ours?#.db");
    let store = SqliteStore::open(&path).unwrap();
    store.pin(&bot(), START).unwrap();
    let state = State::of(1, Rank::Running).delivery("d1", START);
    accept(&store, NewDelivery { nodes: vec!["mac-01".to_owned()], ..state }, START);
    store.enrol("@bot_mac-01:h", "!r", "D", 1).unwrap();
    (path, store)
}

#[track_caller]
fn sees_all(path: &Path) {
    let peek = Peek::open(path).unwrap();
    assert_eq!(peek.identity().unwrap(), Some(bot()));
    let nodes = peek.nodes().unwrap();
    assert_eq!(nodes.iter().map(|node| &*node.name).collect::<Vec<_>>(), ["mac-01"]);
    let ghosts = peek.ghosts().unwrap();
    assert_eq!(
        ghosts.iter().map(|ghost| (&*ghost.user, ghost.ready)).collect::<Vec<_>>(),
        [("@bot_mac-01:h", false)]
    );
}

#[test]
fn one_that_runs_is_seen_and_not_held_up() {
    let folder = TempDir::new().unwrap();
    let (path, store) = filled(&folder);
    sees_all(&path);
    State::of(2, Rank::Running).accept(&store, "d2", START);
    sees_all(&path);
}

#[test]
fn one_that_stands_still_is_seen_and_left_as_it_was() {
    let folder = TempDir::new().unwrap();
    let (path, store) = filled(&folder);
    drop(store);
    let files = || {
        let entries = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap());
        let mut all: Vec<_> = entries.map(|e| (e.file_name(), e.metadata().unwrap().mtime_nsec())).collect();
        all.sort();
        all
    };
    let before = files();
    sees_all(&path);
    assert_eq!(files(), before);
}

#[test]
fn what_is_no_store_of_ours_says_so() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    assert!(matches!(Peek::open(&at("none.db")), Err(StoreError::Unavailable(_))));
    assert!(!at("none.db").exists());
    fs::write(at("text.db"), "no database, by no means whatever it may be called".repeat(50)).unwrap();
    assert!(matches!(Peek::open(&at("text.db")), Err(StoreError::Damaged(_))));
    let other = rusqlite::Connection::open(at("other.db")).unwrap();
    other.execute_batch("CREATE TABLE t (a); PRAGMA user_version = 1").unwrap();
    assert!(matches!(Peek::open(&at("other.db")), Err(StoreError::Unusable(_))));
    let (path, store) = filled(&folder);
    drop(store);
    rusqlite::Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    assert!(matches!(Peek::open(&path), Err(StoreError::Newer { found: 99, .. })));
}
