//! What happens: each event is a line in the log, a number, or both, and all of them are here.
//!
//! The log's fields are an allow-list. Names and ids are our own or checked before; what a homeserver, a store or a
//! body wrote goes through [`plain`]. No line has a header's value, a body, a token, a query or a raw path.

mod appservice;
mod trace;

use std::net::SocketAddr;
use std::panic::PanicHookInfo;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::StatusCode;
use meshhook_config::{Change, Fault};
use meshhook_engine::{Carried, Clock, Observer, Sight};
use meshhook_store::{Attempt, Moment, StoreError, Totals};
use tracing::{debug, error, info, warn};

use crate::log::plain;
use crate::metrics::Metrics;
use crate::noise::{Heed, Noise};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::reload::{ReloadError, Reloaded};
pub(crate) use appservice::listening as listening_for_the_homeserver;
pub(crate) use trace::{Outcome, Trace};

/// Why a CI system is refused that is set up wrongly. A series that begins at zero shows its first increase.
const WRONGLY_SET_UP: [&str; 9] = [
    "address",
    "body",
    "field",
    "future",
    "header_missing",
    "signature_mismatch",
    "stale",
    "token_mismatch",
    "unsigned",
];

/// Sees everything.
pub(crate) struct Observations {
    metrics: Metrics,
    clock: Arc<dyn Clock>,
    refusals: Refusals,
    trouble: Mutex<Option<Trouble>>,
    noise: Mutex<Noise>,
    configured_since: Mutex<Moment>,
}

/// Why nothing can be accepted durably.
#[derive(Debug, Clone)]
pub(crate) struct Trouble {
    /// In words.
    pub(crate) why: String,
    /// Whether it stays until a delivery becomes durable all the same: a damaged store is not mended by a write that
    /// works elsewhere in it.
    pub(crate) stays: bool,
}

