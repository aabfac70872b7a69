//! The tables against the invariants, and against each other; in debug builds after every change.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::MutexGuard;

use super::{MessageRow, Room, Row, Saying, Tables};
use crate::audit::{Audit, Auditor, Carried, Carrier, DeliveryRow, Invariant, LookedAt};
use crate::rules::Top;
use crate::{Key, MessageStatus, Rank, Status, SubjectKey, audit};

/// The tables while somebody holds them. In debug builds they are audited when they are let go after a change, and a
/// breach panics: whatever made it is still on the stack.
pub(super) struct Held<'a> {
    tables: MutexGuard<'a, Tables>,
    changed: bool,
}

impl<'a> Held<'a> {
    pub(super) fn new(tables: MutexGuard<'a, Tables>) -> Self {
        Self { tables, changed: false }
    }
}

impl Deref for Held<'_> {
    type Target = Tables;

    fn deref(&self) -> &Tables {
        &self.tables
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut Tables {
        self.changed = true;
        &mut self.tables
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if cfg!(debug_assertions) && self.changed && !std::thread::panicking() {
            let found = self.tables.audit(&|_| None).breaches;
            assert!(found.is_empty(), "{found:#?}");
        }
    }
}

/// Of each subject and room, what is in messages that may be in the room.
type InMessages<'a> = BTreeMap<(SubjectKey, &'a str), Vec<(i64, Top)>>;

impl Tables {
    /// Every row against the invariants.
    pub(super) fn audit(&self, carried: &dyn Fn(&str) -> Option<Vec<Key>>) -> Audit {
        let mut auditor = Auditor::default();
        let in_messages = self.in_messages();
        for (&seq, row) in &self.deliveries {
            auditor.delivery(&self.delivery_row(seq, row, &in_messages));
            self.audit_indices(&mut auditor, seq, row);
        }
        for (&id, message) in &self.messages {
            auditor.message(&self.message_row(id, message, carried));
        }
        for (name, room) in &self.rooms {
            self.audit_room(&mut auditor, name, room);
        }
        self.audit_counts(&mut auditor);
        auditor.finish(LookedAt {
            attempts: self.messages.values().map(|message| message.attempts.len() as u64).sum(),
            subjects: self.subjects.len() as u64,
            rooms: self.rooms.len() as u64,
            ..LookedAt::default()
        })
    }

    fn in_messages(&self) -> InMessages<'_> {
        let mut found = InMessages::new();
        let may_be_said = |row: &Row| {
            let status = row.message.and_then(|id| self.messages.get(&id)).map(|message| message.status);
            row.status == Status::InMessage && status != Some(MessageStatus::Refused)
        };
        for (&seq, row) in &self.deliveries {
            if let Some(saying) = row.saying.as_ref().filter(|_| may_be_said(row)) {
                found.entry((saying.subject, &saying.room)).or_default().push((seq, saying.top));
            }
        }
        found
    }

    fn delivery_row<'a>(&self, seq: i64, row: &'a Row, in_messages: &InMessages<'_>) -> DeliveryRow<'a> {
        let saying = row.saying.as_ref();
        let room = saying.map(|saying| &*saying.room);
        DeliveryRow {
            id: &row.id,
            status: row.status,
            top: saying.map(|saying| saying.top),
            subject_top: saying.and_then(|saying| self.top_of(&saying.subject)),
            has_content: saying.is_some_and(|saying| saying.content.is_some()),
            has_room: room.is_some_and(|room| self.rooms.contains_key(room)),
            has_end: row.expires_at.is_some(),
            message: row.message.map(|id| self.carrier(id, room)),
            is_overtaken: row.status == Status::Pending
                && saying.is_some_and(|saying| is_overtaken(seq, saying, in_messages)),
        }
    }

    fn carrier(&self, id: i64, room: Option<&str>) -> Carrier {
        let message = self.messages.get(&id);
        let same_room = message.map(|message| &*message.room) == room;
        Carrier { status: message.map(|message| message.status), same_room }
    }

    fn message_row<'a>(
        &self,
        id: i64,
        message: &'a MessageRow,
        carried: &dyn Fn(&str) -> Option<Vec<Key>>,
    ) -> audit::MessageRow<'a> {
        let carried = carried(&message.body);
        audit::MessageRow {
            id,
            room: &message.room,
            status: message.status,
            frozen_at: message.frozen_at,
            has_event: message.event_id.is_some(),
            members: message
                .members
                .iter()
                .filter_map(|seq| self.deliveries.get(seq))
                .map(|r| r.key)
                .collect(),
            carried: carried.map(|keys| keys.into_iter().map(|key| self.whereabouts(key)).collect()),
        }
    }

    fn whereabouts(&self, key: Key) -> Carried {
        let row = self.by_key.get(&key).and_then(|seq| self.deliveries.get(seq));
        Carried { key, delivery: row.map(|row| (row.message, row.received_at)) }
    }

    /// What leads to a delivery has to lead to it.
    fn audit_indices(&self, auditor: &mut Auditor, seq: i64, row: &Row) {
        let members = row.message.and_then(|id| self.messages.get(&id)).map(|message| &message.members);
        let room = row.saying.as_ref().and_then(|saying| self.rooms.get(&saying.room));
        let waits = room.is_some_and(|room| room.pending.contains(&seq));
        for (what, holds) in [
            ("its id", self.by_id.get(&row.id) == Some(&seq)),
            ("its key", self.by_key.get(&row.key) == Some(&seq)),
            ("its message", members.is_none_or(|members| members.contains(&seq))),
            ("its room's queue", waits == (row.status == Status::Pending)),
        ] {
            if !holds {
                let what = format!("delivery {} ({}) is not found by {what}", row.id, row.status);
                auditor.report(Invariant::TablesAgree, what);
            }
        }
    }

    fn audit_room(&self, auditor: &mut Auditor, name: &str, room: &Room) {
        let open = self.messages.iter().filter(|(_, m)| m.room == name && m.status == MessageStatus::Open);
        let open: Vec<_> = open.map(|(&id, _)| id).collect();
        if !open.iter().eq(&room.open) {
            let what = format!("room {name} has {:?} in hand, and open are {open:?}", room.open);
            auditor.report(Invariant::TablesAgree, what);
        }
        if let Some(seq) = room.pending.iter().find(|seq| !self.deliveries.contains_key(seq)) {
            auditor.report(Invariant::TablesAgree, format!("room {name} awaits {seq}, which is no delivery"));
        }
    }

    /// Nothing leads to what is not there.
    fn audit_counts(&self, auditor: &mut Auditor) {
        let mut rows: BTreeMap<SubjectKey, usize> = BTreeMap::new();
        for saying in self.deliveries.values().filter_map(|row| row.saying.as_ref()) {
            *rows.entry(saying.subject).or_default() += 1;
        }
        for (subject, known) in &self.subjects {
            if rows.get(subject) != Some(&known.rows) {
                auditor
                    .report(Invariant::TablesAgree, format!("subject {subject} counts {} rows", known.rows));
            }
        }
        let members = self.messages.values().map(|message| message.members.len()).sum();
        let carried = self.deliveries.values().filter(|row| row.message.is_some()).count();
        for (what, entries, wanted) in [
            ("ids", self.by_id.len(), self.deliveries.len()),
            ("keys", self.by_key.len(), self.deliveries.len()),
            ("members", members, carried),
            ("subjects", self.subjects.len(), rows.len()),
        ] {
            if entries != wanted {
                let what = format!("there are {entries} {what} and {wanted} of those who have them");
                auditor.report(Invariant::TablesAgree, what);
            }
        }
    }
}

