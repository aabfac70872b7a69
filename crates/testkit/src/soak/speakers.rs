//! Who said what: a machine what is its own, the sender all else, nobody what is another's.

use super::ledger::Book;
use super::report::Report;
use super::us::Us;
use crate::Event;

/// What is compared: each room's events by the gateway's users, and what was posted.
pub(super) struct Speakers<'s> {
    pub(super) us: &'s Us,
    pub(super) book: &'s Book,
    pub(super) rooms: &'s [Vec<Event>],
}

impl Speakers<'_> {
    /// Writes into a report who said how much; that machines said anything is the scenario's to demand.
    pub(super) fn report(&self, report: &mut Report) {
        report.none("said by another than may say it", self.impostors());
        if let Us::Service(_) = self.us {
            let (by_sender, by_machines): (Vec<_>, Vec<_>) =
                self.messages().partition(|event| event.sender() == self.us.sender());
            report.tell("messages by machines themselves", by_machines.len());
            let for_one = by_sender.iter().filter(|event| self.owner(event).is_some()).count();
            report.tell("messages by the sender, for a listed machine", for_one);
            report.tell("messages by the sender, of others and of several", by_sender.len() - for_one);
        }
    }

    fn messages(&self) -> impl Iterator<Item = &Event> {
        self.rooms.iter().flatten().filter(|event| event.keys().next().is_some())
    }

    fn impostors(&self) -> impl Iterator<Item = String> {
        let is_wrong = |event: &&Event| {
            event.sender() != self.us.sender() && self.owner(event).as_deref() != Some(event.sender())
        };
        self.messages().filter(is_wrong).map(|event| format!("{} by {}", event.id(), event.sender()))
    }

    /// The user of the listed machine that all of a message is about, and that might have said it.
    fn owner(&self, event: &Event) -> Option<String> {
        let mut machines =
            event.keys().map(|key| self.book.entries.get(key).map(|entry| entry.stage.machine));
        let first = machines.next()??;
        machines.all(|machine| machine == Some(first)).then(|| self.us.ghost(first)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Service;
    use crate::soak::build::{Stage, State};
    use crate::soak::ledger::Entry;

    /// The figures that are wrong where these keys' message is that sender's.
    fn wrong(sender: &str, keys: &[&str]) -> Vec<String> {
        let mut book = Book::default();
        for (key, machine) in [("k1", "mac-01"), ("k2", "mac-02"), ("k9", "linux-9")] {
            let stage =
                Stage { source: "s".into(), run: key.into(), attempt: 1, state: State::Failed, machine };
            let entry = Entry { stage, promised: true, superseded: false, perhaps: false };
            book.entries.insert(key.into(), entry);
        }
        let event = json!({ "sender": sender, "content": { "com.meshmac.message": { "keys": keys } } });
        let us = Us::Service(Service::new("buildbot", "example.org"));
        let mut report = Report::new("");
        Speakers { us: &us, book: &book, rooms: &[vec![Event(event)]] }.report(&mut report);
        report.wrong().map(str::to_owned).collect()
    }

    #[test]
    fn a_machine_says_its_own_and_the_sender_anything() {
        let nothing: [&str; 0] = [];
        assert_eq!(wrong("@buildbot_mac-01:example.org", &["k1"]), nothing);
        for keys in [["k1"].as_slice(), &["k9"], &["k1", "k2"]] {
            assert_eq!(wrong("@buildbot:example.org", keys), nothing);
        }
    }

    #[test]
    fn what_a_machine_says_of_another_is_wrong() {
        for (user, keys) in [
            ("mac-02", ["k1"].as_slice()),
            ("mac-01", &["k1", "k2"]),
            ("linux-9", &["k9"]),
            ("mac-01", &["never posted"]),
        ] {
            let sender = format!("@buildbot_{user}:example.org");
            assert_eq!(wrong(&sender, keys), ["said by another than may say it"], "{user} {keys:?}");
        }
    }
}
