//! Forgetting what has expired, in small steps, and only while the clocks agree.

use std::time::Duration;

use meshhook_store::{Moment, Store};

use crate::clock::Clock;
use crate::observe::{Observer, Sight};

/// How often there is a look for what has expired.
pub(crate) const EVERY: Duration = Duration::from_secs(60);

/// How many rows go in one transaction: accepting does not wait long for it.
const STEP: usize = 200;

/// How far wall clock and monotonic clock may differ.
const AGREE: Duration = Duration::from_secs(3600);

/// Compares the wall clock with one that nobody sets.
#[derive(Debug)]
pub(crate) struct Upkeep {
    wall: Moment,
    running: Duration,
    jumped: bool,
}

impl Upkeep {
    pub(crate) fn new(clock: &dyn Clock) -> Self {
        Self { wall: clock.now(), running: clock.running(), jumped: false }
    }

    /// One step; true when there is more to do.
    pub(crate) fn step(&mut self, store: &dyn Store, clock: &dyn Clock, observer: &dyn Observer) -> bool {
        let now = clock.now();
        if !self.agree(now, clock.running()) {
            if !std::mem::replace(&mut self.jumped, true) {
                observer.see(Sight::ClockJumped);
            }
            return false;
        }
        self.jumped = false;
        match store.purge(now, STEP) {
            Ok(rows) => {
                if rows > 0 {
                    observer.see(Sight::Purged { rows });
                }
                rows == STEP
            }
            Err(why) => {
                observer.see(Sight::StoreFailed { doing: "purge", why: &why });
                false
            }
        }
    }

    fn agree(&self, now: Moment, running: Duration) -> bool {
        let expected = self.wall.plus(running.saturating_sub(self.running));
        now.since(expected) < AGREE && expected.since(now) < AGREE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_stops_the_purge_until_it_is_set_back() {
        let upkeep = Upkeep { wall: Moment::from_seconds(1000), running: Duration::ZERO, jumped: false };
        let hour = Duration::from_secs(3600);
        assert!(upkeep.agree(Moment::from_seconds(1000).plus(hour * 50), hour * 50));
        assert!(!upkeep.agree(Moment::from_seconds(1000).plus(hour * 52), hour * 50));
        assert!(!upkeep.agree(Moment::from_seconds(1000), hour * 2));
        assert!(upkeep.agree(Moment::from_seconds(1000), Duration::from_secs(60)));
    }
}
