//! The users that machines speak as.

use std::collections::BTreeSet;

use super::MemoryStore;
use crate::{Enrolled, GhostView, Ghosts, StoreError};

/// What is on record of a user in a room.
#[derive(Debug)]
pub(super) struct Ghost {
    device: String,
    ready: bool,
}

impl Ghosts for MemoryStore {
    fn enrol(&self, user: &str, room: &str, device: &str, most: usize) -> Result<Enrolled, StoreError> {
        let ghosts = &mut self.tables().ghosts;
        let users: BTreeSet<&String> = ghosts.keys().map(|(user, _)| user).collect();
        if !users.contains(&user.to_owned()) && users.len() >= most {
            return Ok(Enrolled::TooMany);
        }
        let place = (user.to_owned(), room.to_owned());
        let ghost = ghosts.entry(place).or_insert(Ghost { device: device.to_owned(), ready: false });
        if ghost.device != device {
            *ghost = Ghost { device: device.to_owned(), ready: false };
        }
        Ok(if ghost.ready { Enrolled::Ready } else { Enrolled::Unready })
    }

    fn set_ready(&self, user: &str, room: &str, ready: bool) -> Result<(), StoreError> {
        if let Some(ghost) = self.tables().ghosts.get_mut(&(user.to_owned(), room.to_owned())) {
            ghost.ready = ready;
        }
        Ok(())
    }

    fn ghosts(&self) -> Result<Vec<GhostView>, StoreError> {
        let tables = self.tables();
        let view = |((user, room), ghost): (&(String, String), &Ghost)| GhostView {
            user: user.clone(),
            room: room.clone(),
            ready: ghost.ready,
        };
        Ok(tables.ghosts.iter().map(view).collect())
    }
}
