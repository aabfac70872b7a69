//! What was accepted, by the store itself.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, Result, Row};

/// How many deliveries a gateway's store has on record; its folder is [`Gateway::store_dir`](crate::Gateway::store_dir).
///
/// # Panics
/// When there is none.
#[must_use]
pub fn stored(folder: &Path) -> u64 {
    one(folder, "SELECT count(*) FROM delivery")
}

/// Whether anything of it waits, or is in hand.
///
/// # Panics
/// When there is no store.
#[must_use]
pub fn owes(folder: &Path) -> bool {
    one(
        folder,
        "SELECT EXISTS (SELECT 1 FROM delivery WHERE status = 'pending') \
         OR EXISTS (SELECT 1 FROM message WHERE status = 'open')",
    )
}

/// The keys of all deliveries on record, as messages show them.
///
/// # Panics
/// When there is no store.
#[must_use]
pub fn keys(folder: &Path) -> Vec<String> {
    let all = |store: Connection| -> Result<Vec<String>> {
        let key = |row: &Row<'_>| row.get(0);
        store.prepare("SELECT lower(hex(key)) FROM delivery")?.query_map([], key)?.collect()
    };
    all(open(folder)).expect("a store that can be read")
}

fn one<T: rusqlite::types::FromSql>(folder: &Path, query: &str) -> T {
    open(folder).query_row(query, [], |row| row.get(0)).expect("a store that can be read")
}

fn open(folder: &Path) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    Connection::open_with_flags(folder.join("meshhook.db"), flags).expect("a store")
}
