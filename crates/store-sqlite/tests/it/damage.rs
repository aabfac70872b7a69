//! Files that are not as they were left: told apart from what a crash leaves, and not touched.

use std::fs;
use std::panic::catch_unwind;
use std::path::PathBuf;

use meshhook_store::conformance::fixture::*;
use meshhook_store::{Filter, Inspect, Intake, NewDelivery, Outbox, Rank, StoreError, Take, Taken, Upkeep};
use meshhook_store_sqlite::SqliteStore;
use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

/// How many transactions there are, and how many deliveries each has.
const BATCHES: u16 = 8;
const EACH: u16 = 12;

/// What of it the log is the only one to have.
const IN_THE_LOG: u16 = 4;

/// A database and its log as a process leaves them that is killed.
#[derive(Clone)]
struct Left {
    database: Vec<u8>,
    log: Vec<u8>,
}

impl Left {
    fn by_a_kill() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("meshhook.db");
        let store = SqliteStore::open(&path).unwrap();
        assert_eq!(store.pin(&bot(), START), Ok(meshhook_store::Pin::Ours));
        for batch in 0..BATCHES {
            if batch == BATCHES - IN_THE_LOG {
                empty_the_log(&path);
            }
            let all = store.accept((0..EACH).map(|n| delivery(batch * EACH + n)).collect(), START).unwrap();
            assert!(all.iter().all(Result::is_ok));
        }
        Self { database: fs::read(&path).unwrap(), log: fs::read(log_of(&path)).unwrap() }
    }

    /// As after an orderly end.
    fn by_a_stop() -> Self {
        let Self { database, log } = Self::by_a_kill();
        let files = Files::of(&Self { database, log });
        drop(SqliteStore::open(&files.path).unwrap());
        Self { database: fs::read(&files.path).unwrap(), log: Vec::new() }
    }
}

fn empty_the_log(database: &std::path::Path) {
    let other = rusqlite::Connection::open(database).unwrap();
    other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

fn delivery(number: u16) -> NewDelivery {
    let id = format!("d{number:03}");
    if number.is_multiple_of(3) {
        return State::of(u8::try_from(number).unwrap(), Rank::Running).delivery(&id, START);
    }
    NewDelivery { raw: vec![b'{'; 700], ..unreadable(&id, number, START) }
}

fn log_of(database: &std::path::Path) -> PathBuf {
    database.with_file_name("meshhook.db-wal")
}

/// The same in a folder of their own.
struct Files {
    path: PathBuf,
    _folder: TempDir,
}

impl Files {
    fn of(left: &Left) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("meshhook.db");
        fs::write(&path, &left.database).unwrap();
        if !left.log.is_empty() {
            fs::write(log_of(&path), &left.log).unwrap();
        }
        Self { path, _folder: folder }
    }
}

type Harm = fn(&mut Left);

/// Each harm, and what it is called.
const HARMS: [(&str, Harm, &str); 7] = [
    ("pages in the middle", |left| overwrite(&mut left.database, 1, 2, 6000), "database"),
    ("the first page", |left| overwrite(&mut left.database, 0, 2, 100), "not a database"),
    ("the second half cut off", |left| left.database.truncate(left.database.len() / 2), "malformed"),
    ("the last page cut off", |left| left.database.truncate(left.database.len() - 4096), "database"),
    ("the log's beginning", |left| overwrite(&mut left.log, 0, 2, 32), "does not begin as one"),
    ("the log's first frame", |left| overwrite(&mut left.log, 1, 40, 10), "broken in the middle"),
    ("the log's middle", |left| overwrite(&mut left.log, 1, 2, 5000), "broken in the middle"),
];

/// Overwrites `length` bytes from that part on.
fn overwrite(bytes: &mut [u8], numerator: usize, denominator: usize, length: usize) {
    let from = bytes.len() * numerator / denominator;
    bytes[from..from + length].fill(0xA5);
}

