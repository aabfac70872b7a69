//! Whether somebody set the clock: who waits for a moment sleeps by a clock that nobody sets.

use std::time::{Duration, Instant};

use meshhook_store::Moment;

/// Clocks that are kept in step are set by less.
const SHOWS: Duration = Duration::from_millis(500);

/// When the clock was looked at last, by itself and by the one that sleeps go by. That one stands still while a machine
/// is suspended: then, too, the clock seems to be set.
#[derive(Debug)]
pub(crate) struct Glance {
    wall: Moment,
    at: Instant,
}

impl Glance {
    /// The first look.
    pub(crate) fn at(now: Moment) -> Self {
        Self { wall: now, at: Instant::now() }
    }

    /// Looks again: whether the clock was set since the last time.
    pub(crate) fn sees_it_set(&mut self, now: Moment) -> bool {
        let expected = self.wall.plus(self.at.elapsed());
        *self = Self::at(now);
        expected.since(now).max(now.since(expected)) > SHOWS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_is_seen_once_whichever_way() {
        let start = Moment::from_seconds(1000);
        let mut glance = Glance::at(start);
        assert!(!glance.sees_it_set(start));
        for set_to in [start.plus(Duration::from_secs(5)), start] {
            assert!(glance.sees_it_set(set_to));
            assert!(!glance.sees_it_set(set_to));
        }
    }
}
