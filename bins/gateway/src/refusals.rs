//! What was refused since the start: how often, when last, and from where.
//!
//! The names that requests give are not kept, but those of sources that there are: so it is bounded, and no secret that
//! somebody put into a wrong place is in it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use meshhook_model::Timestamp;
use meshhook_store::Moment;
use serde::Serialize;

use crate::problem::Problem;

/// Refusals by source and reason.
#[derive(Debug)]
pub(crate) struct Refusals {
    since: Moment,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    /// An entry for each source that there is.
    of_sources: BTreeMap<String, Vec<Refused>>,
    /// What named no source of ours.
    elsewhere: Vec<Refused>,
}

/// What was refused for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Refused {
    /// The word that the log has, too.
    reason: &'static str,
    count: u64,
    last_at: Option<Timestamp>,
    /// Who it was the last time; `null` where no trusted proxy told.
    client: Option<IpAddr>,
    /// How far the time that the sender signed was ahead of ours the last time; below 0 where it was behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_off_seconds: Option<i64>,
}

impl Refusals {
    /// None yet.
    pub(crate) fn new(since: Moment) -> Self {
        Self { since, counts: Mutex::default() }
    }

    /// Since when they are counted.
    pub(crate) const fn since(&self) -> Moment {
        self.since
    }

    /// One more.
    pub(crate) fn count(&self, source: Option<&str>, problem: &Problem, client: Option<IpAddr>, now: Moment) {
        let mut counts = self.counts();
        let refused = match source {
            Some(name) => counts.of_sources.get_mut(name),
            None => Some(&mut counts.elsewhere),
        };
        // A source that is gone is none of ours, and was when the request began.
        let Some(refused) = refused else { return };
        let known = refused.iter().position(|known| known.reason == problem.reason);
        let before = known.map_or(0, |at| refused.remove(at).count);
        refused.push(Refused {
            reason: problem.reason,
            count: before.saturating_add(1),
            last_at: Timestamp::from_unix(now.seconds()),
            client,
            clock_off_seconds: problem.clock_off_seconds,
        });
    }

    /// These are the sources from now on; those of others are forgotten.
    pub(crate) fn only<'n>(&self, sources: impl Iterator<Item = &'n str>) {
        let counts = &mut self.counts().of_sources;
        let mut before = std::mem::take(counts);
        *counts = sources.map(|name| (name.to_owned(), before.remove(name).unwrap_or_default())).collect();
    }

    /// Those of a source, the last one first.
    pub(crate) fn of(&self, source: &str) -> Vec<Refused> {
        self.counts().of_sources.get(source).map_or_else(Vec::new, |refused| last_first(refused))
    }

    /// Those of nobody, the last one first.
    pub(crate) fn elsewhere(&self) -> Vec<Refused> {
        last_first(&self.counts().elsewhere)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn last_first(refused: &[Refused]) -> Vec<Refused> {
    refused.iter().rev().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(refusals: &Refusals, source: Option<&str>, reason: &'static str, off: Option<i64>, second: i64) {
        let problem = Problem::unauthorized(reason).with_clock_off(off);
        let client = format!("192.0.2.{second}").parse().ok();
        refusals.count(source, &problem, client, Moment::from_seconds(second));
    }

    #[test]
    fn the_last_of_each_reason_is_kept_with_their_number() {
        let refusals = Refusals::new(Moment::from_seconds(0));
        refusals.only(["github"].into_iter());
        count(&refusals, Some("github"), "stale", Some(-900), 1);
        count(&refusals, Some("github"), "unsigned", None, 2);
        count(&refusals, Some("github"), "stale", Some(-600), 3);
        count(&refusals, None, "unknown_source", None, 4);
        let told = serde_json::to_value((refusals.of("github"), refusals.elsewhere())).unwrap();
        let expected = serde_json::json!([
            [
                { "reason": "stale", "count": 2, "last_at": "1970-01-01T00:00:03Z", "client": "192.0.2.3",
                  "clock_off_seconds": -600 },
                { "reason": "unsigned", "count": 1, "last_at": "1970-01-01T00:00:02Z", "client": "192.0.2.2" },
            ],
            [{ "reason": "unknown_source", "count": 1, "last_at": "1970-01-01T00:00:04Z", "client": "192.0.2.4" }],
        ]);
        assert_eq!(told, expected);
        assert_eq!(refusals.of("nobody"), []);
    }

    #[test]
    fn a_source_that_is_gone_does_not_come_back() {
        let refusals = Refusals::new(Moment::from_seconds(0));
        refusals.only(["github", "gitlab"].into_iter());
        count(&refusals, Some("github"), "stale", None, 1);
        count(&refusals, Some("gitlab"), "stale", None, 2);
        refusals.only(["gitlab"].into_iter());
        // Its request began before that.
        count(&refusals, Some("github"), "stale", None, 3);
        refusals.only(["github", "gitlab"].into_iter());
        assert_eq!((refusals.of("github").len(), refusals.of("gitlab").len()), (0, 1));
        assert_eq!(refusals.elsewhere(), []);
    }
}
