//! The numbers: their names, words and kinds. What moves them is in [`crate::observe`].

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
}

/// A number for each room.
#[derive(Debug, Clone, Default)]
pub(crate) struct ByRoom(Family<Labels, Gauge>);

impl ByRoom {
    /// Sets a room's number.
    pub(crate) fn set(&self, room: &str, number: u64) {
        self.0.get_or_create(&owned([("room", room)])).set(signed(number));
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
    pub(crate) sending: Number,
    pub(crate) accepting: Number,
    pub(crate) waiting: ByRoom,
    pub(crate) oldest_seconds: ByRoom,
    pub(crate) held: ByRoom,
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
            sending: Number::default(),
            accepting: Number::default(),
            waiting: ByRoom::default(),
            oldest_seconds: ByRoom::default(),
            held: ByRoom::default(),
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
            ("connections_failed", "Connections that ended before their time", &self.connections_failed),
            ("store_failures", "Store operations that failed", &self.store_failures),
            ("attempts", "Answers of the homeserver, by result", &self.attempts),
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
                "When the configuration in force was taken over",
                &self.reloaded_at,
            ),
            ("evicted", "Kept deliveries that made room for newer ones since the start", &self.evicted),
        ];
        for (name, help, number) in numbers {
            registry.register(name, help, number.0.clone());
        }
        let rooms = [
            ("room_waiting", "Deliveries that wait for a room, up to 1000", &self.waiting),
            ("room_oldest_seconds", "How long the oldest of them waits", &self.oldest_seconds),
            ("room_held", "1 while a room cannot be written into", &self.held),
        ];
        for (name, help, by_room) in rooms {
            registry.register(name, help, by_room.0.clone());
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
