//! Whether the file is whole: looked through before it is opened, or while it serves if it is so large that everybody
//! would have to wait.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use meshhook_store::StoreError;
use rusqlite::Connection;

use crate::audit::reading;
use crate::fault::fault;
use crate::open::about;
use crate::place::log_of;

/// Up to how many bytes a file is looked through before it is opened: a tenth of a second.
pub(crate) const AT_ONCE: u64 = 64 << 20;

/// What is small in any store, and needed to go on. One of an older schema lacks some of it yet.
const SMALL: [&str; 5] = ["identity", "room", "gate", "forgotten", "key_use"];

/// Between two tries; each time twice as long.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// How long it works before it rests, and rests before it works on: it has a fourth of a processor at most.
const WORK: Duration = Duration::from_millis(5);
const REST: Duration = Duration::from_millis(15);

/// After how many pages, or steps of SQLite's, there is a look at the clock.
const STEPS: i32 = 100;

/// Fails if what can be looked at by now is broken; whether that was all of it.
pub(crate) fn before_it_opens(
    connection: &Connection,
    path: &Path,
    at_once: u64,
) -> Result<bool, StoreError> {
    if length(path)? <= at_once {
        return is_whole(connection, "1").map(|()| true);
    }
    has_its_length(connection, path)?;
    let tables = tables(connection)?;
    let mut small = tables.iter().filter(|table| SMALL.contains(&table.as_str()));
    small.try_for_each(|table| is_whole(connection, table))?;
    Ok(false)
}

/// What is broken would else be found by a delivery, after others were promised. `what` is a table, or how many faults
/// to tell of.
fn is_whole(connection: &Connection, what: &str) -> Result<(), StoreError> {
    let look = format!("PRAGMA quick_check({what})");
    let found: String = connection.query_row(&look, [], |row| row.get(0)).map_err(fault)?;
    if found == "ok" { Ok(()) } else { Err(StoreError::Damaged(found.replace('\n', ": "))) }
}

/// A file that was cut off. While there is a log, its last pages may still lie in there.
fn has_its_length(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let number = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, u64>(0)).map_err(fault);
    let expected = number("PRAGMA page_count")? * number("PRAGMA page_size")?;
    let is_short = length(path)? < expected && fs::metadata(log_of(path)).map_or(true, |log| log.len() == 0);
    if is_short {
        Err(StoreError::Damaged(format!("it is shorter than its {expected} bytes")))
    } else {
        Ok(())
    }
}

fn length(path: &Path) -> Result<u64, StoreError> {
    let found = fs::metadata(path);
    found.map(|found| found.len()).map_err(|error| StoreError::Unavailable(format!("its length: {error}")))
}

/// A look through a large file beside all else; it stops when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Check {
    found: Arc<OnceLock<StoreError>>,
    look: Option<(Arc<Way>, JoinHandle<()>)>,
}

impl Check {
    pub(crate) fn start(path: &Path) -> Result<Self, StoreError> {
        let mut connection = reading(path)?;
        let (found, way) = (Arc::new(OnceLock::new()), Arc::new(Way::default()));
        let (finding, in_the_way, path) = (Arc::clone(&found), Arc::clone(&way), path.to_owned());
        let mut began = Instant::now();
        let is_wanted = move || {
            if began.elapsed() > WORK {
                thread::sleep(REST);
                began = Instant::now();
            }
            in_the_way.is_wanted()
        };
        connection.progress_handler(STEPS, Some(is_wanted)).map_err(fault)?;
        let in_the_way = Arc::clone(&way);
        let work = move || {
            if let Err(damage) = look_through(&connection, &in_the_way) {
                // It is told to whoever wants something of the store.
                let _ = finding.set(about(&path, damage));
            }
        };
        let thread = thread::Builder::new().name("check".to_owned()).spawn(work);
        let thread = thread.map_err(|error| StoreError::Unavailable(format!("no thread: {error}")))?;
        Ok(Self { found, look: Some((way, thread)) })
    }

    /// Fails once something was found to be broken: what is written then may be lost.
    pub(crate) fn found(&self) -> Result<(), StoreError> {
        self.found.get().map_or(Ok(()), |damage| Err(damage.clone()))
    }

    /// The way that the look is in.
    pub(crate) fn way(&self) -> Option<Arc<Way>> {
        self.look.as_ref().map(|(way, _)| Arc::clone(way))
    }
}

impl Drop for Check {
    fn drop(&mut self) {
        let Some((way, thread)) = self.look.take() else { return };
        way.closed.store(true, Ordering::Relaxed);
        thread.thread().unpark();
        // A panic of its own has been told.
        let _ = thread.join();
    }
}

