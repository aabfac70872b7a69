//! What was accepted, by the store itself.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

/// How many deliveries a gateway's store has on record; its folder is [`Gateway::store_dir`](crate::Gateway::store_dir).
///
/// # Panics
/// When there is none.
#[must_use]
pub fn stored(folder: &Path) -> u64 {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let store = Connection::open_with_flags(folder.join("meshhook.db"), flags).expect("a store");
    let count = store.query_row("SELECT count(*) FROM delivery", [], |row| row.get(0));
    count.expect("a store that can be read")
}
