//! What a status means to its branch, in words and as data.

use meshhook_model::Timestamp;
use serde_json::{Map, Value};

use crate::words;

/// What a finished build means to its branch, where only changes are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum News {
    /// It went well the last time.
    Broken {
        /// When the branch broke: now.
        since: Timestamp,
    },
    /// It had failed the last time.
    Fixed {
        /// When the branch broke.
        since: Timestamp,
        /// For how many seconds it was; 0 where that is not known.
        after: u64,
    },
    /// It fails otherwise than the last time.
    StillFailing {
        /// When the branch broke.
        since: Timestamp,
    },
}

impl News {
    /// The data's word.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Broken { .. } => "broken",
            Self::Fixed { .. } => "fixed",
            Self::StillFailing { .. } => "still_failing",
        }
    }

    const fn since(self) -> Timestamp {
        match self {
            Self::Broken { since } | Self::Fixed { since, .. } | Self::StillFailing { since } => since,
        }
    }

    /// For people.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Broken { .. } => "broken".to_owned(),
            Self::Fixed { after: 0, .. } => "fixed".to_owned(),
            Self::Fixed { after, .. } => format!("fixed after {}", words::duration(after)),
            Self::StillFailing { since } => format!("still failing since {}", words::clock(since)),
        }
    }

    /// For programs: into a status's data.
    pub(crate) fn add_to(self, data: &mut Map<String, Value>) {
        data.insert("change".into(), self.as_str().into());
        data.insert("since".into(), self.since().to_string().into());
    }
}