/// While a look lasts, the log cannot begin anew.
#[derive(Debug, Default)]
pub(crate) struct Way {
    wanted: AtomicBool,
    closed: AtomicBool,
}

impl Way {
    /// Has the look begin again later.
    pub(crate) fn make(&self) {
        self.wanted.store(true, Ordering::Relaxed);
    }

    fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed) || self.closed.load(Ordering::Relaxed)
    }
}

/// Table by table, each with its indexes, until all were looked through or one is broken.
fn look_through(connection: &Connection, way: &Way) -> Result<(), StoreError> {
    let mut pause = PAUSE;
    let (mut seen, mut doubted) = (0, None);
    while !way.closed.load(Ordering::Relaxed) {
        way.wanted.store(false, Ordering::Relaxed);
        match rest(connection, &mut seen) {
            // SQLite tells of a page that could not be read just now as of a broken one.
            Err(StoreError::Damaged(_)) if doubted != Some(seen) => doubted = Some(seen),
            Err(StoreError::Damaged(words)) => return Err(StoreError::Damaged(words)),
            Ok(()) => return Ok(()),
            // It was in the way, or could not be read; a disk that fails is found out by whoever writes.
            Err(_) => {
                thread::park_timeout(pause);
                pause = LONGEST_PAUSE.min(pause * 2);
            }
        }
    }
    Ok(())
}

fn rest(connection: &Connection, seen: &mut usize) -> Result<(), StoreError> {
    for table in tables(connection)?.iter().skip(*seen) {
        is_whole(connection, table)?;
        *seen += 1;
    }
    Ok(())
}

fn tables(connection: &Connection) -> Result<Vec<String>, StoreError> {
    connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .and_then(|mut s| s.query_map([], |row| row.get(0))?.collect())
        .map_err(fault)
}

#[cfg(test)]
mod tests {
    use meshhook_store::conformance::fixture::*;
    use meshhook_store::{Inspect, Intake, NewDelivery};

    use super::*;
    use crate::SqliteStore;
    use crate::open::open;

    const DELIVERIES: u16 = 200;

    fn delivery(number: u16) -> NewDelivery {
        NewDelivery { raw: vec![b'{'; 700], ..unreadable(&format!("d{number}"), number, START) }
    }

    /// A store that was closed, after its file came to harm.
    fn harmed(harm: impl FnOnce(&mut Vec<u8>)) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("meshhook.db");
        let store = SqliteStore::open(&path).unwrap();
        store.accept((0..DELIVERIES).map(delivery).collect(), START).unwrap();
        drop(store);
        let mut bytes = fs::read(&path).unwrap();
        harm(&mut bytes);
        fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    fn looked_through(store: &SqliteStore) {
        let began = Instant::now();
        while store.check.look.as_ref().is_some_and(|(_, thread)| !thread.is_finished()) {
            assert!(began.elapsed() < Duration::from_secs(60), "it takes no time");
            thread::sleep(WORK);
        }
    }

    #[test]
    fn damage_that_is_found_while_it_serves_ends_that() {
        let (_folder, path) = harmed(|bytes| {
            let middle = bytes.len() / 2;
            bytes[middle..middle + 6000].fill(0xA5);
        });
        let store = open(&path, 0).unwrap();
        looked_through(&store);
        let refused =
            [store.totals().unwrap_err(), store.accept(vec![delivery(DELIVERIES)], START).unwrap_err()];
        let named =
            |why: &StoreError| matches!(why, StoreError::Damaged(w) if w.starts_with(path.to_str().unwrap()));
        assert!(refused.iter().all(named), "{refused:?}");
        drop(store);
        assert!(matches!(SqliteStore::open(&path), Err(StoreError::Damaged(_))));
    }

    #[test]
    fn a_large_file_that_is_whole_goes_on() {
        let (_folder, path) = harmed(|_| ());
        let store = open(&path, 0).unwrap();
        let way = store.check.way().unwrap();
        for number in 0..20 {
            way.make();
            store.accept(vec![delivery(DELIVERIES + number)], START).unwrap();
        }
        looked_through(&store);
        store.totals().unwrap();
    }

    #[test]
    fn a_large_file_that_was_cut_off_is_not_opened() {
        let (_folder, path) = harmed(|bytes| bytes.truncate(bytes.len() - 4096));
        assert!(matches!(open(&path, 0), Err(StoreError::Damaged(_))));
    }
}
