//! Invariant 9, counted in the rooms themselves: each key of what is sent is there once, and no other.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use meshhook_matrix::{Written, WrittenPage};
use meshhook_store::audit::{Auditor, LookedAt};
use meshhook_store::{Breach, DeliveryView, Invariant, Key, Moment, Said, Status, StoreError};

use crate::engine::Engine;
use crate::session::Session;

/// How many messages of a room are looked for, the newest ones.
const MAX_ON_RECORD: usize = 10_000;
/// How many pages of 20 are read of a room: those messages, if the user writes nothing else.
const MAX_PAGES: usize = 500;
/// How long a room may be read.
const WITHIN: Duration = Duration::from_secs(120);
/// By how much the homeserver's clock and ours may differ.
const CLOCKS: Duration = Duration::from_secs(600);

/// What a room holds, compared with what is on record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Count {
    /// The room.
    pub room: String,
    /// Why it was not read, or not to its end.
    pub unread: Option<String>,
    /// Messages that are in the room by the store's record, the newest ones.
    pub on_record: u64,
    /// Those of them that lie further back than was read.
    pub not_reached: u64,
    /// Those of them that were redacted.
    pub redacted: u64,
    /// Our events with keys that were read in the room.
    pub events: u64,
    /// All the keys of those events.
    pub keys: u64,
    /// Keys of what was being sent meanwhile.
    pub under_way: u64,
    /// Keys of uncertain deliveries: they are in the room after all.
    pub uncertain: u64,
    /// Keys of deliveries that an operator gave up, and that are in the room all the same.
    pub given_up: u64,
    /// Keys of what is so old that its mark was forgotten.
    pub forgotten: u64,
    /// What breaks invariant 9.
    pub breaches: Vec<Breach>,
    /// How many more breaches there are.
    pub more: u64,
}

impl Engine {
    /// Reads our own messages in every room backwards, as far as anything on record goes and a page more, and compares
    /// their keys with the store's. That takes about a second for 1,500 messages; the lanes go on meanwhile.
    ///
    /// # Errors
    /// [`StoreError`]. A room that cannot be read says so in its count.
    pub fn counts(&self) -> Result<Vec<Count>, StoreError> {
        self.rooms()?.iter().map(|room| self.count(room)).collect()
    }

    fn count(&self, room: &str) -> Result<Count, StoreError> {
        // Before the room is read: what is on record by now has to be there.
        let said = self.store().said(room, MAX_ON_RECORD)?;
        let mut tally = Tally::new(room, &said, self.remembered_since());
        let read = match self.shared.keeper.current() {
            Some(session) => self.read(&session, room, &mut tally)?,
            None => Err("nobody is signed in".to_owned()),
        };
        Ok(tally.finish(read))
    }

    /// Since when no mark can have been forgotten.
    fn remembered_since(&self) -> Moment {
        let retention =
            self.shared.conduct.get().sources.iter().map(|source| source.retention).min().unwrap_or_default();
        self.shared.clock.now().minus(retention)
    }

    /// The inner error says why the room was not read as far as it had to be.
    fn read(
        &self,
        session: &Session,
        room: &str,
        tally: &mut Tally<'_>,
    ) -> Result<Result<(), String>, StoreError> {
        let ghosts = self.store().ghosts()?;
        let here = ghosts.iter().filter(|ghost| ghost.room == room).map(|ghost| &*ghost.user);
        let senders: BTreeSet<&str> =
            tally.senders().chain(here).chain(std::iter::once(&*session.identity.user)).collect();
        let senders: Vec<&str> = senders.into_iter().collect();
        let deadline = self.shared.clock.running() + WITHIN;
        let mut from: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let was_complete = tally.is_complete();
            let page = self.shared.client.written(&session.token, room, &senders, from.as_deref());
            let WrittenPage { events, before } = match page {
                Ok(page) => page,
                Err(failure) => return Ok(Err(failure.to_string())),
            };
            for event in &events {
                tally.see(event, |key| self.store().by_key(key))?;
            }
            if before.is_none() || was_complete {
                return Ok(Ok(()));
            }
            if before == from || self.shared.clock.running() > deadline {
                break;
            }
            from = before;
        }
        Ok(Err("it goes further back than an audit reads".to_owned()))
    }
}

/// The comparison.
struct Tally<'s> {
    on_record: &'s [Said],
    by_event: HashMap<&'s str, &'s Said>,
    /// Messages that were found, by their numbers.
    found: BTreeSet<i64>,
    remembered_since: Moment,
    breaches: Auditor,
    count: Count,
}

impl<'s> Tally<'s> {
    fn new(room: &str, on_record: &'s [Said], remembered_since: Moment) -> Self {
        let by_event = on_record.iter().map(|said| (&*said.event_id, said)).collect();
        let count = Count { room: room.to_owned(), on_record: on_record.len() as u64, ..Count::default() };
        let (found, breaches) = (BTreeSet::new(), Auditor::default());
        Self { on_record, by_event, found, remembered_since, breaches, count }
    }

