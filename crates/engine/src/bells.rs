//! The bells of the lanes, one a room: who has nothing to do there looks into the store all the same once woken.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::bell::Bell;

/// The rooms that have a lane, each with its bell.
#[derive(Debug, Default)]
pub(crate) struct Bells(Mutex<BTreeMap<String, Arc<Bell>>>);

impl Bells {
    fn rooms(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Bell>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a room's lane, if it has none yet, with its bell; one that cannot begin has none.
    pub(crate) fn add<E>(
        &self,
        room: &str,
        begin: impl FnOnce(&Arc<Bell>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rooms = self.rooms();
        if !rooms.contains_key(room) {
            let bell = Arc::default();
            begin(&bell)?;
            rooms.insert(room.to_owned(), bell);
        }
        Ok(())
    }

    /// There may be something to do in these rooms.
    pub(crate) fn ring(&self, these: &BTreeSet<String>) {
        let rooms = self.rooms();
        these.iter().filter_map(|room| rooms.get(room)).for_each(|bell| bell.ring());
    }

    /// There may be something to do in every room.
    pub(crate) fn ring_all(&self) {
        self.rooms().values().for_each(|bell| bell.ring());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_has_one_bell_once_its_lane_has_begun() {
        let bells = Bells::default();
        assert_eq!(bells.add("!a", |_| Err(())), Err(()));
        let mut heard = Vec::new();
        for room in ["!a", "!b", "!a"] {
            bells
                .add(room, |bell| {
                    heard.push(Arc::clone(bell));
                    Ok::<_, ()>(())
                })
                .unwrap();
        }
        bells.ring(&["!b", "!c"].map(str::to_owned).into());
        bells.ring_all();
        assert_eq!(heard.iter().map(|bell| bell.count()).collect::<Vec<_>>(), [1, 2]);
    }
}
