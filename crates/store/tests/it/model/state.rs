//! The world: what the store holds, what each gateway is about to do, what the homeserver knows.

use std::cmp::Ordering;

use meshhook_store::rules::Top;
use meshhook_store::{Rank, Status};

/// How many deliveries there are.
pub(crate) const DELIVERIES: usize = 3;
/// How many messages are in hand, uncertain or still in somebody's hand at a time, at most.
const ROWS: usize = 4;
/// How many events the room has at most: each key once, a stranger's, and what must not be.
const EVENTS: usize = 6;

/// What is delivered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Announced {
    /// What it says.
    pub(crate) words: &'static str,
    pub(crate) subject: u8,
    pub(crate) top: Top,
}

/// The deliveries: the first two are of one subject, the third is of another.
pub(crate) type Cast = [Announced; DELIVERIES];

const fn announced(words: &'static str, subject: u8, round: u64, rank: Rank) -> Announced {
    Announced { words, subject, top: (round, rank) }
}

/// A run's start, which can be collapsed, and its end; and the end of another run.
pub(crate) const RUN: Cast = [
    announced("running", 1, 1, Rank::Running),
    announced("failed", 1, 1, Rank::Terminal),
    announced("other", 2, 1, Rank::Terminal),
];

/// A run's end, which comes in any order with the start of the next round; and the end of another run.
pub(crate) const RERUN: Cast = [
    announced("failed", 1, 1, Rank::Terminal),
    announced("running again", 1, 2, Rank::Running),
    announced("other", 2, 1, Rank::Terminal),
];

/// A set of deliveries, or of their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Keys(u8);

impl Keys {
    /// Every set that is not empty.
    pub(crate) fn sets() -> impl Iterator<Item = Self> {
        (1..1 << DELIVERIES).map(Self)
    }

    pub(crate) fn has(self, delivery: usize) -> bool {
        self.0 & 1 << delivery != 0
    }

    pub(crate) fn is_alone(self) -> bool {
        self.0.count_ones() == 1
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        (0..DELIVERIES).filter(move |&delivery| self.has(delivery))
    }
}

/// A delivery's row.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Delivery {
    /// Nothing before it came, and after its mark is forgotten.
    pub(crate) status: Option<Status>,
    /// It was accepted, and nobody has given it up before its mark was forgotten.
    pub(crate) promised: bool,
    /// It came after the other one of its subject.
    pub(crate) second: bool,
    /// It is owed again, after it was parked, uncertain or dropped.
    pub(crate) again: bool,
    pub(crate) solo: bool,
    pub(crate) refusals: u8,
}

/// What a transaction id is made of, but for the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Txn {
    pub(crate) members: Keys,
    pub(crate) refusals: u8,
}

/// A token that was made by a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Login {
    /// The one at the beginning.
    #[default]
    First,
    /// The same user and device after a logout, with which the homeserver forgot the device's transaction ids.
    SameDevice,
    /// The same user with another device.
    OtherDevice,
    /// Another user.
    OtherUser,
}

/// Who is pinned, and whose transaction ids a homeserver remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Device {
    /// Of the first login, and of the one after it with the same device.
    #[default]
    First,
    Other,
    OtherUsers,
    /// A member of the room who is no gateway.
    Strangers,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum User {
    #[default]
    Bot,
    OtherBot,
    Stranger,
}

impl Login {
    pub(crate) fn device(self) -> Device {
        match self {
            Self::First | Self::SameDevice => Device::First,
            Self::OtherDevice => Device::Other,
            Self::OtherUser => Device::OtherUsers,
        }
    }

    pub(crate) fn user(self) -> User {
        self.device().user()
    }
}

impl Device {
    pub(crate) fn user(self) -> User {
        match self {
            Self::First | Self::Other => User::Bot,
            Self::OtherUsers => User::OtherBot,
            Self::Strangers => User::Stranger,
        }
    }
}

/// One of the two gateways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    A,
    B,
}

impl Name {
    pub(crate) const BOTH: [Self; 2] = [Self::A, Self::B];

    pub(crate) fn other(self) -> Self {
        if self == Self::A { Self::B } else { Self::A }
    }
}

/// Where a message's row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Standing {
    /// There is no row.
    #[default]
    Free,
    Open,
    Uncertain,
    /// Kept while a gateway has it in hand; its members know that they are sent.
    Sent,
    /// Refused, or written off. Kept while a gateway has it in hand.
    Refused,
}