#[test]
fn what_is_damaged_is_refused_and_stays_as_it_is() {
    let (killed, stopped) = (Left::by_a_kill(), Left::by_a_stop());
    for (what, harm, words) in HARMS {
        let mut left = if what.contains("log") { killed.clone() } else { stopped.clone() };
        harm(&mut left);
        let files = Files::of(&left);
        for _ in 0..2 {
            let Err(StoreError::Damaged(said)) = SqliteStore::open(&files.path) else {
                panic!("{what}: not refused")
            };
            assert!(said.starts_with(files.path.to_str().unwrap()) && said.contains(words), "{what}: {said}");
        }
        assert!(fs::read(&files.path).unwrap() == left.database, "{what}: the database was changed");
        let log = fs::read(log_of(&files.path)).unwrap_or_default();
        assert!(log == left.log, "{what}: the log was changed");
    }
}

/// The deliveries that are there, which are the first ones.
fn count(store: &SqliteStore) -> u16 {
    let all = store.list(&Filter { limit: 500, ..Filter::default() }).unwrap();
    let mut ids: Vec<_> = all.into_iter().map(|view| view.id).collect();
    ids.sort();
    let count = u16::try_from(ids.len()).unwrap();
    assert!(ids.iter().enumerate().all(|(n, id)| *id == format!("d{n:03}")), "{ids:?}");
    count
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// A write that was not finished is no damage, wherever it ended and whatever is behind its end.
    #[test]
    fn what_a_crash_leaves_is_no_damage(part in 0..10_000_usize, behind in vec(any::<u8>(), 0..9000)) {
        let mut left = Left::by_a_kill();
        let end = left.log.len() * part / 10_000;
        left.log.truncate(end);
        if end > 32 {
            left.log.extend(behind);
        }
        let files = Files::of(&left);
        let store = SqliteStore::open(&files.path).unwrap();
        let there = count(&store);
        prop_assert!(there.is_multiple_of(EACH) && there >= EACH * (BATCHES - IN_THE_LOG), "{}", there);
    }

    /// Whatever is read, it is an answer or an error.
    #[test]
    fn no_damage_makes_it_panic(
        in_log: bool,
        part in 0..10_000_usize,
        garbage in prop_oneof![vec(any::<u8>(), 1..9), vec(any::<u8>(), 100..5000)],
    ) {
        let mut left = Left::by_a_kill();
        let bytes = if in_log { &mut left.log } else { &mut left.database };
        let from = bytes.len() * part / 10_000;
        let to = bytes.len().min(from + garbage.len());
        bytes[from..to].copy_from_slice(&garbage[..to - from]);
        let files = Files::of(&left);
        let worked = catch_unwind(|| drop(SqliteStore::open(&files.path).map(|store| work(&store))));
        // Debug builds assert the invariants, which what was written instead may break.
        let words = worked.err().map(|panic| panic.downcast_ref::<String>().cloned().unwrap_or_default());
        let asserted = |words: &String| words.as_bytes().first().is_some_and(u8::is_ascii_digit);
        prop_assert!(words.as_ref().is_none_or(asserted), "{:?}", words);
    }
}

/// A little of everything that is done with a store.
fn work(store: &SqliteStore) {
    let _ = store.totals();
    let _ = store.list(&Filter { limit: 500, ..Filter::default() });
    for number in 0..BATCHES * EACH {
        let _ = store.show(&format!("d{number:03}"));
    }
    let _ = store.accept((90..120).map(delivery).collect(), START);
    let identity = bot();
    let take = Take {
        room: ROOM,
        identity: &identity,
        session: "s",
        owner: "o",
        now: START,
        voice: &|_| meshhook_store::Voice::Sender,
        plan: &together,
        freeze: &freeze,
    };
    while let Ok(Taken::Message { message, .. }) = store.take(&take) {
        if store.settle(message.id, "$event", &attempt("sent", START), START).is_err() {
            break;
        }
    }
    let _ = store.purge(at(900 * 3600), 500);
}
