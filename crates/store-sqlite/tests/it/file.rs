//! The file: who may read it, who may open it, what it keeps.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use meshhook_store::conformance::fixture::*;
use meshhook_store::{
    DedupeStore, Inspect, Intake, Key, NewDelivery, Rank, Status, StoreError, Taken, Trend,
};
use meshhook_store_sqlite::SqliteStore;
use tempfile::TempDir;

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn folder_and_files_are_their_owners_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a/b/meshhook.db");
    let store = SqliteStore::open(&path).unwrap();
    State::of(1, Rank::Running).accept(&store, "a", START);
    assert_eq!(mode(&folder.path().join("a")), 0o700);
    for file in ["meshhook.db", "meshhook.db-wal", "meshhook.db-shm", "meshhook.db.lock"] {
        assert_eq!(mode(&folder.path().join("a/b").join(file)), 0o600, "{file}");
    }
}

#[test]
fn a_second_opener_is_refused_until_the_first_is_gone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("meshhook.db");
    let store = SqliteStore::open(&path).unwrap();
    let refused = SqliteStore::open(&path).unwrap_err();
    assert_eq!(refused, StoreError::InUse(path.display().to_string()));
    drop(store);
    SqliteStore::open(&path).unwrap();
}

#[test]
fn what_was_accepted_and_frozen_is_there_after_a_restart_and_at_once() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("meshhook.db");
    let store = SqliteStore::open(&path).unwrap();
    assert!(store.is_durable());
    State::of(1, Rank::Running).accept(&store, "a", START);
    State::of(2, Rank::Running).accept(&store, "b", START);
    let (_, before, _) = take_message(&store, ROOM, "one", START);
    drop(store);

    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(State::of(1, Rank::Running).accept(&store, "again", at(1)).status, Status::InMessage);
    let (_, after, fresh) = take_message(&store, ROOM, "two", at(1));
    assert!(!fresh, "the lease of a process that is gone does not hold the room up");
    assert_eq!((before.txn, before.body, before.frozen_by), (after.txn, after.body, after.frozen_by));
}

#[test]
fn how_branches_ended_and_who_was_heard_of_is_there_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("meshhook.db");
    let store = SqliteStore::open(&path).unwrap();
    let ended = |run, well| State::of(run, Rank::Terminal).ends(1, well, "");
    ended(1, false).accept(&store, "broke", START);
    let named = NewDelivery { nodes: vec!["mac-1".into()], ..ended(2, false).delivery("silent", at(1)) };
    assert_eq!(accept(&store, named, at(1)).status, Status::Ignored);
    drop(store);

    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(ended(2, false).accept(&store, "again", at(2)).delivery, "silent");
    let silent = ended(3, false).accept(&store, "silent too", at(3));
    assert_eq!(silent.reason.as_deref(), Some("still_failing"));
    ended(4, true).accept(&store, "fixed", at(4));
    let news = store.show("fixed").unwrap().unwrap().delivery.news.unwrap();
    assert_eq!((news.trend, news.since, news.at), (Trend::Fixed, START, at(4)));
    let nodes = store.nodes().unwrap();
    assert_eq!((nodes.len(), &*nodes[0].name, &*nodes[0].delivery), (1, "mac-1", "silent"));
}

#[test]
fn a_newer_schema_and_another_programs_file_are_left_alone() {
    let folder = TempDir::new().unwrap();
    let newer = folder.path().join("newer.db");
    drop(SqliteStore::open(&newer).unwrap());
    rusqlite::Connection::open(&newer).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    let before = fs::read(&newer).unwrap();
    assert!(matches!(SqliteStore::open(&newer), Err(StoreError::Newer { found: 99, .. })));
    assert_eq!(fs::read(&newer).unwrap(), before);

    let foreign = folder.path().join("foreign.db");
    rusqlite::Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE x (y)").unwrap();
    let before = fs::read(&foreign).unwrap();
    assert!(matches!(SqliteStore::open(&foreign), Err(StoreError::Unusable(_))));
    assert_eq!(fs::read(&foreign).unwrap(), before);

    let text = folder.path().join("text.db");
    fs::write(&text, "not a database, but long enough to be taken for one ".repeat(50)).unwrap();
    assert!(matches!(SqliteStore::open(&text), Err(StoreError::Damaged(_))));
}

#[test]
fn a_full_store_says_so_and_loses_nothing() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("meshhook.db");
    let store = SqliteStore::open(&path).unwrap();
    State::of(1, Rank::Running).accept(&store, "a", START);
    store.limit_pages(1).unwrap();
    let big = |id: &str| {
        let mut new = unreadable(id, 7, START);
        new.raw = vec![b'x'; 1 << 20];
        new
    };
    let refused = store.accept(vec![big("big")], START).unwrap_err();
    assert!(matches!(refused, StoreError::Full(_)), "{refused:?}");
    assert_eq!(store.show("big").unwrap(), None);
    store.limit_pages(1 << 30).unwrap();
    assert_eq!(accept(&store, big("big"), START).status, Status::Unreadable);
    assert!(matches!(take(&store, ROOM, "one", START), Taken::Message { .. }));
}

#[test]
fn a_delivery_that_fails_leaves_nothing_behind_and_costs_nobody_else() {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(&folder.path().join("meshhook.db")).unwrap();
    let named = |run, id: &str| NewDelivery {
        nodes: vec![format!("mac-{run}")],
        ..State::of(run, Rank::Running).delivery(id, START)
    };
    let batch = vec![named(1, "a"), named(2, "a"), named(3, "c"), named(1, "d")];
    let answers = store.accept(batch, START).unwrap();
    let ids: Vec<_> = answers.iter().map(|answer| answer.as_ref().map(|a| &*a.delivery).ok()).collect();
    assert_eq!(ids, [Some("a"), None, Some("c"), Some("a")], "no two have the same id: {answers:?}");
    let names: Vec<_> = store.nodes().unwrap().into_iter().map(|node| node.name).collect();
    assert_eq!(names, ["mac-1", "mac-3"]);
    assert_eq!(store.show("a").unwrap().unwrap().delivery.seen, 2);
}

#[test]
fn another_writer_is_waited_for_no_longer_than_the_ingress_waits() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("meshhook.db");
    let store = SqliteStore::open(&path).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = store.accept(vec![State::of(1, Rank::Running).delivery("a", START)], START).unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
    other.execute_batch("ROLLBACK").unwrap();
    State::of(1, Rank::Running).accept(&store, "a", START);
}

#[test]
fn a_bare_mark_is_remembered_until_its_end() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("meshhook.db");
    let (key, hour) = (Key([7; 32]), Duration::from_secs(3600));
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.first_time(&key, START, hour), Ok(true));
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.first_time(&key, at(3599), hour), Ok(false));
    assert_eq!(store.first_time(&key, at(3600), hour), Ok(true));
    assert_eq!(store.first_time(&key, at(3601), hour), Ok(false));
}
