//! The count: what was promised, against what is in the rooms.

use std::collections::HashMap;

use serde_json::Value;

use super::build::{Stage, shows};
use super::ledger::{Book, Entry};
use super::report::Report;
use crate::Event;

/// What is compared when nothing is owed any more.
pub(super) struct Count<'c> {
    /// What was posted and promised.
    pub(super) book: &'c Book,
    /// Each room's events by the gateway's user, as they were committed, oldest first.
    pub(super) rooms: &'c [Vec<Event>],
    /// Every delivery as the operator is shown it.
    pub(super) deliveries: &'c [Value],
}

impl Count<'_> {
    /// Writes the figures of the count into a report.
    pub(super) fn report(&self, report: &mut Report) {
        let promised = || self.book.entries.iter().filter(|(_, entry)| entry.promised);
        let places = self.places();
        let times = |key: &String| places.get(key.as_str()).map_or(0, Vec::len);
        let overtaken =
            |key: &str, entry: &Entry| !entry.stage.state.is_final() && self.is_superseded(key, entry);

        report.tell("202 to POSTs", self.book.answered);
        report.tell("accepted, each counted once", promised().count());
        report.tell(
            "messages",
            self.rooms.iter().flatten().filter(|event| event.keys().next().is_some()).count(),
        );
        report.tell("keys in the rooms", places.values().map(Vec::len).sum::<usize>());
        let absent = || promised().filter(|(key, _)| times(key) == 0);
        let (late, lost): (Vec<_>, Vec<_>) = absent().partition(|(key, entry)| overtaken(key, entry));
        report.tell("overtaken while they were parked", late.len());
        report.none("lost", lost.into_iter().map(|(key, entry)| named(key, &entry.stage)));
        let doubled = places.iter().filter(|(_, events)| events.len() > 1);
        report.none("doubled", doubled.map(|(key, events)| format!("{} in {events:?}", self.name(key))));
        report.none("out of order within a subject", self.disordered());
        report.none("in the room, and neither promised nor cut off", self.unexpected(&places));
        report.none("final states without a line", self.unshown());
        report.none("deliveries shown with another event or key", self.misnamed());
        report.none("odd answers to POSTs", self.book.odd.iter().cloned());
        report.tell("POSTs cut off from their answer", self.book.cut_off);
        let nobody_knew = || self.book.entries.iter().filter(|(_, entry)| !entry.promised && entry.perhaps);
        report.tell("known to nobody but the gateway", nobody_knew().count());
        report.tell("of these in the rooms", nobody_knew().filter(|(key, _)| times(key) > 0).count());
        for status in ["uncertain", "parked", "pending", "in_message", "dropped"] {
            report.none(&format!("left {status}"), self.left(status));
        }
    }

    /// The ids of the events that each key is in.
    fn places(&self) -> HashMap<&str, Vec<&str>> {
        let mut places: HashMap<&str, Vec<&str>> = HashMap::new();
        for event in self.rooms.iter().flatten() {
            event.keys().for_each(|key| places.entry(key).or_default().push(event.id()));
        }
        places
    }

    fn name(&self, key: &str) -> String {
        self.book
            .entries
            .get(key)
            .map_or_else(|| format!("{key} (never posted)"), |entry| named(key, &entry.stage))
    }

    /// A refused state is parked; when it comes again after its run's next one, it is late.
    fn is_superseded(&self, key: &str, entry: &Entry) -> bool {
        entry.superseded || self.deliveries.iter().any(|d| d["key"] == key && d["status"] == "superseded")
    }

    /// States of a run's attempt that come after a higher one.
    fn disordered(&self) -> Vec<String> {
        let mut tops: HashMap<(&str, &str, u64), &Stage> = HashMap::new();
        let mut disordered = Vec::new();
        for key in self.rooms.iter().flatten().flat_map(Event::keys) {
            let Some(Entry { stage, .. }) = self.book.entries.get(key) else { continue };
            let top = tops.entry((&stage.source, &stage.run, stage.attempt)).or_insert(stage);
            if stage.state.rank() < top.state.rank() {
                disordered.push(format!("{} after {}", named(key, stage), top.state.word()));
            } else {
                *top = stage;
            }
        }
        disordered
    }

    fn unexpected(&self, places: &HashMap<&str, Vec<&str>>) -> Vec<String> {
        let is_expected = |key: &str| {
            self.book
                .entries
                .get(key)
                .is_some_and(|entry| entry.promised || (entry.perhaps && !entry.superseded))
        };
        places.keys().filter(|key| !is_expected(key)).map(|key| self.name(key)).collect()
    }

    /// A run's end always has a line of its own.
    fn unshown(&self) -> Vec<String> {
        let members = self.rooms.iter().flatten().flat_map(|event| event.keys().map(move |key| (key, event)));
        let unshown = members.filter_map(|(key, event)| {
            let stage = &self.book.entries.get(key)?.stage;
            let hidden = stage.state.is_final() && !shows(event, &stage.run, stage.state.word());
            hidden.then(|| named(key, stage))
        });
        unshown.collect()
    }

    /// What the operator is shown has to be what is in the room: the event of a delivery has its key.
    fn misnamed(&self) -> Vec<String> {
        let events: HashMap<&str, &Event> = self.rooms.iter().flatten().map(|e| (e.id(), e)).collect();
        let is_wrong = |delivery: &&Value| {
            let key = delivery["key"].as_str().unwrap_or_default();
            let event = events.get(delivery["event_id"].as_str().unwrap_or_default());
            let sent = delivery["status"] == "sent";
            !self.book.entries.contains_key(key)
                || (sent && !event.is_some_and(|event| event.keys().any(|known| known == key)))
        };
        self.deliveries.iter().filter(is_wrong).map(Value::to_string).collect()
    }

    fn left(&self, status: &str) -> impl Iterator<Item = String> {
        self.deliveries.iter().filter(move |delivery| delivery["status"] == status).map(Value::to_string)
    }
}

