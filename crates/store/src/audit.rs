//! The invariants of a store, and what a look at all of its rows finds against them.
//!
//! A backend walks through its tables in one consistent snapshot and shows each row to an [`Auditor`]: so every
//! backend calls the same thing a breach, as with [`rules`](crate::rules).

use std::collections::BTreeSet;
use std::fmt;

use crate::rules::Top;
use crate::{Key, MessageStatus, Moment, Rank, Status};

/// How many breaches an audit keeps; the others are counted.
pub const MAX_BREACHES: usize = 100;

/// What holds at all times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// What the tables say of each other is so.
    TablesAgree = 0,
    /// A key is in at most one message that is open, sent or uncertain.
    OneMessage = 1,
    /// A message never changes but in its status and its event.
    Unchanged = 2,
    /// No PUT without a message that is on record.
    OnRecord = 3,
    /// At most one message of a room is open.
    OneOpen = 4,
    /// What is sent is final, and nothing else has an event.
    SentIsFinal = 5,
    /// Deliveries of a subject go into messages in the order of their acceptance.
    InOrder = 6,
    /// A terminal state is suppressed by nothing but its own key; or, where its source is heard of changes alone, since
    /// it is none. Then it is ignored, under that key, and never judged again.
    TerminalIsSaid = 7,
    /// What is not final has no end.
    OwedStays = 8,
    /// The room holds the keys of what is sent, each once.
    RoomAgrees = 9,
}

impl Invariant {
    /// Its number in the specification; 0 for what any database has to promise.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// What does not hold.
    pub invariant: Invariant,
    /// Where, in words: a clause about a delivery, a message or a room by its id.
    pub what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invariant {}: {}", self.invariant.number(), self.what)
    }
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Audit {
    /// The first [`MAX_BREACHES`] breaches; none in a store that is sound.
    pub breaches: Vec<Breach>,
    /// How many more there are.
    pub more: u64,
    /// What was looked at.
    pub looked_at: LookedAt,
}

/// How many rows of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LookedAt {
    /// Deliveries.
    pub deliveries: u64,
    /// Messages.
    pub messages: u64,
    /// Attempts that are kept.
    pub attempts: u64,
    /// Subjects.
    pub subjects: u64,
    /// Rooms.
    pub rooms: u64,
}

/// A delivery, as far as the invariants speak of it.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryRow<'a> {
    /// Its id.
    pub id: &'a str,
    /// The status of the row, which is not the message's.
    pub status: Status,
    /// Its round and rank, if it announces something.
    pub top: Option<Top>,
    /// How far its subject has come by what is final; while it is owed, it speaks for its subject itself.
    pub subject_top: Option<Top>,
    /// Whether what it has to say is kept.
    pub has_content: bool,
    /// Whether its room is on record.
    pub has_room: bool,
    /// Whether its mark is to be forgotten.
    pub has_end: bool,
    /// The message it is or was in.
    pub message: Option<Carrier>,
    /// Whether it waits, is not terminal, and something that came after it and is further along, about the same subject
    /// and for the same room, is in a message already.
    pub is_overtaken: bool,
}

/// A delivery's message, as the delivery's row leads to it.
#[derive(Debug, Clone, Copy)]
pub struct Carrier {
    /// Where it stands; nothing if there is no such message.
    pub status: Option<MessageStatus>,
    /// Whether it is for the delivery's room.
    pub same_room: bool,
}

/// A message, as far as the invariants speak of it.
#[derive(Debug, Clone)]
pub struct MessageRow<'a> {
    /// Its number.
    pub id: i64,
    /// Its room.
    pub room: &'a str,
    /// Its status.
    pub status: MessageStatus,
    /// When it was frozen.
    pub frozen_at: Moment,
    /// Whether an event is on record for it.
    pub has_event: bool,
    /// The keys of the deliveries that are or were in it, by their rows.
    pub members: Vec<Key>,
    /// The keys that its body says it carries, and where the rows say they are; nothing if the body says nothing.
    pub carried: Option<Vec<Carried>>,
}

/// A key in a message's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried {
    /// The key.
    pub key: Key,
    /// The delivery of that key, if it is not forgotten: which message it is in, if any, and when it came.
    pub delivery: Option<(Option<i64>, Moment)>,
}

/// Judges a store row by row.
#[derive(Debug, Default)]
pub struct Auditor {
    audit: Audit,
    /// Rooms that an open message was seen of.
    open: BTreeSet<String>,
}

impl Auditor {
    /// Notes a breach that only the backend can see.
    pub fn report(&mut self, invariant: Invariant, what: String) {
        if self.audit.breaches.len() < MAX_BREACHES {
            self.audit.breaches.push(Breach { invariant, what });
        } else {
            self.audit.more += 1;
        }
    }