fn is_overtaken(seq: i64, saying: &Saying, in_messages: &InMessages<'_>) -> bool {
    let said = in_messages.get(&(saying.subject, &*saying.room)).map_or(&[][..], Vec::as_slice);
    saying.top.1 != Rank::Terminal && said.iter().any(|(other, top)| *other > seq && *top > saying.top)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::fixture::*;
    use crate::{Inspect, MemoryStore, Upkeep};

    /// What is done to the tables behind the store's back, and the breaches that this is.
    type Case = (fn(&mut Tables), &'static [&'static str]);

    const CASES: [Case; 9] = [
        (|_| {}, &[]),
        (
            |tables| {
                tables.by_id.remove("sent");
            },
            &[
                "delivery sent (in_message) is not found by its id",
                "there are 10 ids and 11 of those who have them",
            ],
        ),
        (
            |tables| {
                tables.by_key.insert(Key([9; 32]), 1);
            },
            &["there are 12 keys and 11 of those who have them"],
        ),
        (
            |tables| {
                tables.room(ROOM).pending.clear();
            },
            &[
                "delivery pending (pending) is not found by its room's queue",
                "delivery later (pending) is not found by its room's queue",
            ],
        ),
        (
            |tables| {
                tables.room(ROOM).pending.insert(99);
            },
            &["room !builds:example.org awaits 99, which is no delivery"],
        ),
        (
            |tables| tables.room(ROOM).open = None,
            &["room !builds:example.org has None in hand, and open are [4]"],
        ),
        (
            |tables| tables.messages.values_mut().for_each(|message| message.members.push(5)),
            &["there are 8 members and 4 of those who have them"],
        ),
        (
            |tables| tables.messages.get_mut(&1).unwrap().members.clear(),
            &[
                "delivery sent (in_message) is not found by its message",
                "message 1 (sent) has no deliveries",
                "there are 3 members and 4 of those who have them",
            ],
        ),
        (
            |tables| tables.subjects.values_mut().for_each(|subject| subject.rows = 1),
            &["subject 0305…0000 counts 1 rows"],
        ),
    ];

    #[test]
    fn tables_that_disagree_are_found() {
        for (number, (harm, breaches)) in CASES.iter().enumerate() {
            let store = MemoryStore::new();
            one_of_each(&store);
            let mut tables = store.tables.lock().unwrap();
            harm(&mut tables);
            let found = tables.audit(&|_| None).breaches;
            let found: Vec<_> = found.iter().map(|b| b.what.replace(&"0".repeat(56), "…")).collect();
            assert_eq!(found, *breaches, "case {number}");
        }
    }

    /// The same rules as for any other backend.
    #[test]
    fn rows_that_break_an_invariant_are_found() {
        let store = MemoryStore::new();
        one_of_each(&store);
        let mut tables = store.tables.lock().unwrap();
        for row in tables.deliveries.values_mut() {
            row.expires_at = Some(START);
        }
        let found = tables.audit(&|_| None).breaches;
        assert_eq!(found.len(), 5, "{found:#?}");
        assert!(found.iter().all(|breach| breach.invariant == Invariant::OwedStays), "{found:#?}");
    }

    #[cfg(debug_assertions)]
    #[test]
    fn a_breach_in_a_debug_build_panics_at_the_change_and_not_at_a_look() {
        let store = MemoryStore::new();
        one_of_each(&store);
        store.tables.lock().unwrap().by_id.clear();
        store.totals().unwrap();
        let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| store.purge(START, 1)));
        let said = broken.unwrap_err().downcast::<String>().unwrap();
        assert!(said.contains("delivery sent (in_message) is not found by its id"), "{said}");
    }
}
