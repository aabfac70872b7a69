//! Wakes those who wait for work.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Rung whenever there may be something new to do. A ring between looking and waiting is not lost.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rings: Mutex<u64>,
    rung: Condvar,
}

impl Bell {
    /// How often it was rung: to be asked before one looks for work.
    pub(crate) fn count(&self) -> u64 {
        *self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn ring(&self) {
        *self.rings.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.rung.notify_all();
    }

    /// Waits until it has been rung more than `heard` times, or the time is over; for ever without a time.
    pub(crate) fn wait(&self, heard: u64, at_most: Option<Duration>) {
        let rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        match at_most {
            Some(time) => drop(self.rung.wait_timeout_while(rings, time, |rings| *rings == heard)),
            None => drop(self.rung.wait_while(rings, |rings| *rings == heard)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_before_the_wait_is_heard() {
        let bell = Bell::default();
        let heard = bell.count();
        bell.ring();
        bell.wait(heard, None);
        bell.wait(bell.count(), Some(Duration::from_millis(1)));
    }
}
