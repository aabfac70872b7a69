//! Moves the log into the file beside the commits: else one of them had to wait until a thousand pages are on the disk,
//! in places all over the file.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use meshhook_store::StoreError;
use rusqlite::Connection;

use crate::check::Way;
use crate::fault::fault;

/// From how many pages on the log is moved. Many at once are cheaper: pages that changed often are written once, and
/// all in their order.
const WORTH_IT: i64 = 4096;

/// From how many pages on a look at the file has to make way.
const LONG: i64 = 16_384;

/// How many pages may be left to move while commits wait. More are where commits add to the log faster than it is moved.
const REST: i64 = 256;

/// How long after a commit there is a look at the log.
const SOON: Duration = Duration::from_millis(200);

/// A thread that moves the log, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Mover {
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
}

impl Mover {
    /// `writer` is what commits go through, `way` that of a long look at the file, which can be had again.
    pub(crate) fn start(
        log: Connection,
        writer: Arc<Mutex<Connection>>,
        way: Option<Arc<Way>>,
    ) -> Result<Self, StoreError> {
        let bell = Arc::new(Bell::default());
        let heard = Arc::clone(&bell);
        let work = move || {
            while heard.wait() {
                // A full disk, or one that fails: commits find it out, and each is the next try.
                let _ = relieve(&log, &writer, way.as_deref());
            }
        };
        let thread = thread::Builder::new().name("log".to_owned()).spawn(work);
        let thread = thread.map_err(|error| StoreError::Unavailable(format!("no thread: {error}")))?;
        Ok(Self { bell, thread: Some(thread) })
    }

    /// There was a commit.
    pub(crate) fn ring(&self) {
        self.bell.ring();
    }
}

impl Drop for Mover {
    fn drop(&mut self) {
        self.bell.stop();
        if let Some(thread) = self.thread.take() {
            // A panic of its own has been told; commits then move the log themselves.
            let _ = thread.join();
        }
    }
}

#[derive(Debug, Default)]
struct Bell {
    rung: Mutex<Rung>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Rung {
    written: bool,
    stopped: bool,
}

impl Bell {
    fn rung(&self) -> MutexGuard<'_, Rung> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) {
        let mut rung = self.rung();
        if !rung.written {
            rung.written = true;
            self.changed.notify_one();
        }
    }

    fn stop(&self) {
        self.rung().stopped = true;
        self.changed.notify_one();
    }

    /// Waits for a commit, and a moment for those that follow; false once nothing more is to be done.
    fn wait(&self) -> bool {
        let idle = self.changed.wait_while(self.rung(), |rung| !rung.written && !rung.stopped);
        drop(idle);
        let rested = self.changed.wait_timeout_while(self.rung(), SOON, |rung| !rung.stopped);
        let mut rung = rested.unwrap_or_else(PoisonError::into_inner).0;
        rung.written = false;
        !rung.stopped
    }
}

/// Moves the log, if that is worth it, so that the next commit begins it anew. Commits go on meanwhile, but for the
/// last few pages.
fn relieve(log: &Connection, writer: &Mutex<Connection>, way: Option<&Way>) -> Result<(), StoreError> {
    if left(log)? < WORTH_IT {
        return Ok(());
    }
    loop {
        let before = left(log)?;
        if !advance(log)? {
            // Somebody reads for long, and needs what is in it.
            if left(log)? > LONG {
                way.into_iter().for_each(Way::make);
            }
            return Ok(());
        }
        let after = left(log)?;
        if after <= REST || after >= before {
            break;
        }
    }
    if left(log)? > 0 {
        let _commits_wait = writer.lock().unwrap_or_else(PoisonError::into_inner);
        advance(log)?;
    }
    Ok(())
}

/// Moves what is in the log by now; whether all of that could be moved.
fn advance(log: &Connection) -> Result<bool, StoreError> {
    checkpoint(log, "PASSIVE").map(|left| left == 0)
}

/// How many pages of the log are still to be moved.
fn left(log: &Connection) -> Result<i64, StoreError> {
    checkpoint(log, "NOOP")
}

fn checkpoint(log: &Connection, mode: &str) -> Result<i64, StoreError> {
    let left = |row: &rusqlite::Row<'_>| Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?);
    log.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], left).map_err(fault)
}

#[cfg(test)]
mod tests {
    use meshhook_store::conformance::fixture::*;
    use meshhook_store::{Intake, NewDelivery};

    use crate::SqliteStore;

    /// In commits without a pause, and more than commits would wait for: the log begins anew in between.
    #[test]
    fn the_log_stays_short_however_much_is_written() {
        const MIB: usize = 1 << 20;
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("meshhook.db");
        let log = path.with_extension("db-wal");
        let store = SqliteStore::open(&path).unwrap();
        for number in 0..160 {
            let id = format!("d{number}");
            let big = NewDelivery { raw: vec![b'x'; MIB], ..unreadable(&id, number, START) };
            assert!(store.accept(vec![big], START).unwrap()[0].is_ok());
        }
        let length = std::fs::metadata(&log).unwrap().len();
        assert!(length < 110 * MIB as u64, "{length}");
        drop(store);
        assert!(!log.exists(), "it was moved in the end");
    }
}
