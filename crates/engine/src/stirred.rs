//! The rooms about which something was heard: what is known of them is to be found out anew.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The rooms whose lanes have not noticed yet.
#[derive(Debug, Default)]
pub(crate) struct Stirred(Mutex<BTreeSet<String>>);

impl Stirred {
    /// Something was heard of a room that has a lane.
    pub(crate) fn stir(&self, room: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(room.to_owned());
    }

    /// Whether there was, since this was asked last.
    pub(crate) fn take(&self, room: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(room)
    }
}
