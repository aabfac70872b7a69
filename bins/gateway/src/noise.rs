//! How much strangers may have written into the log.

use std::time::{Duration, Instant};

/// How long lines count.
const WINDOW: Duration = Duration::from_secs(60);

/// So many lines in a window are written: some 10 MB an hour at most.
const ALLOWED: u32 = 600;

/// Counts the lines that nobody proved to have a right to cause. Each is a line of an address that has not failed too
/// often; but addresses are cheap.
#[derive(Debug)]
pub(crate) struct Noise {
    since: Instant,
    lines: u32,
}

/// What to do with a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heed {
    Write,
    /// The same, and that there will be no more for a while.
    WriteLast,
    Drop,
}

impl Noise {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { since: now, lines: 0 }
    }

    /// One line more.
    pub(crate) fn heed(&mut self, now: Instant) -> Heed {
        if now.duration_since(self.since) >= WINDOW {
            *self = Self::new(now);
        }
        self.lines = self.lines.saturating_add(1);
        match self.lines {
            ..ALLOWED => Heed::Write,
            ALLOWED => Heed::WriteLast,
            _ => Heed::Drop,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_so_many_lines_there_are_none_until_the_next_minute() {
        let start = Instant::now();
        let mut noise = Noise::new(start);
        assert!((1..ALLOWED).all(|_| noise.heed(start) == Heed::Write));
        assert_eq!([noise.heed(start), noise.heed(start)], [Heed::WriteLast, Heed::Drop]);
        assert_eq!(noise.heed(start + WINDOW), Heed::Write);
    }
}
