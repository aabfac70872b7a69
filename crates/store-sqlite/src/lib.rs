#![doc = include_str!("../README.md")]

mod accept;
mod aside;
mod audit;
mod backlog;
mod changes;
mod check;
mod entry;
mod fault;
mod freeze;
mod ghosts;
mod inspect;
mod invariants;
mod keys;
mod latest;
mod migrate;
mod mover;
mod nodes;
mod open;
mod orders;
mod peek;
mod place;
mod row;
mod settle;
mod subject;
mod upkeep;
mod wal;

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use meshhook_store::StoreError;
use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use peek::Peek;

use crate::backlog::Backlog;
use crate::check::Check;
use crate::fault::fault;
use crate::mover::Mover;
use crate::place::Place;

/// A store in one SQLite file, held by one process.
#[derive(Debug)]
pub struct SqliteStore {
    // Those with threads go first when the store is closed: the last connection then empties the log.
    check: Check,
    mover: Mover,
    /// What changes anything goes through here, one after the other.
    writer: Arc<Mutex<Connection>>,
    /// What only looks does not wait for a write to reach the disk.
    reader: Mutex<Connection>,
    evicted: AtomicU64,
    backlog: Mutex<Backlog>,
    path: PathBuf,
    place: Place,
    /// Held while the store is open: a second process is refused.
    _lock: File,
}

impl SqliteStore {
    /// Bounds the file: a write that would make it larger fails as [`StoreError::Full`].
    ///
    /// # Errors
    /// [`StoreError`]: the bound is as it was.
    pub fn limit_pages(&self, pages: u32) -> Result<(), StoreError> {
        self.writer().query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).map_err(fault)
    }

    /// Bounds how many deliveries may wait for a room: one more fails as [`StoreError::RoomFull`].
    pub fn limit_waiting(&self, deliveries: u64) {
        *self.backlog() = Backlog::new(deliveries);
    }

    /// What is known in there is a bound; a panic leaves it one.
    fn backlog(&self) -> MutexGuard<'_, Backlog> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> MutexGuard<'_, Connection> {
        // A panic has rolled its transaction back while it unwound.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One durable transaction: what `work` did is on the disk when this returns, or nothing of it is.
    fn write<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut writer = self.writer();
        self.place.check()?;
        self.check.found()?;
        let done = transact(&mut writer, work);
        match done {
            Ok(_) => self.mover.ring(),
            Err(_) => make_room(&writer),
        }
        done
    }
}

fn transact<T, E: From<StoreError>>(
    writer: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let tx = writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)?;
    let done = work(&tx)?;
    tx.commit().map_err(fault)?;
    Ok(done)
}

/// Lets the next transaction write the log from its start, where that is possible without waiting. SQLite itself looks
/// for that after a success only: a log that a long reader let grow until the disk was full would fill it for ever.
fn make_room(writer: &Connection) {
    let _ = writer.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
}

#[cfg(test)]
mod tests {
    use meshhook_store::Status;

    use super::*;

    /// A store with millions of deliveries must not walk through them while others wait.
    #[test]
    fn an_index_answers_what_is_asked_often() {
        let folder = tempfile::TempDir::new().unwrap();
        let store = SqliteStore::open(&folder.path().join("meshhook.db")).unwrap();
        let mut queries: Vec<String> =
            [aside::IGNORED, aside::WITH_BODIES, inspect::PARKED, inspect::UNCERTAIN, inspect::ROOMS]
                .map(Into::into)
                .into();
        queries.push(freeze::CANDIDATES.to_owned());
        queries.push(upkeep::EXPIRED.to_owned());
        queries.push(subject::TOP.to_owned());
        queries.push(subject::LEAVE.to_owned());
        let not_sent = Status::ALL.into_iter().filter(|status| *status != Status::Sent);
        queries.extend(not_sent.map(|status| inspect::listing(Some(status), "")));
        for query in queries {
            let plan: Vec<String> = store
                .reader()
                .prepare(&format!("EXPLAIN QUERY PLAN {query}"))
                .and_then(|mut s| {
                    let nothing = vec![None::<i64>; s.parameter_count()];
                    s.query_map(rusqlite::params_from_iter(nothing), |row| row.get(3))?.collect()
                })
                .unwrap();
            let walks = |step: &String| {
                step.starts_with("SCAN d") || step.starts_with("SEARCH d USING INTEGER PRIMARY KEY (rowid<")
            };
            assert!(!plan.iter().any(walks), "{query}: {plan:#?}");
        }
    }
}
