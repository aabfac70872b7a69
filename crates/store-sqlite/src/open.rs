//! Opening: the folder and files, the lock, and what the file must promise.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use meshhook_store::StoreError;
use rusqlite::{Connection, OpenFlags};

use crate::SqliteStore;
use crate::fault::fault;
use crate::invariants;
use crate::migrate::migrate;

/// How long a writer waits for another (a backup, a shell); accept tells its caller to come again after that.
const BUSY: Duration = Duration::from_secs(3);

/// `PRAGMA synchronous`, as SQLite reads it back.
const FULL: i64 = 2;

impl SqliteStore {
    /// Opens the store in the file `path`, which is made if it is not there, with its folder.
    ///
    /// Both are made for their owner alone. Leases of a process before this one are void: the lock proves that it
    /// is gone, and the transaction id of whatever it had sent is still the same.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while another process has it open, [`StoreError::Newer`] after a downgrade, the
    /// other ones when the file cannot do what a store has to.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        make_folder(path)?;
        let lock = lock(path)?;
        private(path)?;
        let mut writer = connect(path)?;
        migrate(&mut writer)?;
        writer.execute("UPDATE room SET owner = '', lease_until = 0", []).map_err(fault)?;
        if cfg!(debug_assertions) {
            invariants::install(&writer)?;
        }
        let (writer, reader) = (Mutex::new(writer), Mutex::new(connect(path)?));
        let (evicted, backlog) = (AtomicU64::new(0), Mutex::default());
        Ok(Self { writer, reader, evicted, backlog, path: path.to_owned(), _lock: lock })
    }
}

fn unusable(what: &str, path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Unusable(format!("{what} {}: {error}", path.display()))
}

fn make_folder(path: &Path) -> Result<(), StoreError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| unusable("cannot make the folder", folder, &error))
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let file = private(&name)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(path.display().to_string())),
        Err(TryLockError::Error(error)) => Err(unusable("cannot lock", &name, &error)),
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
        .map_err(|error| unusable("cannot open", path, &error))
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(fault)?;
    connection.busy_timeout(BUSY).map_err(fault)?;
    connection.set_prepared_statement_cache_capacity(64);
    promise(&connection)?;
    Ok(connection)
}

/// Sets what durability rests on and reads it back: a file system or build that cannot do it must not be used.
fn promise(connection: &Connection) -> Result<(), StoreError> {
    let journal: String =
        connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(fault)?;
    if journal != "wal" {
        return Err(StoreError::Unusable(format!("its journal mode is {journal}, not WAL")));
    }
    connection
        .execute_batch(
            "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA fullfsync = ON; \
             PRAGMA checkpoint_fullfsync = ON; PRAGMA journal_size_limit = 67108864",
        )
        .map_err(fault)?;
    let synchronous: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0)).map_err(fault)?;
    if synchronous != FULL {
        return Err(StoreError::Unusable(format!("PRAGMA synchronous is {synchronous}, not FULL")));
    }
    Ok(())
}