/// A message's row, and what the homeserver thinks of its body.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Row {
    pub(crate) txn: Txn,
    pub(crate) standing: Standing,
    /// The login of all to whom it was handed out; nothing when there were several.
    pub(crate) session: Option<Login>,
    pub(crate) sender: User,
    /// The process that froze it, while that lives.
    pub(crate) frozen_by: Option<Name>,
    /// Frozen longer ago than a homeserver remembers.
    pub(crate) old: bool,
    /// The homeserver refuses its body.
    pub(crate) bad: bool,
    /// A gateway was told that it is in the room.
    pub(crate) told: bool,
}

impl Row {
    /// The row in its last standing: what only an open message needs is gone.
    pub(crate) fn closed(self, standing: Standing) -> Self {
        let Self { txn, told, sender, bad, .. } = self;
        Self { txn, standing, told, sender, bad, ..Self::default() }
    }
}

/// An event in the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Event {
    pub(crate) txn: Txn,
    pub(crate) by: Device,
    /// The homeserver still knows its transaction id.
    pub(crate) remembered: bool,
}

/// What came back, or was concluded, and is not yet written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// 200 with an event id, or found in the room.
    Event,
    /// 429, 401 or 403.
    NotNow,
    /// No answer, or one that no homeserver gave: HTML with 200, 400 or 502.
    Unknown,
    /// 400 or 413 with an errcode.
    Refused,
    /// What it relates to is gone, or whoever says it may not: it is to be said otherwise.
    Otherwise,
    /// The room does not tell, and the transaction id may be forgotten; or the homeserver fails at it for ever.
    NobodyKnows,
}

/// What a gateway is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Doing {
    #[default]
    Nothing,
    /// It has decided to PUT a row, or has done so: the PUT is under way.
    Putting(usize),
    /// It has to write down what became of a row.
    Knows(usize, Answer),
}

impl Doing {
    pub(crate) fn row(self) -> Option<usize> {
        match self {
            Self::Nothing => None,
            Self::Putting(row) | Self::Knows(row, _) => Some(row),
        }
    }
}

/// A gateway: one process at a time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Gateway {
    pub(crate) doing: Doing,
    pub(crate) login: Login,
    /// Its generation is the room's. A gateway with nothing to do has none.
    pub(crate) current: bool,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct World {
    pub(crate) deliveries: [Delivery; DELIVERIES],
    pub(crate) rows: [Row; ROWS],
    pub(crate) gateways: [Gateway; 2],
    /// Oldest first.
    pub(crate) room: [Event; EVENTS],
    /// The digests whose bodies the homeserver refuses, as bits.
    pub(crate) bad_digests: u8,
    /// The login in the token file.
    pub(crate) token: Login,
    pub(crate) pinned: Device,
}

impl World {
    pub(crate) fn gateway(&self, name: Name) -> &Gateway {
        &self.gateways[name as usize]
    }

    pub(crate) fn gateway_mut(&mut self, name: Name) -> &mut Gateway {
        &mut self.gateways[name as usize]
    }

    pub(crate) fn open_rows(&self) -> impl Iterator<Item = usize> {
        (0..ROWS).filter(|&row| self.rows[row].standing == Standing::Open)
    }

    /// The rows that may be in the room, or will be, and have this member.
    pub(crate) fn live_rows_of(&self, delivery: usize) -> impl Iterator<Item = usize> {
        (0..ROWS).filter(move |&row| {
            let Row { standing, txn, .. } = self.rows[row];
            matches!(standing, Standing::Open | Standing::Uncertain) && txn.members.has(delivery)
        })
    }

    pub(crate) fn live_row_of(&self, delivery: usize) -> Option<usize> {
        self.live_rows_of(delivery).next()
    }

    pub(crate) fn is_put(&self, row: usize) -> bool {
        self.gateways.iter().any(|gateway| gateway.doing == Doing::Putting(row))
    }

    /// No PUT is under way.
    pub(crate) fn is_quiet(&self) -> bool {
        self.gateways.iter().all(|gateway| !matches!(gateway.doing, Doing::Putting(_)))
    }

    pub(crate) fn room(&self) -> impl Iterator<Item = &Event> {
        self.room.iter().filter(|event| event.txn.members != Keys::default())
    }

    pub(crate) fn room_mut(&mut self) -> impl Iterator<Item = &mut Event> {
        self.room.iter_mut()
    }

    /// A room that holds two of the same is full: a search that is after something else need not go on there.
    pub(crate) fn say(&mut self, event: Event) {
        if let Some(end) = self.room.iter_mut().find(|event| event.txn.members == Keys::default()) {
            *end = event;
        }
    }