    fn senders(&self) -> impl Iterator<Item = &'s str> {
        self.on_record.iter().map(|said| &*said.sender)
    }

    fn is_complete(&self) -> bool {
        self.found.len() == self.by_event.len()
    }

    fn report(&mut self, what: &str) {
        self.breaches.report(Invariant::RoomAgrees, format!("room {} {what}", self.count.room));
    }

    /// Counts an event of ours; `find` has the delivery of a key.
    fn see<E>(
        &mut self,
        event: &Written,
        find: impl Fn(&Key) -> Result<Option<DeliveryView>, E>,
    ) -> Result<(), E> {
        let keys: Vec<Key> = event.keys.iter().flatten().filter_map(|key| key.parse().ok()).collect();
        self.count.events += u64::from(!keys.is_empty());
        self.count.keys += keys.len() as u64;
        if let Some(said) = self.by_event.get(event.event_id.as_str()).copied() {
            self.known(said, event, &keys);
            return Ok(());
        }
        for key in &keys {
            self.stranger(event, key, find(key)?);
        }
        Ok(())
    }

    fn known(&mut self, said: &Said, event: &Written, keys: &[Key]) {
        self.found.insert(said.message);
        if event.keys.is_none() {
            self.count.redacted += 1;
            return;
        }
        for key in said.keys.iter().filter(|key| !keys.contains(key)) {
            self.report(&format!(
                "has {} for message {}, without its key {key}",
                said.event_id, said.message
            ));
        }
    }

    /// A key in an event that is on no record.
    fn stranger(&mut self, event: &Written, key: &Key, delivery: Option<DeliveryView>) {
        let id = &event.event_id;
        let sent_at = event.sent_at.map(Moment::from_millis);
        // What was sent before its delivery came was sent for another one, whose mark was forgotten.
        let delivery = delivery.filter(|d| sent_at.is_none_or(|at| at.plus(CLOCKS) >= d.received_at));
        match delivery {
            None if sent_at.is_some_and(|at| at >= self.remembered_since) => self.report(&format!(
                "has {id} with the key {key}, which no delivery has: another gateway writes as this user, or with \
                 another store"
            )),
            None => self.count.forgotten += 1,
            Some(delivery) => self.claimed(event, &delivery),
        }
    }

    fn claimed(&mut self, event: &Written, delivery: &DeliveryView) {
        let (id, status) = (&delivery.id, delivery.status);
        match (status, delivery.event_id.as_deref()) {
            (Status::Sent, Some(other)) if other != event.event_id.as_str() => {
                self.report(&format!("has delivery {id} twice: {other} and {}", event.event_id));
            }
            (Status::Sent | Status::InMessage, _) => self.count.under_way += 1,
            (Status::Uncertain, _) => self.count.uncertain += 1,
            (Status::Dropped | Status::Superseded, _) => self.count.given_up += 1,
            _ => self.report(&format!("has delivery {id} in {}, and it is {status}", event.event_id)),
        }
    }

    fn finish(mut self, read: Result<(), String>) -> Count {
        let missing: Vec<&Said> =
            self.on_record.iter().filter(|said| !self.found.contains(&said.message)).collect();
        match read {
            Ok(()) => missing.iter().for_each(|said| {
                self.report(&format!("lacks {}, which is message {}", said.event_id, said.message));
            }),
            Err(why) => {
                self.count.not_reached = missing.len() as u64;
                self.count.unread = Some(why);
            }
        }
        let found = self.breaches.finish(LookedAt::default());
        Count { breaches: found.breaches, more: found.more, ..self.count }
    }
}

#[cfg(test)]
mod tests {
    use meshhook_matrix::EventId;
    use meshhook_store::Facts;

    use super::*;

    const NOW: i64 = 1_000_000;
    const RETENTION: i64 = 100_000;

    fn said(message: i64, keys: &[u8]) -> Said {
        let keys = keys.iter().map(|key| Key([*key; 32])).collect();
        Said { message, event_id: format!("$m{message}"), sender: "@bot:x".to_owned(), keys }
    }

    /// An event at a second, with these keys; redacted without.
    fn event(id: &str, second: i64, keys: Option<&[u8]>) -> Written {
        let keys = keys.map(|keys| keys.iter().map(|key| Key([*key; 32]).to_string()).collect());
        let event_id = EventId::try_from(id.to_owned()).unwrap();
        Written { event_id, sent_at: Some(second * 1000), keys }
    }

    /// The delivery of key 3, which came a second ago.
    fn delivery(status: Status, event_id: Option<&str>) -> DeliveryView {
        DeliveryView {
            seq: 1,
            id: "d_3".to_owned(),
            key: Key([3; 32]),
            source: "s".to_owned(),
            status,
            reason: None,
            news: None,
            round: None,
            room: None,
            received_at: Moment::from_seconds(NOW - 1),
            seen: 1,
            expires_at: None,
            event_id: event_id.map(str::to_owned),
            facts: Facts::default(),
        }
    }

