//! A POST on its way, to its line in the log.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use meshhook_engine::Answer;
use tracing::{debug, info, warn};

use super::{Observations, millis, unix};
use crate::crowd::Guest;
use crate::ingress::Hook;
use crate::log::plain;
use crate::problem::Problem;

/// What became of a POST.
pub(crate) enum Outcome<'a> {
    /// It is stored.
    Accepted(&'a Answer),
    /// It is not.
    Refused(&'a Problem),
    /// Its client left before its answer.
    Left,
}

/// A POST on its way, which is seen to its end even if its client leaves.
pub(crate) struct Trace<'a> {
    observations: &'a Observations,
    id: &'a str,
    client: Option<IpAddr>,
    guest: &'a Guest,
    source: Option<Arc<Hook>>,
    since: Instant,
    ended: bool,
}

impl<'a> Trace<'a> {
    pub(crate) fn new(
        observations: &'a Observations,
        id: &'a str,
        client: Option<IpAddr>,
        guest: &'a Guest,
    ) -> Self {
        Self { observations, id, client, guest, source: None, since: Instant::now(), ended: false }
    }

    /// It names this source, or fits it alone.
    pub(crate) fn source(&mut self, hook: Option<&Arc<Hook>>) {
        self.source = hook.map(Arc::clone);
    }

    fn source_name(&self) -> Option<&str> {
        self.source.as_ref().map(|hook| hook.source.name.as_str())
    }

    /// The end.
    pub(crate) fn end(&mut self, outcome: &Outcome<'_>) {
        self.ended = true;
        let took = self.since.elapsed();
        self.observations.metrics.request_seconds.observe(took.as_secs_f64());
        self.count(outcome);
        self.write(outcome, millis(took));
    }

    fn write(&self, outcome: &Outcome<'_>, took_ms: u64) {
        let source = self.source_name().unwrap_or("-");
        let client = self.client.map_or_else(|| "-".to_owned(), |address| address.to_string());
        let request_id = self.id;
        let is_quiet = self.is_quiet(outcome);
        match outcome {
            Outcome::Accepted(Answer { outcome, delivery, correlation_id, state, reason, .. }) => info!(
                request_id,
                source,
                client,
                took_ms,
                outcome,
                delivery,
                correlation_id = &*plain(correlation_id),
                state = state.unwrap_or("-"),
                reason = reason.as_deref().unwrap_or("-"),
                "request accepted"
            ),
            Outcome::Refused(problem) if is_quiet => debug!(
                request_id,
                source,
                client,
                took_ms,
                status = problem.status().as_u16(),
                reason = problem.reason,
                "request refused"
            ),
            Outcome::Refused(problem) => warn!(
                request_id,
                source,
                client,
                took_ms,
                status = problem.status().as_u16(),
                reason = problem.reason,
                why = &*plain(problem.why.as_deref().unwrap_or("-")),
                "request refused"
            ),
            Outcome::Left if is_quiet => debug!(request_id, source, client, took_ms, "client left"),
            Outcome::Left => warn!(request_id, source, client, took_ms, "client left before its answer"),
        }
    }

    /// The first ones of an address are there, and the first ones of a minute; all of them would let a stranger fill
    /// the disk.
    fn is_quiet(&self, outcome: &Outcome<'_>) -> bool {
        match outcome {
            Outcome::Refused(problem) if problem.is_limited() => true,
            _ => !self.guest.is_proved() && self.observations.is_noise(),
        }
    }

    fn count(&self, outcome: &Outcome<'_>) {
        let metrics = &self.observations.metrics;
        let source = ("source", self.source_name().unwrap_or(""));
        let answer = match outcome {
            Outcome::Accepted(answer) => answer.outcome,
            Outcome::Refused(problem) => problem.code(),
            Outcome::Left => "client_left",
        };
        metrics.requests.count([source, ("answer", answer)]);
        if self.guest.is_proved()
            && let Some(source) = self.source_name()
        {
            metrics.silent_since.set(source, unix(self.observations.clock.now()));
        }
        if let Outcome::Refused(problem) = outcome {
            metrics.refusals.count([source, ("reason", problem.reason)]);
            let now = self.observations.clock.now();
            self.observations.refusals.count(self.source_name(), problem, self.client, now);
        }
    }
}

impl Drop for Trace<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.end(&Outcome::Left);
        }
    }
}
