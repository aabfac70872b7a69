//! When each request is to start.

use std::time::Duration;

/// What the next request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// An answer to the one before on its connection: as many as can be, and who is slow is asked less.
    Closed,
    /// The moment that was planned, so many a second, whatever becomes of those before. What cannot start then, since
    /// every connection waits, starts late; its latency counts from the moment that was planned.
    Open {
        /// Requests a second, at least one.
        rate: u32,
    },
}

/// What there is to do at a moment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A request, which was to start at this moment.
    Start(Duration),
    /// Nothing before this moment.
    Wait(Duration),
    /// Nothing any more.
    Over,
}

/// The plan of one load, in time since its start.
#[derive(Debug)]
pub(super) struct Schedule {
    pace: Pace,
    /// From then on nothing starts.
    end: Duration,
    /// So many may start.
    left: u64,
    started: u64,
}

impl Schedule {
    pub(super) const fn new(pace: Pace, end: Duration, left: u64) -> Self {
        Self { pace, end, left, started: 0 }
    }

    /// What is to be done by a connection that is free `now`.
    pub(super) fn next(&mut self, now: Duration) -> Next {
        let intended = match self.pace {
            Pace::Closed => now,
            Pace::Open { rate } => intended(self.started, rate),
        };
        if intended >= self.end || self.started == self.left {
            return Next::Over;
        }
        if intended > now {
            return Next::Wait(intended);
        }
        self.started += 1;
        Next::Start(intended)
    }

    /// How many have started.
    pub(super) const fn started(&self) -> u64 {
        self.started
    }

    /// How many should have started and have not, since there were no more, or no time.
    pub(super) fn missed(&self) -> u64 {
        match self.pace {
            Pace::Closed => 0,
            Pace::Open { rate } => planned(self.end, rate).saturating_sub(self.started),
        }
    }
}

/// The start of a request of that number, from 0. Reckoned from the number and not from the one before: no drift.
fn intended(number: u64, rate: u32) -> Duration {
    let nanos = u128::from(number) * 1_000_000_000 / u128::from(rate.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// How many start before `end`.
fn planned(end: Duration, rate: u32) -> u64 {
    u64::try_from((end.as_nanos() * u128::from(rate.max(1))).div_ceil(1_000_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Figures;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn starts_are_even_and_do_not_drift() {
        assert_eq!(intended(1, 3), Duration::from_nanos(333_333_333));
        assert_eq!(intended(3 * 86_400, 3), Duration::from_secs(86_400));
        assert_eq!(intended(7_000 * 60 + 7, 7_000), Duration::from_secs(60) + MS);
        assert_eq!((planned(10 * MS, 1000), planned(10 * MS, 150)), (10, 2));
    }

    #[test]
    fn an_open_loop_catches_up_and_a_closed_one_does_not() {
        let mut open = Schedule::new(Pace::Open { rate: 1000 }, 5 * MS, 100);
        assert_eq!(open.next(Duration::ZERO), Next::Start(Duration::ZERO));
        assert_eq!(open.next(Duration::ZERO), Next::Wait(MS));
        let late: Vec<_> = std::iter::repeat_with(|| open.next(9 * MS)).take(5).collect();
        let starts = [1, 2, 3, 4].map(|n| Next::Start(n * MS));
        assert_eq!((&late[..4], &late[4]), (&starts[..], &Next::Over));
        let mut closed = Schedule::new(Pace::Closed, 5 * MS, 100);
        assert_eq!(closed.next(3 * MS), Next::Start(3 * MS));
        assert_eq!(closed.next(5 * MS), Next::Over);
    }

    #[test]
    fn nothing_starts_that_is_not_there() {
        let mut schedule = Schedule::new(Pace::Open { rate: 1000 }, 5 * MS, 2);
        let all: Vec<_> = std::iter::repeat_with(|| schedule.next(9 * MS)).take(3).collect();
        assert_eq!(all[2], Next::Over);
        assert_eq!((schedule.started(), schedule.missed()), (2, 3));
    }

    /// A server that answers within a millisecond, but not at all in the second of two seconds: who asks it one after
    /// the other has one slow answer among a hundred, and who asked it every ten milliseconds waits half of the time.
    #[test]
    fn a_stall_is_suffered_by_all_who_were_to_ask_in_it() {
        let second = Duration::from_secs(1);
        let answered =
            |asked: Duration| if asked < second { asked + MS } else { (2 * second).max(asked) + MS };
        let played = |pace| {
            let mut schedule = Schedule::new(pace, 2 * second, u64::MAX);
            let (mut now, mut figures) = (Duration::ZERO, Figures::new(Duration::ZERO));
            loop {
                match schedule.next(now) {
                    Next::Start(intended) => {
                        now = answered(now);
                        figures.answer(202, intended, now);
                    }
                    Next::Wait(until) => now = until,
                    Next::Over => return figures,
                }
            }
        };
        let (open, closed) = (played(Pace::Open { rate: 100 }), played(Pace::Closed));
        assert!(closed.percentile(99.0) < 2 * MS, "{:?}", closed.percentile(99.0));
        let half = open.percentile(75.0);
        assert!((500 * MS..600 * MS).contains(&half), "{half:?}");
        assert!(open.percentile(25.0) < 2 * MS && open.percentile(99.0) > 900 * MS);
    }
}
