//! The numbers: their names, words and kinds. What moves them is in [`crate::observe`].

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// Label names and values. Values are words of ours, or names from gateway.toml: their number is bounded.
type Labels = Vec<(&'static str, String)>;

/// A counter for each set of labels.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counters(Family<Labels, Counter>);

impl Counters {
    /// One more.
    pub(crate) fn count<const N: usize>(&self, labels: [(&'static str, &str); N]) {
        self.0.get_or_create(&owned(labels)).inc();
    }

    /// So many more.
    pub(crate) fn add<const N: usize>(&self, labels: [(&'static str, &str); N], number: u64) {
        self.0.get_or_create(&owned(labels)).inc_by(number);
    }

    /// None yet: a series that begins at zero shows its first increase.
    pub(crate) fn begin<const N: usize>(&self, labels: [(&'static str, &str); N]) {
        drop(self.0.get_or_create(&owned(labels)));
    }
}

/// A number for each room, or each source.
#[derive(Debug, Clone)]
pub(crate) struct Numbers {
    label: &'static str,
    family: Family<Labels, Gauge>,
}

impl Numbers {
    fn by(label: &'static str) -> Self {
        Self { label, family: Family::default() }
    }

    /// Sets one's number.
    pub(crate) fn set(&self, name: &str, number: u64) {
        self.family.get_or_create(&owned([(self.label, name)])).set(signed(number));
    }
}

/// A number for each source that there is, and for no other.
#[derive(Debug)]
pub(crate) struct OfSources {
    numbers: Numbers,
    names: Mutex<BTreeSet<String>>,
}

impl OfSources {
    fn new() -> Self {
        Self { numbers: Numbers::by("source"), names: Mutex::default() }
    }

    /// Sets a source's number; not that of one that is gone, whose request began before it went.
    pub(crate) fn set(&self, name: &str, number: u64) {
        if self.names().contains(name) {
            self.numbers.set(name, number);
        }
    }

    /// Keeps those alone that are named; whose number is new begins with `number`.
    pub(crate) fn only<'n>(&self, names: impl Iterator<Item = &'n str>, number: u64) {
        let (mut known, names) = (self.names(), names.map(str::to_owned).collect::<BTreeSet<_>>());
        for gone in known.difference(&names) {
            self.numbers.family.remove(&owned([(self.numbers.label, gone)]));
        }
        names.difference(&known).for_each(|new| self.numbers.set(new, number));
        *known = names;
    }

    /// Held while their numbers are moved.
    fn names(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number that is not there before it is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known(Family<Labels, Gauge>);

impl Known {
    /// Sets it.
    pub(crate) fn set(&self, number: u64) {
        self.0.get_or_create(&owned([])).set(signed(number));
    }
}

/// A number that goes up and down.
#[derive(Debug, Clone, Default)]
pub(crate) struct Number(Gauge);

impl Number {
    /// Sets it.
    pub(crate) fn set(&self, number: u64) {
        self.0.set(signed(number));
    }
}

fn owned<const N: usize>(labels: [(&'static str, &str); N]) -> Labels {
    labels.map(|(name, value)| (name, value.to_owned())).into()
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Every number there is.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) requests: Counters,
    pub(crate) refusals: Counters,
    pub(crate) admin_refusals: Counters,
    pub(crate) request_seconds: Histogram,
    pub(crate) not_accepted: Counter,
    pub(crate) connections_failed: Counters,
    pub(crate) commit_seconds: Histogram,
    pub(crate) committed: Counter,
    pub(crate) store_failures: Counters,
    pub(crate) attempts: Counters,
    pub(crate) frozen: Counter,
    pub(crate) sent: Counter,
    pub(crate) send_seconds: Histogram,
    pub(crate) holds: Counter,
    pub(crate) purged: Counter,
    pub(crate) reloads: Counters,
    pub(crate) reloaded_at: Number,
    pub(crate) appservice_requests: Counters,
    pub(crate) appservice_events: Counters,
    pub(crate) appservice_last_transaction: Number,
    pub(crate) appservice_reached: Known,
    pub(crate) boards: Counters,
    pub(crate) sending: Number,
    pub(crate) accepting: Number,
    pub(crate) clock_in_doubt: Number,
    pub(crate) started: Number,
    pub(crate) waiting: Numbers,
    pub(crate) oldest_seconds: Numbers,
    pub(crate) held: Numbers,
    pub(crate) last_sent: Numbers,
    pub(crate) silent_since: OfSources,
    pub(crate) parked: Number,
    pub(crate) uncertain: Number,
    pub(crate) evicted: Number,
}

impl Metrics {
    /// All of them, at zero.
    pub(crate) fn new() -> Self {
        let metrics = Self {
            registry: Registry::with_prefix("meshhook"),
            requests: Counters::default(),
            refusals: Counters::default(),
            admin_refusals: Counters::default(),
            request_seconds: seconds(),
            not_accepted: Counter::default(),
            connections_failed: Counters::default(),
            commit_seconds: seconds(),
            committed: Counter::default(),
            store_failures: Counters::default(),
            attempts: Counters::default(),
            frozen: Counter::default(),
            sent: Counter::default(),
            send_seconds: seconds(),
            holds: Counter::default(),
            purged: Counter::default(),
            reloads: Counters::default(),
            reloaded_at: Number::default(),
            appservice_requests: Counters::default(),
            appservice_events: Counters::default(),
            appservice_last_transaction: Number::default(),
            appservice_reached: Known::default(),
            boards: Counters::default(),
            sending: Number::default(),
            accepting: Number::default(),
            clock_in_doubt: Number::default(),
            started: Number::default(),
            waiting: Numbers::by("room"),
            oldest_seconds: Numbers::by("room"),
            held: Numbers::by("room"),
            last_sent: Numbers::by("room"),
            silent_since: OfSources::new(),
            parked: Number::default(),
            uncertain: Number::default(),
            evicted: Number::default(),
        };
        metrics.accepting.set(1);
        metrics.register()
    }

    fn register(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register(
            "build",
            "The version that runs",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        let families = [
            ("requests", "POSTs by source and answer", &self.requests),
            ("refusals", "POSTs not accepted, by source and reason", &self.refusals),
            ("admin_refusals", "Requests that the operator's door refused, by reason", &self.admin_refusals),
            ("connections_failed", "Connections that ended before their time", &self.connections_failed),
            ("store_failures", "Store operations that failed", &self.store_failures),
            ("attempts", "Answers of the homeserver, by result", &self.attempts),
            (
                "appservice_requests",
                "Requests at the homeserver's door, by what they asked for",
                &self.appservice_requests,
            ),
            (
                "appservice_events",
                "Events that the homeserver pushed, by what came of them",
                &self.appservice_events,
            ),
            ("boards", "Questions for the board, by what came of them", &self.boards),
            ("config_reloads", "Times that the configuration was read again, by result", &self.reloads),
        ];
        for (name, help, family) in families {
            registry.register(name, help, family.0.clone());
        }
        let counters = [
            ("connections_not_accepted", "Failures to accept a connection", &self.not_accepted),
            ("deliveries_committed", "Deliveries that reached the disk", &self.committed),
            ("messages_frozen", "Messages that were frozen", &self.frozen),
            ("messages_sent", "Messages that are in their room", &self.sent),
            ("room_holds", "Times that a room could not be written into", &self.holds),
            ("purged_rows", "Expired rows that were forgotten", &self.purged),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        let histograms = [
            ("request_seconds", "From a POST's headers to its answer", &self.request_seconds),
            ("commit_seconds", "A durable transaction of deliveries", &self.commit_seconds),
            ("send_seconds", "From freezing a message to its event", &self.send_seconds),
        ];
        for (name, help, histogram) in histograms {
            registry.register(name, help, histogram.clone());
        }
        self.register_state()
    }

    fn register_state(mut self) -> Self {
        let registry = &mut self.registry;
        let numbers = [
            ("sending", "1 while messages are sent", &self.sending),
            ("accepting", "1 while deliveries can be accepted durably", &self.accepting),
            ("parked", "Deliveries that the homeserver refused, up to 1000", &self.parked),
            ("uncertain", "Deliveries whose fate nobody knows, up to 1000", &self.uncertain),
            (
                "config_last_reload_success_timestamp_seconds",
                "When the configuration in force was read",
                &self.reloaded_at,
            ),
            (
                "clock_in_doubt",
                "1 while this clock and the homeserver's differ by more than 5 minutes",
                &self.clock_in_doubt,
            ),
            (
                "appservice_last_transaction_timestamp_seconds",
                "When the homeserver last pushed something",
                &self.appservice_last_transaction,
            ),
            ("start_timestamp_seconds", "When this process began", &self.started),
            ("evicted", "Kept deliveries that made room for newer ones since the start", &self.evicted),
        ];
        for (name, help, number) in numbers {
            registry.register(name, help, number.0.clone());
        }
        let reached = self.appservice_reached.0.clone();
        registry.register("appservice_reached", "1 while the last ping was fine", reached);
        let named = [
            ("room_waiting", "Deliveries that wait for a room, up to 1000", &self.waiting),
            ("room_oldest_seconds", "How long the oldest of them waits", &self.oldest_seconds),
            ("room_held", "1 while a room cannot be written into", &self.held),
            (
                "room_last_sent_timestamp_seconds",
                "When a message last got into a room, since the start",
                &self.last_sent,
            ),
            (
                "source_silent_since_timestamp_seconds",
                "When a source last sent what is verified; else the start",
                &self.silent_since.numbers,
            ),
        ];
        for (name, help, numbers) in named {
            registry.register(name, help, numbers.family.clone());
        }
        self
    }

    /// In the OpenMetrics text format.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a String takes everything");
        text
    }
}

/// From a millisecond to four minutes.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 4.0, 10))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The rows of the operator's list of metrics: name, kind, labels.
    fn listed() -> BTreeMap<String, (String, String)> {
        let rows = include_str!("../../../deploy/metrics.md")
            .lines()
            .filter(|line| line.starts_with("| `meshhook_"));
        let row = |line: &str| {
            let cells: Vec<_> = line.split('|').map(|cell| cell.trim().replace('`', "")).collect();
            (cells[1].clone(), (cells[2].clone(), cells[3].clone()))
        };
        rows.map(row).collect()
    }

    /// The families of a text, each with its kind and the names of its labels.
    fn families(text: &str) -> BTreeMap<String, (String, String)> {
        let mut families: BTreeMap<_, _> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
            .map(|(name, kind)| (series(name, kind), (kind.to_owned(), String::new())))
            .collect();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, labels)) = line.split_once('{') else { continue };
            let names = labels.split("\",").filter_map(|label| Some(label.split_once("=\"")?.0));
            let names: Vec<_> = names.filter(|name| *name != "le").collect();
            if let Some((_, labels)) = families.get_mut(name.trim_end_matches("_bucket")) {
                *labels = names.join(", ");
            }
        }
        families
    }

    /// The name of its series: with the ending that its kind gives them, but of a histogram.
    fn series(name: &str, kind: &str) -> String {
        match kind {
            "counter" => format!("{name}_total"),
            "info" => format!("{name}_info"),
            _ => name.to_owned(),
        }
    }

    #[test]
    fn the_operators_list_has_all_of_them_with_their_labels() {
        let metrics = Metrics::new();
        metrics.requests.begin([("source", "a"), ("answer", "accepted")]);
        metrics.refusals.begin([("source", "a"), ("reason", "stale")]);
        metrics.admin_refusals.begin([("reason", "host")]);
        metrics.connections_failed.begin([("reason", "slow")]);
        metrics.store_failures.begin([("doing", "accept")]);
        metrics.attempts.begin([("result", "sent")]);
        metrics.reloads.begin([("result", "done")]);
        metrics.appservice_requests.begin([("what", "ping")]);
        metrics.appservice_events.begin([("result", "new")]);
        metrics.boards.begin([("result", "accepted")]);
        for by_room in [&metrics.waiting, &metrics.oldest_seconds, &metrics.held, &metrics.last_sent] {
            by_room.set("!room", 1);
        }
        metrics.silent_since.only(["a"].into_iter(), 1);
        metrics.appservice_reached.set(1);
        assert_eq!(families(&metrics.text()), listed());
    }

    #[test]
    fn who_is_no_longer_there_has_no_number() {
        let sources = OfSources::new();
        sources.only(["a", "b"].into_iter(), 1);
        sources.set("a", 5);
        sources.only(["a", "c"].into_iter(), 7);
        // A request of its that began before.
        sources.set("b", 9);
        let of = |name| sources.numbers.family.get(&owned([("source", name)])).map(|gauge| gauge.get());
        assert_eq!([of("a"), of("b"), of("c")], [Some(5), None, Some(7)]);
    }
}
