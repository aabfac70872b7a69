//! A look at a store from beside the gateway, which may be running: nothing is locked, made, mended or migrated.

use std::path::Path;

use meshhook_store::{GhostView, Identity, KeyUse, NodeView, StoreError};
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use crate::fault::fault;
use crate::migrate::recognise;
use crate::{ghosts, keys, nodes};

/// A store that is only looked at.
#[derive(Debug)]
pub struct Peek {
    connection: Connection,
    schema: usize,
}

impl Peek {
    /// Looks into the file at `path`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where it cannot be read, [`StoreError::Newer`] of a later schema,
    /// [`StoreError::Damaged`] of what is no database any more, [`StoreError::Unusable`] of another program's.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        // A log lies beside the real file.
        let real = path.canonicalize();
        let path = real.as_deref().unwrap_or(path);
        let connection = Connection::open_with_flags(address(path), flags | OpenFlags::SQLITE_OPEN_URI)
            .map_err(not_opened)?;
        let schema = recognise(&connection)?;
        Ok(Self { connection, schema })
    }

    /// As which user and device messages were last sent from it; `None` while nobody was.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn identity(&self) -> Result<Option<Identity>, StoreError> {
        if self.schema == 0 {
            return Ok(None);
        }
        let identity = |row: &rusqlite::Row<'_>| Ok(Identity { user: row.get(0)?, device: row.get(1)? });
        self.connection.query_row("SELECT user, device FROM identity", [], identity).optional().map_err(fault)
    }

    /// The machines that were heard of; none in a store of a version before they were noted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn nodes(&self) -> Result<Vec<NodeView>, StoreError> {
        if self.schema < 3 { Ok(Vec::new()) } else { nodes::nodes(&self.connection) }
    }

    /// When each key last verified a delivery; none in a store of a version before that was noted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn key_uses(&self) -> Result<Vec<KeyUse>, StoreError> {
        if self.schema < 4 { Ok(Vec::new()) } else { keys::uses(&self.connection) }
    }

    /// The users that machines speak as, in each room; none in a store of a version before they could.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn ghosts(&self) -> Result<Vec<GhostView>, StoreError> {
        if self.schema == 0 { Ok(Vec::new()) } else { ghosts::ghosts(&self.connection) }
    }
}

/// For who only looks it is no fault of the file that it cannot be opened.
fn not_opened(error: rusqlite::Error) -> StoreError {
    match fault(error) {
        StoreError::Unusable(words) => StoreError::Unavailable(words),
        why => why,
    }
}

/// Without a log nobody has the file open. Then SQLite is told that it does not change, for else it would leave a log of
/// whoever looks, which the gateway's user may not be able to open (sqlite.org/wal.html, "Read-Only Databases").
fn address(path: &Path) -> String {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let name = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let still = if Path::new(&log).exists() { "" } else { "?immutable=1" };
    format!("file:{name}{still}")
}
