//! How many deliveries wait for a room, bounded without counting them at each acceptance.

use std::collections::HashMap;

use meshhook_store::{StoreError, rules};
use rusqlite::{Connection, params};

use crate::fault::fault;

/// Knows of each room how many wait at most: as many as at the last count, and all that came since. What an operator
/// orders again comes on top: it is on the disk already.
#[derive(Debug)]
pub(crate) struct Backlog {
    bound: u64,
    at_most: HashMap<String, u64>,
}

impl Default for Backlog {
    fn default() -> Self {
        Self::new(rules::MAX_WAITING)
    }
}

impl Backlog {
    pub(crate) fn new(bound: u64) -> Self {
        Self { bound, at_most: HashMap::new() }
    }

    /// Makes room for one more.
    pub(crate) fn take_in(&mut self, db: &Connection, room: &str) -> Result<(), StoreError> {
        let known = self.at_most.get(room).copied().filter(|waiting| *waiting < self.bound);
        let waiting = known.map_or_else(|| count(db, room, self.bound), Ok)?;
        if waiting >= self.bound {
            return Err(StoreError::RoomFull { room: room.to_owned(), waiting });
        }
        match self.at_most.get_mut(room) {
            Some(known) => *known = waiting + 1,
            None => drop(self.at_most.insert(room.to_owned(), waiting + 1)),
        }
        Ok(())
    }
}

fn count(db: &Connection, room: &str, bound: u64) -> Result<u64, StoreError> {
    db.prepare_cached(
        "SELECT count(*) FROM (SELECT 1 FROM delivery WHERE room = ?1 AND status = 'pending' LIMIT ?2)",
    )
    .and_then(|mut s| s.query_row(params![room, bound], |row| row.get(0)))
    .map_err(fault)
}
