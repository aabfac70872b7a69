//! The store of a gateway that does not run: what it had in hand, and time that passes.

use std::path::PathBuf;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::Gateway;

/// Every column that holds a moment, by the names that the store gives them. What a body says of its own time is none.
const MOMENTS: &str = "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c \
    WHERE t.type = 'table' AND c.type = 'INTEGER' AND (c.name IN ('at', 'due', 'until') \
    OR c.name LIKE '%\\_at' ESCAPE '\\' OR c.name LIKE '%\\_until' ESCAPE '\\' OR c.name LIKE '%\\_since' ESCAPE '\\')";

impl Gateway {
    /// The messages that it had in hand when it died, by room and transaction id: frozen, and not known to be in the
    /// room. What its own next start has to recover of the store is left to it.
    ///
    /// # Panics
    /// When it runs, or has no store on disk.
    #[must_use]
    pub fn in_hand(&self) -> Vec<(String, String)> {
        let read = Connection::open_with_flags(self.dead_store(), OpenFlags::SQLITE_OPEN_READ_ONLY)
            .and_then(|store| open_messages(&store));
        read.expect("the store of a gateway that does not run can be read")
    }

    /// As if that much time had passed since it died: every moment in its store is so much longer ago.
    ///
    /// What is still on its way to the homeserver has to have arrived by then.
    ///
    /// # Panics
    /// When it runs, or has no store on disk.
    pub fn let_pass(&self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).expect("a time of tests");
        let passed = Connection::open(self.dead_store()).and_then(|mut store| age(&mut store, millis));
        passed.expect("the store of a gateway that does not run can be written");
    }

    fn dead_store(&self) -> PathBuf {
        assert!(self.process.is_none(), "the store of a gateway that runs is its own");
        self.store_dir().join("meshhook.db")
    }
}

fn open_messages(store: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let mut open = store.prepare("SELECT room, txn FROM message WHERE status = 'open'")?;
    open.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn age(store: &mut Connection, millis: i64) -> rusqlite::Result<()> {
    let tx = store.transaction()?;
    let columns: Vec<(String, String)> = tx
        .prepare(MOMENTS)?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (table, column) in columns {
        // Zero is no moment.
        tx.execute(&format!("UPDATE {table} SET {column} = {column} - ?1 WHERE {column} > ?1"), [millis])?;
    }
    tx.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_is_longer_ago() {
        let mut store = Connection::open_in_memory().unwrap();
        store
            .execute_batch(
                "CREATE TABLE room (due INTEGER, lease_until INTEGER, hold_since INTEGER, gen INTEGER) STRICT; \
                 CREATE TABLE delivery (received_at INTEGER, event_time INTEGER, state TEXT) STRICT; \
                 INSERT INTO room VALUES (9000, 0, NULL, 9000); \
                 INSERT INTO delivery VALUES (9000, 9000, 'that');",
            )
            .unwrap();
        age(&mut store, 1000).unwrap();
        let all = "SELECT due, lease_until, hold_since, gen, received_at, event_time FROM room, delivery";
        let row = store.query_row(all, [], |row| {
            (0..6).map(|column| row.get(column)).collect::<rusqlite::Result<Vec<Option<i64>>>>()
        });
        assert_eq!(row.unwrap(), [Some(8000), Some(0), None, Some(9000), Some(8000), Some(9000)]);
    }
}