impl Observations {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let (now, metrics) = (clock.now(), Metrics::new());
        metrics.started.set(unix(now));
        metrics.reloaded_at.set(unix(now));
        let reasons = ["not_http", "slow", "cut_off", "sent_away", "other"];
        reasons.iter().for_each(|reason| metrics.connections_failed.begin([("reason", reason)]));
        let results = ["done", "faults", "needs_restart", "failed"];
        results.iter().for_each(|result| metrics.reloads.begin([("result", result)]));
        let doings = ["accept", "deliver", "hear", "purge", "look", "probe"];
        doings.iter().for_each(|doing| metrics.store_failures.begin([("doing", doing)]));
        let asked = ["transaction", "ping", "lookup", "unrecognized", "forbidden"];
        asked.iter().for_each(|what| metrics.appservice_requests.begin([("what", what)]));
        let noise = Mutex::new(Noise::new(Instant::now()));
        let (refusals, configured_since) = (Refusals::new(now), Mutex::new(now));
        Self { metrics, clock, refusals, trouble: Mutex::default(), noise, configured_since }
    }

    /// The time.
    pub(crate) fn now(&self) -> Moment {
        self.clock.now()
    }

    /// When the configuration in force was read.
    pub(crate) fn configured_since(&self) -> Moment {
        *self.configured_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was refused.
    pub(crate) const fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// These are the sources, from now on; what was refused of others is forgotten.
    pub(crate) fn expect<'n>(&self, sources: impl Iterator<Item = &'n str> + Clone) {
        for source in sources.clone() {
            let source = ("source", source);
            self.metrics.requests.begin([source, ("answer", "accepted")]);
            WRONGLY_SET_UP
                .iter()
                .for_each(|reason| self.metrics.refusals.begin([source, ("reason", reason)]));
        }
        self.metrics.silent_since.only(sources.clone(), unix(self.clock.now()));
        self.refusals.only(sources);
    }

    /// Why nothing can be accepted durably, as far as is known.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        self.troubled().clone()
    }

    fn troubled(&self) -> MutexGuard<'_, Option<Trouble>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something became durable.
    pub(crate) fn accepts(&self) {
        *self.troubled() = None;
        self.metrics.accepting.set(1);
    }

    /// A delivery did not become durable. What the store said of it before says more.
    pub(crate) fn not_durable(&self, problem: &Problem) {
        let why = problem.why.as_deref().unwrap_or(problem.reason);
        self.troubled().get_or_insert_with(|| Trouble { why: why.to_owned(), stays: false });
        self.metrics.accepting.set(0);
    }

    /// The store failed; `doing` is what was to be done.
    pub(crate) fn store_failed(&self, doing: &'static str, why: &StoreError) {
        let stays = doing == "accept" && matches!(why, StoreError::Damaged(_));
        let mut trouble = self.troubled();
        let stays = stays || trouble.as_ref().is_some_and(|trouble| trouble.stays);
        *trouble = Some(Trouble { why: why.to_string(), stays });
        drop(trouble);
        self.metrics.accepting.set(0);
        self.metrics.store_failures.count([("doing", doing)]);
        error!(doing, why = &*plain(&why.to_string()), "store failed");
    }

    /// The numbers as text, with the store's as they are now, or were.
    pub(crate) fn metrics(&self, totals: Option<&Totals>, now: Moment) -> String {
        if let Some(totals) = totals {
            self.count_owed(totals, now);
        }
        self.metrics.text()
    }

    fn count_owed(&self, totals: &Totals, now: Moment) {
        for room in &totals.rooms {
            let oldest = room.oldest.map_or(0, |oldest| now.since(oldest).as_secs());
            self.metrics.waiting.set(&room.room, room.waiting);
            self.metrics.oldest_seconds.set(&room.room, oldest);
            self.metrics.held.set(&room.room, room.hold.is_some().into());
        }
        self.metrics.parked.set(totals.parked);
        self.metrics.uncertain.set(totals.uncertain);
        self.metrics.evicted.set(totals.evicted);
    }

    /// A connection could not be accepted.
    pub(crate) fn not_accepted(&self, why: &std::io::Error) {
        self.metrics.not_accepted.inc();
        warn!(%why, "connection not accepted");
    }

    /// A connection ended before its time. Strangers cause these at will, so they fill no log.
    pub(crate) fn connection_failed(&self, why: &hyper::Error) {
        let reason = match why {
            why if why.is_parse() => "not_http",
            why if why.is_timeout() => "slow",
            why if why.is_incomplete_message() => "cut_off",
            _ => "other",
        };
        self.metrics.connections_failed.count([("reason", reason)]);
        debug!(reason, "connection failed");
    }

    /// Another configuration is in force.
    pub(crate) fn reloaded(&self, Reloaded { since, changes, warnings }: &Reloaded) {
        self.metrics.reloads.count([("result", "done")]);
        self.metrics.reloaded_at.set(unix(*since));
        *self.configured_since.lock().unwrap_or_else(PoisonError::into_inner) = *since;
        changes.iter().for_each(changed);
        warnings.iter().for_each(warned);
        info!(changes = changes.len(), "configuration reloaded");
    }

    /// The one before stays in force.
    pub(crate) fn not_reloaded(&self, why: &ReloadError) {
        self.metrics.reloads.count([("result", why.code())]);
        if let ReloadError::Faults(faults) = why {
            faults.iter().for_each(faulty);
        }
        let why = why.to_string();
        error!(why = &*plain(&why), "configuration not reloaded, the one before stays in force");
    }

    /// A connection was closed to make room for another.
    pub(crate) fn connection_sent_away(&self) {
        self.metrics.connections_failed.count([("reason", "sent_away")]);
        debug!("connection closed to make room for another");
    }

    /// Whether one more line of a stranger's is too much.
    fn is_noise(&self) -> bool {
        let heed = self.noise.lock().unwrap_or_else(PoisonError::into_inner).heed(Instant::now());
        if heed == Heed::WriteLast {
            warn!(
                "many requests are refused; more of them are counted, and logged at debug, for up to a minute"
            );
        }
        heed == Heed::Drop
    }

    /// The operator's request was answered.
    pub(crate) fn admin(
        &self,
        request_id: &str,
        route: &'static str,
        answered: Result<StatusCode, &Problem>,
    ) {
        match answered {
            Ok(_) if route.starts_with("GET") => debug!(request_id, route, "admin request"),
            Ok(status) => info!(request_id, route, status = status.as_u16(), "admin request"),
            Err(problem) => {
                self.metrics.admin_refusals.count([("reason", problem.reason)]);
                let why = problem.why.as_deref().unwrap_or_default();
                let (status, reason) = (problem.status().as_u16(), problem.reason);
                warn!(request_id, route, status, reason, why = &*plain(why), "admin request refused");
            }
        }
    }
}

impl Observer for Observations {
    fn see(&self, sight: Sight<'_>) {
        match sight {
            Sight::Committed { deliveries, took } => {
                self.accepts();
                self.metrics.committed.inc_by(deliveries as u64);
                self.metrics.commit_seconds.observe(took.as_secs_f64());
                debug!(deliveries, took_ms = millis(took), "committed");
            }
            Sight::StoreFailed { doing, why } => self.store_failed(doing, why),
            Sight::Purged { rows } => {
                self.metrics.purged.inc_by(rows as u64);
                debug!(rows, "forgot what had expired");
            }
            Sight::ClockAgrees => {
                self.metrics.clock_in_doubt.set(0);
                info!("this clock and the homeserver's agree again");
            }
            Sight::ClockInDoubt => {
                self.metrics.clock_in_doubt.set(1);
                warn!(
                    "this clock and the homeserver's differ by more than five minutes; nothing is forgotten"
                );
            }
            Sight::SignedIn { user, device } => {
                self.metrics.sending.set(1);
                info!(user = &*plain(user), device = &*plain(device.unwrap_or("-")), "signed in");
            }
            Sight::NotSending { why } => {
                self.metrics.sending.set(0);
                warn!(why = &*plain(why), "nothing is sent");
            }
            Sight::TokenNotTaken { why } => warn!(why = &*plain(why), "the new access token is not used"),
            other => self.see_message(other),
        }
    }
}

