//! One load of one program, with the processor time that both sides took for it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use meshhook_testkit::load::{Deliveries, Load, Pace, Target, cpu_time};

use crate::rows::Round;

/// What sources are set up with.
pub(crate) const SECRET: &str = "a-secret-of-thirty-two-characters";

/// At most so many in one load: a room takes no more than 200,000 that wait.
pub(crate) const MOST: u64 = 190_000;

/// More than so many a second are not accepted by anything on such a machine.
const MOST_A_SECOND: u64 = 60_000;

/// How a program is loaded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) connections: usize,
    pub(crate) pace: Pace,
    pub(crate) warm_up: Duration,
    pub(crate) span: Duration,
}

impl Plan {
    /// How many deliveries it may take.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "minutes at most")]
    pub(crate) fn deliveries(&self) -> u64 {
        let rate = match self.pace {
            Pace::Closed => MOST_A_SECOND,
            Pace::Open { rate } => u64::from(rate),
        };
        (rate * (self.warm_up + self.span).as_secs_f64().ceil() as u64).min(MOST)
    }

    /// Loads what listens there; `pid` is its process.
    pub(crate) fn load(
        &self,
        target: &Target,
        deliveries: &Deliveries,
        pid: Option<u32>,
    ) -> Result<Round, String> {
        let Self { connections, pace, warm_up, span } = *self;
        let load = Load { target, deliveries, connections, pace, warm_up, span };
        let used = || (pid.and_then(cpu_time), cpu_time(std::process::id()));
        let before = used();
        let figures = load.run().map_err(|e| format!("{}: {e}", target.address))?;
        let after = used();
        let took = |before, after: Option<_>| after.zip(before).map(|(after, before)| after - before);
        let (server, client) = (took(before.0, after.0), took(before.1, after.1));
        Ok(Round { figures, server, client, astray: None, synced: None })
    }
}

/// Deliveries that nobody has had yet, each made and signed once.
#[derive(Debug, Default)]
pub(crate) struct Supply {
    made: u64,
}

impl Supply {
    /// Of those far behind all that others make.
    pub(crate) const fn far_off() -> Self {
        Self { made: 8_000_000_000 }
    }

    /// So many that nobody has had.
    pub(crate) fn next(&mut self, count: u64, body: usize, secret: &str) -> Deliveries {
        let numbers = self.made..self.made + count;
        self.made = numbers.end;
        Deliveries::new(numbers, body, secret, now())
    }
}

/// Seconds since the epoch.
pub(crate) fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    i64::try_from(now).expect("this century")
}
