//! SQLite's errors in the store's words.

use meshhook_store::StoreError;
use rusqlite::{Error, ErrorCode, ffi};

use crate::invariants::assert_none;

/// How a write fails where the disk is not full, but a quota is, or a limit on the size of files.
const FAILED_WRITES: [i32; 2] = [ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_SHMSIZE];

/// What an error of SQLite means for the caller.
pub(crate) fn fault(error: Error) -> StoreError {
    assert_none(&error);
    let words = error.to_string();
    let Error::SqliteFailure(ffi::Error { code, extended_code }, _) = error else {
        return StoreError::Damaged(words);
    };
    match code {
        ErrorCode::DiskFull => StoreError::Full(words),
        ErrorCode::SystemIoFailure if FAILED_WRITES.contains(&extended_code) => {
            StoreError::Full(format!("{words}: a quota, a limit on the size of files, or the disk itself"))
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Damaged(words),
        ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
            StoreError::Unusable(words)
        }
        _ => StoreError::Unavailable(words),
    }
}