impl Observations {
    fn see_message(&self, sight: Sight<'_>) {
        match sight {
            Sight::Frozen { room, txn, carried } => {
                self.metrics.frozen.inc();
                let (delivery, correlation_id) = names(carried);
                debug!(room = &*plain(room), txn, delivery, correlation_id, "message frozen");
            }
            Sight::Attempted { room, txn, carried, attempt } => self.attempted(room, txn, carried, attempt),
            Sight::Settled { room, txn, carried, event_id, after } => {
                self.metrics.sent.inc();
                self.metrics.send_seconds.observe(after.as_secs_f64());
                self.metrics.last_sent.set(room, unix(self.clock.now()));
                let (delivery, correlation_id) = names(carried);
                let (room, event_id, after_ms) = (&*plain(room), &*plain(event_id), millis(after));
                info!(room, txn, delivery, correlation_id, event_id, after_ms, "message sent");
            }
            Sight::Parked { room, txn, carried } => {
                let (delivery, correlation_id) = names(carried);
                let room = &*plain(room);
                warn!(room, txn, delivery, correlation_id, "message refused for good, delivery parked");
            }
            Sight::Uncertain { room, txn, carried } => {
                let (delivery, correlation_id) = names(carried);
                let room = &*plain(room);
                warn!(room, txn, delivery, correlation_id, "nobody can know whether this was sent");
            }
            Sight::Held { room, why } => {
                self.metrics.holds.inc();
                warn!(room = &*plain(room), why = &*plain(why), "room held");
            }
            other => self.see_service(&other),
        }
    }

    fn attempted(&self, room: &str, txn: &str, carried: &[Carried], attempt: &Attempt) {
        let Attempt { took, result, http_status, errcode, detail, .. } = attempt;
        self.metrics.attempts.count([("result", result)]);
        let (room, took_ms, status) = (&*plain(room), millis(*took), http_status.unwrap_or(0));
        let (errcode, detail) = (&*plain(errcode.as_deref().unwrap_or("-")), &*plain(detail));
        let (delivery, correlation_id) = names(carried);
        if matches!(result.as_str(), "sent" | "found") {
            debug!(room, txn, delivery, correlation_id, took_ms, result, "attempt");
        } else {
            warn!(
                room,
                txn, delivery, correlation_id, took_ms, result, status, errcode, detail, "attempt failed"
            );
        }
    }
}

/// The deliveries of a message, and what their senders call them: as many as there are, with commas between.
fn names(carried: &[Carried]) -> (String, String) {
    let list = |name: fn(&Carried) -> &str| carried.iter().map(name).collect::<Vec<_>>().join(",");
    (list(|one| &one.delivery), plain(&list(|one| &one.correlation_id)).into_owned())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn unix(moment: Moment) -> u64 {
    u64::try_from(moment.seconds()).unwrap_or(0)
}

/// What is another in the configuration from now on.
fn changed(change: &Change) {
    info!(what = &*plain(&change.to_string()), "configuration changed");
}

/// What is wrong with a configuration that is not taken over.
fn faulty(fault: &Fault) {
    let file = fault.file().display().to_string();
    let line = fault.line().unwrap_or(0);
    let (what, hint) = (&*plain(fault.message()), &*plain(fault.hint()));
    error!(file = &*plain(&file), line, what, hint, "configuration fault");
}

/// A configuration that works and should be looked at.
pub(crate) fn warned(warning: &Fault) {
    let file = warning.file().display().to_string();
    let line = warning.line().unwrap_or(0);
    let (what, hint) = (&*plain(warning.message()), &*plain(warning.hint()));
    warn!(file = &*plain(&file), line, what, hint, "configuration");
}

/// Both doors are open.
pub(crate) fn listening(hooks: SocketAddr, admin: SocketAddr, connections: usize) {
    let version = env!("CARGO_PKG_VERSION");
    info!(version, listen = %hooks, admin_listen = %admin, connections, "meshhook-gateway runs");
}

/// A bug. Its words may quote what was in hand, so only its place is told.
pub(crate) fn panicked(thread: &str, panic: &PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(|| "-".to_owned(), ToString::to_string);
    error!(thread, place, "panic");
}

/// A signal came.
pub(crate) fn stopping() {
    info!("stopping");
}

/// The end.
pub(crate) fn stopped(finished: bool) {
    if finished {
        info!("stopped");
    } else {
        warn!("stopped before the message in hand was answered for; it is sent after the next start");
    }
}
