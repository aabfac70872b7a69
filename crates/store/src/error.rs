//! What a store can fail with.

/// A store operation that did not happen. Nothing of it is durable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process holds the store.
    #[error("the store is in use by another process ({0})")]
    InUse(String),
    /// Written by a later version of this program.
    #[error("the store has schema {found}, this program knows {known}; it was written by a newer version")]
    Newer {
        /// The schema in the store.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
    /// The disk is full, or a limit on the file is reached.
    #[error("the store is full ({0})")]
    Full(String),
    /// So many deliveries wait for the room that no more are taken in; other rooms are not concerned.
    #[error("{waiting} deliveries wait for the room {room} already")]
    RoomFull {
        /// The room.
        room: String,
        /// How many wait.
        waiting: u64,
    },
    /// Busy for longer than may be waited, or not reachable.
    #[error("the store does not answer ({0})")]
    Unavailable(String),
    /// What was read is not what was written.
    #[error("the store is damaged ({0})")]
    Damaged(String),
    /// It cannot be opened, or does not keep what it is told to keep.
    #[error("the store cannot be used ({0})")]
    Unusable(String),
}

/// Why an operator's order was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ActError {
    /// There is no such delivery.
    #[error("no such delivery")]
    Unknown,
    /// The delivery is in a status in which this is not possible.
    #[error("not possible while the delivery is {0}")]
    Conflict(crate::Status),
    /// Its body cannot be read now either: its source is gone, or no longer reads such bodies.
    #[error("its body cannot be read now either")]
    Unreadable,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
