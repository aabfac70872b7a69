//! Whether the files that are open are still those that the next process will find.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use meshhook_store::StoreError;

/// A database and its log, and what they were when they were opened. Whoever writes into a file that was removed, or
/// that another was moved over, writes for nobody: SQLite notices it of neither in WAL mode.
#[derive(Debug)]
pub(crate) struct Place {
    files: [(PathBuf, Inode); 2],
}

/// Device and number: what a file is, whatever it is called.
type Inode = (u64, u64);

impl Place {
    /// Of a database that is open.
    pub(crate) fn of(database: &Path) -> Result<Self, StoreError> {
        let known = |path: PathBuf| inode(&path).map(|inode| (path, inode));
        let files = known(database.to_owned()).and_then(|file| Ok([file, known(log_of(database))?]));
        files
            .map(|files| Self { files })
            .map_err(|error| StoreError::Unusable(format!("it is gone: {error}")))
    }

    /// Fails where one of them is no longer there.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let gone = self.files.iter().find(|(path, known)| !inode(path).is_ok_and(|inode| inode == *known));
        match gone {
            None => Ok(()),
            Some((path, _)) => Err(StoreError::Unusable(format!(
                "{} was moved or removed while it was open",
                path.display()
            ))),
        }
    }
}

/// The write-ahead log of a database.
pub(crate) fn log_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

fn inode(path: &Path) -> io::Result<Inode> {
    fs::metadata(path).map(|found| (found.dev(), found.ino()))
}
