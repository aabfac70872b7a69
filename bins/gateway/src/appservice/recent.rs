//! What was heard lately, so that nothing is heard twice.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

/// How many ids of events are remembered.
const REMEMBERED: usize = 10_000;

/// The ids of the last events. The homeserver's own numbers of transactions tell nothing: on SQLite, Synapse begins again
/// with 1 at each start (element-hq/synapse#14556).
#[derive(Debug, Default)]
pub(crate) struct Recent {
    known: HashSet<String>,
    order: VecDeque<String>,
}

impl Recent {
    /// Whether an event is heard of for the first time, as far as is remembered; from now on it was.
    pub(crate) fn is_new(&mut self, event_id: &str) -> bool {
        if !self.known.insert(event_id.to_owned()) {
            return false;
        }
        self.order.push_back(event_id.to_owned());
        if self.order.len() > REMEMBERED {
            self.order.pop_front().map(|oldest| self.known.remove(&oldest));
        }
        true
    }
}

/// How often a board is answered in a room.
const EACH: Duration = Duration::from_secs(10);

/// When each room had its last board. Only rooms of the configuration get here, so it does not grow.
#[derive(Debug, Default)]
pub(crate) struct Paced(HashMap<String, Duration>);

impl Paced {
    /// Whether a room may have one now, on a clock that nobody sets; if so, it has.
    pub(crate) fn may(&mut self, room: &str, running: Duration) -> bool {
        let too_soon = self.0.get(room).is_some_and(|last| running.saturating_sub(*last) < EACH);
        if !too_soon {
            self.0.insert(room.to_owned(), running);
        }
        !too_soon
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_new_once_and_the_oldest_are_forgotten() {
        let mut recent = Recent::default();
        let id = |n: usize| format!("$e{n}");
        assert!((0..REMEMBERED).all(|n| recent.is_new(&id(n))));
        assert!((0..REMEMBERED).all(|n| !recent.is_new(&id(n))));
        assert!(recent.is_new(&id(REMEMBERED)));
        assert!(!recent.is_new(&id(1)) && recent.is_new(&id(0)));
        assert_eq!((recent.known.len(), recent.order.len()), (REMEMBERED, REMEMBERED));
    }

    #[test]
    fn a_room_has_a_board_every_ten_seconds() {
        let mut paced = Paced::default();
        let at = Duration::from_secs;
        assert!(paced.may("!a", at(0)) && paced.may("!b", at(1)));
        assert!(!paced.may("!a", at(9)) && paced.may("!a", at(10)) && !paced.may("!a", at(19)));
    }
}
