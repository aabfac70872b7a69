//! What an engine goes by, as far as it can be replaced while it runs.

use std::sync::Arc;

use crate::admit::Source;
use crate::engine::{Engine, EngineError};
use crate::freeze::Look;
use crate::plan::Digest;
use crate::room::Encrypted;

/// What an engine goes by. Nothing that was accepted or frozen changes with it.
#[derive(Debug)]
pub struct Conduct {
    /// Who may post; asked for when a kept body is read again.
    pub sources: Vec<Arc<Source>>,
    /// What to do with an encrypted room.
    pub encrypted: Encrypted,
    /// When and how deliveries share a message.
    pub digest: Digest,
    /// How messages look.
    pub look: Look,
    /// How many machines may speak for themselves, where an application service sends; none, if 0.
    pub ghosts: usize,
}

impl Conduct {
    /// Whether anything can be said in a room.
    pub(crate) fn serves(&self, room: &str) -> bool {
        self.rooms().any(|known| known == room)
    }

    /// Whether a machine is listed still.
    pub(crate) fn lists(&self, node: &str) -> bool {
        self.sources.iter().any(|source| source.pool.lists(node))
    }

    /// The rooms that are written into, some perhaps more than once.
    pub(crate) fn rooms(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().flat_map(|source| source.rooms())
    }
}

impl Engine {
    /// Goes by another conduct from now on. What is owed to rooms that no source has any more is sent all the same.
    ///
    /// # Errors
    /// [`EngineError`]: the conduct is as it was.
    pub fn adopt(&self, conduct: Conduct) -> Result<(), EngineError> {
        for room in conduct.rooms() {
            self.serve(room)?;
        }
        self.shared.conduct.set(conduct);
        self.lanes.ring_all();
        Ok(())
    }
}