    /// A row for a new message.
    pub(crate) fn free_row(&self) -> usize {
        let free = self.rows.iter().position(|row| row.standing == Standing::Free);
        free.expect("more messages at a time than this model was made for")
    }

    /// Forgets the rows that nothing can come of any more.
    pub(crate) fn sweep(&mut self) {
        for row in 0..ROWS {
            let is_held = self.gateways.iter().any(|gateway| gateway.doing.row() == Some(row));
            if !is_held && matches!(self.rows[row].standing, Standing::Sent | Standing::Refused) {
                self.rows[row] = Row::default();
            }
        }
    }

    /// Whether the homeserver refuses a row's body. A digest of the same members has the same body; a single that is
    /// tried again may have another.
    pub(crate) fn is_bad(&self, row: usize) -> bool {
        let Row { txn: Txn { members, .. }, bad, .. } = self.rows[row];
        bad || (!members.is_alone() && self.bad_digests & 1 << members.0 != 0)
    }

    pub(crate) fn make_bad(&mut self, row: usize) {
        let members = self.rows[row].txn.members;
        if members.is_alone() {
            self.rows[row].bad = true;
        } else {
            self.bad_digests |= 1 << members.0;
        }
    }
}

/// A world in few bits: equal worlds have equal ones, and so have those in which only the gateways' names differ.
pub(crate) type Packed = [u64; 3];

impl World {
    pub(crate) fn packed(&self) -> Packed {
        let [a, b] = self.gateways.map(Gateway::bits);
        match a.cmp(&b) {
            Ordering::Less => self.as_named(),
            Ordering::Equal => self.as_named().min(self.mirrored().as_named()),
            Ordering::Greater => self.mirrored().as_named(),
        }
    }

    /// Each gateway under the other's name.
    fn mirrored(&self) -> Self {
        let mut mirrored = *self;
        mirrored.gateways.reverse();
        for row in &mut mirrored.rows {
            row.frozen_by = row.frozen_by.map(Name::other);
        }
        mirrored
    }

    fn as_named(&self) -> Packed {
        let rows = self.rows.iter().fold(0, |bits, row| bits << 16 | row.bits());
        let room = self.room.iter().fold(0, |bits, event| bits << 8 | event.bits());
        let deliveries = self.deliveries.iter().fold(0, |bits, delivery| bits << 10 | delivery.bits());
        let gateways = self.gateways.iter().fold(0, |bits, gateway| bits << 8 | gateway.bits());
        let identity = (self.token as u64) << 2 | self.pinned as u64;
        [rows, room << 12 | identity << 8 | u64::from(self.bad_digests), deliveries << 16 | gateways]
    }
}

fn bits<const N: usize>(flags: [bool; N]) -> u64 {
    flags.iter().fold(0, |bits, &flag| bits << 1 | u64::from(flag))
}

impl Delivery {
    fn bits(self) -> u64 {
        let flags = [self.promised, self.second, self.again, self.solo];
        let status = self.status.map_or(0, |status| status as u64 + 1);
        status << 6 | bits(flags) << 2 | u64::from(self.refusals)
    }
}

impl Txn {
    fn bits(self) -> u64 {
        u64::from(self.members.0) << 2 | u64::from(self.refusals)
    }
}

impl Row {
    fn bits(self) -> u64 {
        // Free, which has no members, is nothing but noughts.
        let Some(standing) = (self.standing as u64).checked_sub(1) else { return 0 };
        let session = self.session.map_or(0, |login| login as u64 + 1);
        let frozen_by = self.frozen_by.map_or(0, |name| name as u64 + 1);
        let sender = u64::from(self.sender == User::OtherBot);
        let start = self.txn.bits() << 2 | standing;
        (((start << 3 | session) << 2 | frozen_by) << 1 | sender) << 3 | bits([self.old, self.bad, self.told])
    }
}

impl Event {
    fn bits(self) -> u64 {
        (self.txn.bits() << 2 | self.by as u64) << 1 | u64::from(self.remembered)
    }
}

impl Gateway {
    fn bits(self) -> u64 {
        let (doing, row) = match self.doing {
            Doing::Nothing => (0, 0),
            Doing::Putting(row) => (1, row as u64),
            Doing::Knows(row, answer) => (2 + answer as u64, row as u64),
        };
        ((doing << 2 | row) << 2 | self.login as u64) << 1 | u64::from(self.current)
    }
}
