//! Opening: the folder and files, the lock, whether the file is whole, and what it must promise.
//!
//! Nothing of a database is changed before it is known to be ours, of a schema that this program knows, and whole, as
//! far as that takes nobody's time.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use meshhook_store::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::SqliteStore;
use crate::check::{self, Check};
use crate::fault::fault;
use crate::invariants;
use crate::migrate::{migrate, recognise};
use crate::mover::Mover;
use crate::place::Place;
use crate::wal;

/// How long a writer waits for another (a backup, a shell); accept tells its caller to come again after that.
const BUSY: Duration = Duration::from_secs(3);

/// How many KiB of pages the writer keeps: what a large batch changes, and the upper levels of trees with ten million
/// keys.
const CACHE: u32 = 16 * 1024;

/// From how many pages on a commit moves the log itself: far more than there are while the [mover](crate::mover) can.
const OVERDUE: u32 = 32_768;

/// `PRAGMA synchronous`, as SQLite reads it back.
const FULL: i64 = 2;

impl SqliteStore {
    /// Opens the store in the file `path`, which is made if it is not there, with its folder.
    ///
    /// Both are made for their owner alone. Leases of a process before this one are void: the lock proves that it
    /// is gone, and the transaction id of whatever it had sent is still the same.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while another process has it open, under whatever name, [`StoreError::Newer`] after a
    /// downgrade, [`StoreError::Damaged`] when what is there is not what was written, the other ones when the file
    /// cannot do what a store has to. A file that is refused stays as it was. One of more than 64 MiB is looked through
    /// while it serves: once damage is found, whatever writes fails with it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        open(path, check::AT_ONCE).map_err(|why| about(path, why))
    }
}

/// The same, with the file's name.
pub(crate) fn about(path: &Path, why: StoreError) -> StoreError {
    let named = |words| format!("{}: {words}", path.display());
    match why {
        StoreError::InUse(_) => StoreError::InUse(path.display().to_string()),
        StoreError::Full(words) => StoreError::Full(named(words)),
        StoreError::Unavailable(words) => StoreError::Unavailable(named(words)),
        StoreError::Damaged(words) => StoreError::Damaged(named(words)),
        StoreError::Unusable(words) => StoreError::Unusable(named(words)),
        why => why,
    }
}

/// A file of more than `at_once` bytes is looked through while it serves.
pub(crate) fn open(path: &Path, at_once: u64) -> Result<SqliteStore, StoreError> {
    make_folder(path)?;
    let path = &the_one_name(path)?;
    let lock = lock(path)?;
    wal::check(path)?;
    let mut writer = connect(path)?;
    let schema = recognise(&writer)?;
    let is_whole = check::before_it_opens(&writer, path, at_once)?;
    promise(&writer)?;
    migrate(&mut writer, schema)?;
    writer.execute("UPDATE room SET owner = '', lease_until = 0 WHERE owner <> ''", []).map_err(fault)?;
    if cfg!(debug_assertions) {
        invariants::install(&writer)?;
    }
    let (reader, log) = (connect(path)?, connect(path)?);
    for connection in [&reader, &log] {
        promise(connection)?;
    }
    for connection in [&writer, &reader, &log] {
        tidy_at_the_end(connection, true)?;
    }
    writer.execute_batch(&format!("PRAGMA cache_size = -{CACHE}")).map_err(fault)?;
    let writer = Arc::new(Mutex::new(writer));
    let check = if is_whole { Check::default() } else { Check::start(path)? };
    Ok(SqliteStore {
        mover: Mover::start(log, Arc::clone(&writer), check.way())?,
        check,
        writer,
        reader: Mutex::new(reader),
        evicted: AtomicU64::new(0),
        backlog: Mutex::default(),
        path: path.clone(),
        place: Place::of(path)?,
        _lock: lock,
    })
}

fn unusable(what: &str, error: &Error) -> StoreError {
    StoreError::Unusable(format!("{what}: {error}"))
}

fn make_folder(path: &Path) -> Result<(), StoreError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| unusable("its folder cannot be made", &error))
}

/// The file's name without symbolic links: the lock and SQLite's log lie beside it, and two names must not have two
/// of each.
fn the_one_name(path: &Path) -> Result<PathBuf, StoreError> {
    match fs::metadata(path) {
        Ok(found) => is_usable(&found)?,
        // Only where there is none: whoever has it open in this process would lose SQLite's locks with any other
        // handle that is closed (fcntl(2)).
        Err(error) if error.kind() == ErrorKind::NotFound => drop(private(path)?),
        Err(error) => return Err(unusable("it cannot be looked at", &error)),
    }
    path.canonicalize().map_err(|error| unusable("its place cannot be found", &error))
}

fn is_usable(found: &Metadata) -> Result<(), StoreError> {
    if !found.is_file() {
        return Err(StoreError::Unusable("it is not a file".to_owned()));
    }
    // Nothing leads from one hard link to the other, and SQLite would keep a log for each: both would be lost
    // (sqlite.org/howtocorrupt.html, 2.5).
    if found.nlink() > 1 {
        let names = found.nlink();
        return Err(StoreError::Unusable(format!("it has {names} names (hard links); remove the others")));
    }
    Ok(())
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = private(Path::new(&name))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(path.display().to_string())),
        Err(TryLockError::Error(error)) => Err(unusable("it cannot be locked", &error)),
    }
}

/// Opens a file of ours, made for its owner alone; SQLite gives its companions the same mode.
fn private(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|error| unusable(&format!("cannot open {}", path.display()), &error))
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(fault)?;
    connection.busy_timeout(BUSY).map_err(fault)?;
    connection.set_prepared_statement_cache_capacity(96);
    // Else a statement that an index with a condition may serve is planned anew for each value that is bound.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(fault)?;
    tidy_at_the_end(&connection, false)?;
    Ok(connection)
}

/// Whether the last connection to close moves the log into the file. It does not while the file is in doubt.
fn tidy_at_the_end(connection: &Connection, tidy: bool) -> Result<(), StoreError> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !tidy).map(|_| ()).map_err(fault)
}

/// Sets what durability rests on and reads it back: a file system or build that cannot do it must not be used.
fn promise(connection: &Connection) -> Result<(), StoreError> {
    let journal: String =
        connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(fault)?;
    if journal != "wal" {
        return Err(StoreError::Unusable(format!("its journal mode is {journal}, not WAL")));
    }
    connection
        .execute_batch(&format!(
            "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA fullfsync = ON; \
             PRAGMA checkpoint_fullfsync = ON; PRAGMA journal_size_limit = 67108864; \
             PRAGMA wal_autocheckpoint = {OVERDUE}"
        ))
        .map_err(fault)?;
    let synchronous: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0)).map_err(fault)?;
    if synchronous != FULL {
        return Err(StoreError::Unusable(format!("PRAGMA synchronous is {synchronous}, not FULL")));
    }
    Ok(())
}
