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
            Some(name) => counts.of_source(name),
            None => &mut counts.elsewhere,
        };
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

    /// Forgets those of other sources.
    pub(crate) fn keep(&self, is_source: impl Fn(&str) -> bool) {
        self.counts().of_sources.retain(|name, _| is_source(name));
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

impl Counts {
    fn of_source(&mut self, name: &str) -> &mut Vec<Refused> {
        if !self.of_sources.contains_key(name) {
            self.of_sources.insert(name.to_owned(), Vec::new());
        }
        self.of_sources.entry(name.to_owned()).or_default()
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
}
