//! SQLite's errors in the store's words.

use meshhook_store::StoreError;
use rusqlite::{Error, ErrorCode, ffi};

use crate::invariants::assert_none;

/// What an error of SQLite means for the caller.
pub(crate) fn fault(error: Error) -> StoreError {
    assert_none(&error);
    let words = error.to_string();
    let Error::SqliteFailure(ffi::Error { code, extended_code }, _) = error else {
        return StoreError::Damaged(words);
    };
    match code {
        ErrorCode::DiskFull => StoreError::Full(words),
        // A limit on the size of files shows as a failed write.
        ErrorCode::SystemIoFailure if extended_code == ffi::SQLITE_IOERR_WRITE => StoreError::Full(words),
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Damaged(words),
        ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
            StoreError::Unusable(words)
        }
        _ => StoreError::Unavailable(words),
    }
}
