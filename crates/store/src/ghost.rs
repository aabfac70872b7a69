//! The users that machines speak as.

/// Where a machine's user stands in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Enrolled {
    /// It can send there.
    Ready,
    /// It is on record, and has yet to be made able to.
    Unready,
    /// It is not on record, and there are as many others as there may be.
    TooMany,
}

/// A machine's user in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GhostView {
    /// The user id.
    pub user: String,
    /// The room.
    pub room: String,
    /// Whether it can send there, as far as is known.
    pub ready: bool,
}
