//! What came of a load.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

/// Latencies are told apart from a microsecond to a minute.
const BOUNDS: (u64, u64) = (1_000, 60_000_000_000);

/// In so many digits.
const DIGITS: u8 = 3;

/// What came of a load. Latencies and rate are of the requests that were to start after the warm-up, and of those of
/// an open loop from the moment at which they were to.
#[derive(Debug, Clone)]
pub struct Figures {
    /// Requests that were answered 2xx, those of the warm-up too.
    pub accepted: u64,
    /// Requests that were answered otherwise, by status.
    pub refused: BTreeMap<u16, u64>,
    /// Requests without an answer.
    pub unanswered: u64,
    /// Requests that an open loop had planned and did not make.
    pub missed: u64,
    warm: Duration,
    last: Duration,
    latencies: Histogram<u64>,
}

impl Figures {
    /// Before the first answer. What is to start before `warm` counts for nothing but its answer.
    pub(super) fn new(warm: Duration) -> Self {
        let latencies = Histogram::new_with_bounds(BOUNDS.0, BOUNDS.1, DIGITS);
        Self {
            accepted: 0,
            refused: BTreeMap::new(),
            unanswered: 0,
            missed: 0,
            warm,
            last: warm,
            latencies: latencies.expect("the bounds are in order"),
        }
    }

    /// An answer to what was to start at `intended`, both in time since the start.
    pub(super) fn answer(&mut self, status: u16, intended: Duration, now: Duration) {
        if !(200..300).contains(&status) {
            *self.refused.entry(status).or_default() += 1;
            return;
        }
        self.accepted += 1;
        if intended < self.warm {
            return;
        }
        self.last = self.last.max(now);
        let took = u64::try_from(now.saturating_sub(intended).as_nanos()).unwrap_or(u64::MAX);
        self.latencies.saturating_record(took);
    }

    /// Accepted a second, until the last answer came.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more")]
    pub fn rate(&self) -> f64 {
        let over = self.last.saturating_sub(self.warm).as_secs_f64();
        if over > 0.0 { self.latencies.len() as f64 / over } else { 0.0 }
    }

    /// Within so long that share of the accepted were answered, in percent.
    #[must_use]
    pub fn percentile(&self, percent: f64) -> Duration {
        Duration::from_nanos(self.latencies.value_at_percentile(percent))
    }

    /// Whether each request was made, and accepted.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.refused.is_empty() && self.unanswered == 0 && self.missed == 0
    }

    /// Two loads of the same kind as one: the latencies together, the rates one after the other.
    pub fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.unanswered += other.unanswered;
        self.missed += other.missed;
        for (status, count) in &other.refused {
            *self.refused.entry(*status).or_default() += count;
        }
        self.last += other.last.saturating_sub(other.warm);
        self.latencies.add(&other.latencies).expect("both have the same bounds");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn percentiles_and_rate_are_of_what_came_after_the_warm_up() {
        let mut figures = Figures::new(1000 * MS);
        figures.answer(202, 10 * MS, 900 * MS);
        for n in 0..100 {
            let intended = 1000 * MS + n * 10 * MS;
            figures.answer(202, intended, intended + (n + 1) * MS);
        }
        figures.answer(503, 1100 * MS, 1200 * MS);
        assert_eq!((figures.accepted, &figures.refused), (101, &BTreeMap::from([(503, 1)])));
        let close = |is: Duration, wanted: Duration| is.abs_diff(wanted) < wanted / 500;
        assert!(close(figures.percentile(50.0), 50 * MS) && close(figures.percentile(99.0), 99 * MS));
        // 100 within 1.09 s.
        assert!((figures.rate() - 100.0 / 1.09).abs() < 0.1, "{}", figures.rate());
        let mut both = figures.clone();
        both.add(&figures);
        assert!((both.rate() - figures.rate()).abs() < 0.1 && both.accepted == 202);
        assert!(!both.is_clean());
    }
}
