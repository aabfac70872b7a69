//! Forgetting what has expired, in small steps, and only by a clock that the homeserver agrees with.

use std::time::Duration;

use meshhook_matrix::Client;
use meshhook_store::{Moment, Store};

use crate::clock::Clock;
use crate::observe::{Observer, Sight};

/// How often there is a look for what has expired.
pub(crate) const EVERY: Duration = Duration::from_secs(60);

/// The pause between two steps, while there is more: whoever accepts meanwhile gets a turn.
pub(crate) const PAUSE: Duration = Duration::from_millis(50);

/// How many rows go in one transaction: each takes pages all over the store, and whoever accepts waits for all of them.
const STEP: usize = 50;

/// How far our clock and the homeserver's may differ.
const AGREE: Duration = Duration::from_secs(300);

/// How far the wall clock may drift from one that nobody sets before the homeserver is asked again: it is also what a
/// machine that slept shows.
const DRIFT: Duration = Duration::from_secs(3600);

/// Forgets by the wall clock, as long as that can be believed: a clock that is days ahead would forget every mark, and
/// each redelivery would be a second message.
#[derive(Debug, Default)]
pub(crate) struct Upkeep {
    /// A moment at which the homeserver agreed, on both clocks.
    agreed: Option<(Moment, Duration)>,
    doubted: bool,
}

impl Upkeep {
    /// One step; how long to wait for the next.
    pub(crate) fn step(
        &mut self,
        store: &dyn Store,
        client: &Client,
        clock: &dyn Clock,
        observer: &dyn Observer,
    ) -> Duration {
        if !self.is_right(clock) && !self.ask(client, clock, observer) {
            return EVERY;
        }
        match store.purge(clock.now(), STEP) {
            Ok(rows) => {
                if rows > 0 {
                    observer.see(Sight::Purged { rows });
                }
                if rows < STEP { EVERY } else { PAUSE }
            }
            Err(why) => {
                observer.see(Sight::StoreFailed { doing: "purge", why: &why });
                EVERY
            }
        }
    }

    /// Whether the wall clock has run as the other one has, since the homeserver agreed.
    fn is_right(&self, clock: &dyn Clock) -> bool {
        self.agreed.is_some_and(|(wall, running)| {
            let expected = wall.plus(clock.running().saturating_sub(running));
            difference(expected, clock.now()) < DRIFT
        })
    }

    fn ask(&mut self, client: &Client, clock: &dyn Clock, observer: &dyn Observer) -> bool {
        // Who does not answer, or does not say, is asked again.
        let Ok(Some(theirs)) = client.server_time() else { return false };
        let agrees = difference(Moment::from_seconds(theirs), clock.now()) < AGREE;
        self.agreed = agrees.then(|| (clock.now(), clock.running()));
        if !agrees && !self.doubted {
            observer.see(Sight::ClockInDoubt);
        }
        if agrees && self.doubted {
            observer.see(Sight::ClockAgrees);
        }
        self.doubted = !agrees;
        agrees
    }
}

fn difference(one: Moment, other: Moment) -> Duration {
    one.since(other).max(other.since(one))
}
