//! What is news of a branch, for those who hear of changes alone.

use std::fmt;
use std::str::FromStr;

use crate::{BranchKey, Key, Moment};

/// That something of a branch has ended, to be said only if it ended otherwise than the last time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Of what branch.
    pub branch: BranchKey,
    /// How.
    pub ending: Ending,
    /// Why it is not said whatever it changes. It is remembered all the same: what comes after it is told by it.
    pub muted: Option<String>,
}

/// How something ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Whether well.
    pub well: bool,
    /// In what word, where that says more than `well` does; else empty.
    pub word: String,
}

/// What the store remembers of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Last {
    /// How it ended the last time.
    pub ending: Ending,
    /// When it began to end so well, or so badly, as far back as that is remembered.
    pub since: Moment,
    /// The announcement that said so last; where none did, the one that it is remembered from.
    pub told_by: Key,
    /// When this is forgotten.
    pub expires_at: Moment,
}

/// What an ending means to a branch, by the store's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct News {
    /// Which way it went.
    pub trend: Trend,
    /// When the branch broke.
    pub since: Moment,
    /// When this was found.
    pub at: Moment,
}

/// Which way a branch went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trend {
    /// It ended well before.
    Broken,
    /// It ended badly before.
    Fixed,
    /// It ended badly before, too.
    StillFailing,
}

impl Trend {
    /// Every trend.
    pub const ALL: [Self; 3] = [Self::Broken, Self::Fixed, Self::StillFailing];

    /// The trend's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::Fixed => "fixed",
            Self::StillFailing => "still_failing",
        }
    }
}

impl fmt::Display for Trend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Trend {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|trend| trend.as_str() == word).ok_or(())
    }
}
