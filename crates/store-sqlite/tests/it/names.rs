//! One file under several names: one store, or none.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use meshhook_store::StoreError;
use meshhook_store::conformance::fixture::*;
use meshhook_store::{Inspect, Rank};
use meshhook_store_sqlite::SqliteStore;
use tempfile::TempDir;

/// What an opener under that name is told.
#[track_caller]
fn refused(path: &Path) -> StoreError {
    SqliteStore::open(path).unwrap_err()
}

#[test]
fn links_to_a_file_or_its_folder_are_the_same_store() {
    let folder = TempDir::new().unwrap();
    let real = folder.path().join("real/meshhook.db");
    let store = SqliteStore::open(&real).unwrap();
    let (file, dir) = (folder.path().join("link.db"), folder.path().join("linked"));
    symlink(&real, &file).unwrap();
    symlink(folder.path().join("real"), &dir).unwrap();
    let detour = folder.path().join("real/../real/./meshhook.db");
    for name in [&file, &dir.join("meshhook.db"), &detour] {
        assert_eq!(refused(name), StoreError::InUse(name.display().to_string()));
    }
    State::of(1, Rank::Running).accept(&store, "a", START);
    drop(store);
    let store = SqliteStore::open(&file).unwrap();
    assert!(store.show("a").unwrap().is_some());
    assert!(matches!(refused(&real), StoreError::InUse(_)));
    assert!(!folder.path().join("link.db.lock").exists() && !folder.path().join("link.db-wal").exists());
}

#[test]
fn a_link_to_a_file_that_is_yet_to_be_made_is_that_file() {
    let folder = TempDir::new().unwrap();
    let (real, link) = (folder.path().join("meshhook.db"), folder.path().join("link.db"));
    symlink(&real, &link).unwrap();
    let _store = SqliteStore::open(&link).unwrap();
    assert!(matches!(refused(&real), StoreError::InUse(_)));
}

#[test]
fn a_file_with_a_second_name_of_equal_right_is_refused() {
    let folder = TempDir::new().unwrap();
    let (path, other) = (folder.path().join("meshhook.db"), folder.path().join("other.db"));
    let store = SqliteStore::open(&path).unwrap();
    fs::hard_link(&path, &other).unwrap();
    let StoreError::Unusable(words) = refused(&other) else { panic!() };
    assert!(words.contains("2 names"), "{words}");
    // The one that has it open keeps it, with its locks.
    State::of(1, Rank::Running).accept(&store, "a", START);
    drop(store);
    assert!(matches!(refused(&path), StoreError::Unusable(_)));
    fs::remove_file(&other).unwrap();
    assert!(SqliteStore::open(&path).unwrap().show("a").unwrap().is_some());
}

#[test]
fn what_is_no_file_is_told() {
    let folder = TempDir::new().unwrap();
    for path in [folder.path().to_owned(), "/dev/null".into()] {
        let StoreError::Unusable(words) = refused(&path) else { panic!() };
        assert_eq!(words, format!("{}: it is not a file", path.display()));
    }
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let StoreError::Unusable(words) = refused(&file.join("meshhook.db")) else { panic!() };
    assert!(words.contains("its folder cannot be made"), "{words}");
}