fn named(key: &str, stage: &Stage) -> String {
    let Stage { source, run, attempt, state, .. } = stage;
    format!("{source} run {run} attempt {attempt} {} ({key})", state.word())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soak::build::State;
    use serde_json::json;

    /// A room in which everything is as it must be, and what was promised for it.
    struct World {
        book: Book,
        events: Vec<Event>,
        deliveries: Vec<Value>,
    }

    impl World {
        fn sound() -> Self {
            let mut world = Self { book: Book::default(), events: Vec::new(), deliveries: Vec::new() };
            for (key, state) in [("k1", State::Queued), ("k2", State::Running), ("k3", State::Failed)] {
                world.promise(key, state);
                world.say(&[key], state);
                let event_id = format!("$e{}", world.events.len());
                world.deliveries.push(json!({ "key": key, "status": "sent", "event_id": event_id }));
            }
            world
        }

        fn promise(&mut self, key: &str, state: State) -> &mut Entry {
            let stage = Stage { source: "s".into(), run: "7".into(), attempt: 1, state, machine: "mac-01" };
            let entry = Entry { stage, promised: true, superseded: false, perhaps: false };
            self.book.entries.entry(key.into()).insert_entry(entry).into_mut()
        }

        fn say(&mut self, keys: &[&str], state: State) {
            let content = json!({
                "com.meshmac.message": { "keys": keys },
                "com.meshmac.build_status": { "run_id": "7", "state": state.word() },
            });
            let id = format!("$e{}", self.events.len() + 1);
            self.events.push(Event(json!({ "event_id": id, "content": content })));
        }

        /// The figures that are wrong.
        fn wrong(self) -> Vec<String> {
            let mut report = Report::new("");
            let Self { book, events, deliveries } = self;
            Count { book: &book, rooms: &[events], deliveries: &deliveries }.report(&mut report);
            report.wrong().map(str::to_owned).collect()
        }
    }

    #[test]
    fn what_is_as_it_must_be_is_found_to_be() {
        assert!(World::sound().wrong().is_empty());
    }

    #[test]
    fn a_promise_that_is_not_kept_is_a_loss() {
        let mut world = World::sound();
        world.promise("k4", State::Succeeded);
        assert_eq!(world.wrong(), ["lost"]);
        // What a later state has overtaken while it was parked is not; a run's end is never overtaken.
        for (state, wrong) in [(State::Running, [].as_slice()), (State::Failed, &["lost"])] {
            let mut world = World::sound();
            world.promise("k4", state);
            world.deliveries.push(json!({ "key": "k4", "status": "superseded" }));
            assert_eq!(world.wrong(), wrong);
        }
    }

    #[test]
    fn a_key_in_two_events_or_twice_in_one_is_doubled() {
        for keys in [["k3"].as_slice(), &["k4", "k4"]] {
            let mut world = World::sound();
            world.promise("k4", State::Failed);
            world.say(&["k4"], State::Failed);
            world.say(keys, State::Failed);
            assert_eq!(world.wrong(), ["doubled"]);
        }
    }

    #[test]
    fn a_state_after_a_later_one_is_out_of_order() {
        let mut world = World::sound();
        world.promise("k4", State::Running);
        world.say(&["k4"], State::Running);
        assert_eq!(world.wrong(), ["out of order within a subject"]);
        // Another attempt begins anew.
        let mut world = World::sound();
        world.promise("k4", State::Queued).stage.attempt = 2;
        world.say(&["k4"], State::Queued);
        assert!(world.wrong().is_empty());
    }

    #[test]
    fn what_was_not_posted_as_a_whole_or_was_superseded_may_not_be_there() {
        let unexpected = ["in the room, and neither promised nor cut off"];
        let mut world = World::sound();
        world.say(&["k5"], State::Failed);
        assert_eq!(world.wrong(), unexpected);
        for (perhaps, superseded, wrong) in
            [(false, false, unexpected.as_slice()), (true, false, &[]), (true, true, &unexpected)]
        {
            let mut world = World::sound();
            let entry = world.promise("k4", State::Failed);
            (entry.promised, entry.perhaps, entry.superseded) = (false, perhaps, superseded);
            world.say(&["k4"], State::Failed);
            assert_eq!(world.wrong(), wrong);
        }
    }

    #[test]
    fn an_end_has_a_line_and_a_delivery_its_event() {
        let mut world = World::sound();
        world.promise("k4", State::Failed);
        world.say(&["k4"], State::Running);
        assert_eq!(world.wrong(), ["final states without a line"]);
        for (name, value) in [("event_id", "$e2"), ("event_id", "$other"), ("key", "k9")] {
            let mut world = World::sound();
            world.deliveries[0][name] = value.into();
            assert_eq!(world.wrong(), ["deliveries shown with another event or key"]);
        }
        let mut world = World::sound();
        world.promise("k4", State::Failed);
        world.say(&["k4"], State::Failed);
        world.deliveries.push(json!({ "key": "k4", "status": "uncertain" }));
        assert_eq!(world.wrong(), ["left uncertain"]);
    }
}