    /// The count of a room where messages 1 and 2 are on record.
    fn count(events: &[Written], third: Option<&DeliveryView>, read: Result<(), String>) -> Count {
        let on_record = [said(2, &[2]), said(1, &[1])];
        let mut tally = Tally::new("!r", &on_record, Moment::from_seconds(NOW - RETENTION));
        for event in events {
            let find = |key: &Key| Ok::<_, ()>(third.filter(|delivery| delivery.key == *key).cloned());
            tally.see(event, find).unwrap();
        }
        tally.finish(read)
    }

    fn both() -> Vec<Written> {
        vec![event("$m2", NOW, Some(&[2])), event("$m1", NOW - 1, Some(&[1]))]
    }

    fn breaches(count: &Count) -> Vec<String> {
        count.breaches.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_room_that_holds_what_is_on_record_is_sound() {
        let counted = count(&both(), None, Ok(()));
        let expected = Count { room: "!r".to_owned(), on_record: 2, events: 2, keys: 2, ..Count::default() };
        assert_eq!(counted, expected);
    }

    #[test]
    fn what_is_not_there_is_missed_unless_nobody_looked_so_far() {
        let newest = &both()[..1];
        let counted = count(newest, None, Ok(()));
        assert_eq!(breaches(&counted), ["invariant 9: room !r lacks $m1, which is message 1"]);
        let counted = count(newest, None, Err("too far".to_owned()));
        assert_eq!((counted.not_reached, counted.unread.as_deref()), (1, Some("too far")));
        assert_eq!(counted.breaches, []);
    }

    #[test]
    fn a_redacted_message_is_there_and_one_without_its_key_is_not() {
        let mut events = both();
        events[0].keys = None;
        let counted = count(&events, None, Ok(()));
        assert_eq!((counted.redacted, counted.breaches), (1, vec![]));
        events[0] = event("$m2", NOW, Some(&[7]));
        let key = Key([2; 32]);
        let words = format!("invariant 9: room !r has $m2 for message 2, without its key {key}");
        assert_eq!(breaches(&count(&events, None, Ok(()))), [words]);
    }

    /// An event that is on no record and has the key of a delivery.
    #[test]
    fn a_strangers_key_is_judged_by_its_delivery() {
        let stranger = |status, event_id: Option<&str>, second| {
            let events = [both(), vec![event("$stranger", second, Some(&[3]))]].concat();
            count(&events, Some(&delivery(status, event_id)), Ok(()))
        };
        let twice = stranger(Status::Sent, Some("$m3"), NOW);
        assert_eq!(breaches(&twice), ["invariant 9: room !r has delivery d_3 twice: $m3 and $stranger"]);
        for status in [Status::Pending, Status::Parked] {
            let owed = stranger(status, None, NOW);
            let words = format!("invariant 9: room !r has delivery d_3 in $stranger, and it is {status}");
            assert_eq!(breaches(&owed), [words]);
        }
        for (counted, kind) in [
            (stranger(Status::Sent, Some("$stranger"), NOW), "under_way"),
            (stranger(Status::InMessage, None, NOW), "under_way"),
            (stranger(Status::Uncertain, None, NOW), "uncertain"),
            (stranger(Status::Dropped, None, NOW), "given_up"),
            (stranger(Status::Superseded, None, NOW), "given_up"),
            (stranger(Status::Sent, Some("$m3"), NOW - RETENTION - 1), "forgotten"),
        ] {
            assert_eq!(breaches(&counted), [""; 0], "{kind}");
            let Count { under_way, uncertain, given_up, forgotten, .. } = counted;
            let kinds = [
                ("under_way", under_way),
                ("uncertain", uncertain),
                ("given_up", given_up),
                ("forgotten", forgotten),
            ];
            assert!(kinds.iter().all(|(name, number)| (*name == kind) == (*number == 1)), "{kinds:?}");
        }
    }

    #[test]
    fn a_key_of_no_delivery_is_forgotten_or_foreign_by_its_age() {
        let stranger = |second| {
            let events = [both(), vec![event("$stranger", second, Some(&[9, 8]))]].concat();
            count(&events, None, Ok(()))
        };
        let old = stranger(NOW - RETENTION - 1);
        assert_eq!((old.forgotten, old.breaches), (2, vec![]));
        let young = breaches(&stranger(NOW - RETENTION + 1));
        assert!(young.len() == 2 && young[0].contains("which no delivery has"), "{young:?}");
    }

    #[test]
    fn what_is_no_key_of_ours_is_not_counted() {
        let mut events = both();
        let mut other = event("$other", NOW, Some(&[]));
        other.keys = Some(vec!["k".to_owned()]);
        events.push(other);
        events.push(event("$chat", NOW, None));
        let counted = count(&events, None, Ok(()));
        assert_eq!((counted.events, counted.keys, counted.redacted, counted.breaches), (2, 2, 0, vec![]));
    }
}