    /// Judges a delivery.
    pub fn delivery(&mut self, row: &DeliveryRow<'_>) {
        self.audit.looked_at.deliveries += 1;
        for (invariant, what, _) in row.checks().into_iter().filter(|(.., broken)| *broken) {
            self.report(invariant, format!("delivery {} ({}) {what}", row.id, row.status));
        }
    }

    /// Judges a message.
    pub fn message(&mut self, row: &MessageRow<'_>) {
        self.audit.looked_at.messages += 1;
        let checks = row.checks();
        for (invariant, what, _) in checks.into_iter().filter(|(.., broken)| *broken) {
            self.report(invariant, row.says(what));
        }
        if row.status == MessageStatus::Open && !self.open.insert(row.room.to_owned()) {
            self.report(Invariant::OneOpen, row.says("is not the only open one of its room"));
        }
        if let Some(carried) = row.carried.as_ref().filter(|_| row.status != MessageStatus::Refused) {
            self.body(row, carried);
        }
    }

    /// Compares a message's body, which is as it was frozen, with the rows.
    fn body(&mut self, row: &MessageRow<'_>, carried: &[Carried]) {
        for member in &row.members {
            if !carried.iter().any(|carried| carried.key == *member) {
                self.report(Invariant::Unchanged, row.says(&format!("does not carry its member {member}")));
            }
        }
        for carried in carried {
            if let Some((invariant, what)) = row.check_carried(carried) {
                self.report(invariant, row.says(&format!("{what} {}", carried.key)));
            }
        }
    }

    /// What was found; `looked_at` has the numbers of the rows that were not shown.
    #[must_use]
    pub fn finish(mut self, looked_at: LookedAt) -> Audit {
        let LookedAt { attempts, subjects, rooms, .. } = looked_at;
        self.audit.looked_at = LookedAt { attempts, subjects, rooms, ..self.audit.looked_at };
        self.audit
    }
}

/// An invariant, what is said when it is broken, and whether it is.
type Check = (Invariant, &'static str, bool);

impl DeliveryRow<'_> {
    fn checks(&self) -> [Check; 9] {
        use Invariant::{InOrder, OneMessage, OwedStays, SentIsFinal, TablesAgree, TerminalIsSaid};
        use MessageStatus::{Open, Sent, Uncertain};
        let carrier = self.message.and_then(|message| message.status);
        let inside = self.status == Status::InMessage;
        let lost = inside && !matches!(carrier, Some(Open | Sent | Uncertain));
        let owed = matches!(self.status, Status::Pending | Status::Parked)
            || inside && matches!(carrier, Some(Open | Uncertain));
        let (is_final, left) = (!owed && !lost, !inside);
        let has_left =
            left && (carrier == Some(Open) || carrier == Some(Uncertain) && self.status != Status::Dropped);
        let silent = !self.has_content || !self.has_room || self.top.is_none();
        let superseded = self.status == Status::Superseded;
        [
            (OneMessage, "has left a message that may be in the room", has_left),
            (SentIsFinal, "has left a message that is sent", left && carrier == Some(Sent)),
            (InOrder, "waits, and what came after it is in a message", self.is_overtaken),
            (TerminalIsSaid, "is terminal", superseded && self.is_terminal()),
            (OwedStays, "is owed, and is to be forgotten", owed && self.has_end),
            (TablesAgree, "is in no message that may be in the room", lost),
            (TablesAgree, "is final, and is never forgotten", is_final && !self.has_end),
            (TablesAgree, "is owed, and lacks its content, its room or its rank", owed && silent),
            (TablesAgree, "is at odds with its subject or its message", self.is_at_odds(is_final)),
        ]
    }

    fn is_terminal(&self) -> bool {
        self.top.is_some_and(|(_, rank)| rank == Rank::Terminal)
    }

    fn is_at_odds(&self, is_final: bool) -> bool {
        let elsewhere = self.message.is_some_and(|message| message.status.is_none() || !message.same_room);
        elsewhere || is_final && self.subject_top < self.top
    }
}

impl MessageRow<'_> {
    fn says(&self, what: &str) -> String {
        format!("message {} ({}) {what}", self.id, self.status.as_str())
    }

    fn checks(&self) -> [Check; 3] {
        let sent = self.status == MessageStatus::Sent;
        [
            (Invariant::SentIsFinal, "has an event", self.has_event && !sent),
            (Invariant::SentIsFinal, "has no event", !self.has_event && sent),
            (Invariant::TablesAgree, "has no deliveries", self.members.is_empty()),
        ]
    }

    /// A key may be said again once its mark is forgotten: that is another delivery, which came after this message.
    fn check_carried(&self, carried: &Carried) -> Option<(Invariant, &'static str)> {
        match carried.delivery {
            None if self.status == MessageStatus::Open => {
                Some((Invariant::Unchanged, "carries what is no delivery's key:"))
            }
            Some((message, received_at)) if message != Some(self.id) && received_at <= self.frozen_at => {
                Some((Invariant::OneMessage, "carries the key of a delivery that is elsewhere:"))
            }
            _ => None,
        }
    }
}
