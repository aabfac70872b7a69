//! What must not be, in the room and in the store.

use meshhook_store::{Rank, Status};

use super::state::{Announced, DELIVERIES, Event, Standing, User, World};
use super::steps::Model;

/// What is wrong. The numbers are those of the specification's invariants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Breach {
    /// A key is twice in the room.
    Double,
    /// What was accepted is neither in the room nor owed nor given up (9).
    Loss,
    /// A subject's states are in the room in another order than they came, or one after what has overtaken it.
    Disorder,
    /// A terminal state is suppressed (7).
    Suppressed,
    /// It is left to a person, although a gateway was told that it is in the room.
    Unheard,
    /// What is in the room is said not to be (5, 9).
    Denied,
    /// A key is in two messages that are open, sent or uncertain (1).
    TwoMessages,
    /// A delivery's status is not its message's.
    Orphan,
    /// More than one message is open in the room (4).
    TwoOpen,
    /// Something is owed, and nothing goes on.
    DeadEnd,
    /// Things go on for ever.
    Circle,
}

type Check = fn(&Model, &World) -> bool;

impl Breach {
    pub(crate) const ALL: &[Self] = &[
        Self::Double,
        Self::Loss,
        Self::Disorder,
        Self::Suppressed,
        Self::Unheard,
        Self::Denied,
        Self::TwoMessages,
        Self::Orphan,
        Self::TwoOpen,
        Self::DeadEnd,
        Self::Circle,
    ];

    /// How it is seen in a single state, if it is.
    fn check(self) -> Option<Check> {
        Some(match self {
            Self::Double => |_, world| (0..DELIVERIES).any(|key| world.count(key) > 1),
            Self::Loss => |_, world| (0..DELIVERIES).any(|key| world.is_lost(key)),
            Self::Disorder => |model, world| world.is_in_disorder(&model.cast),
            Self::Suppressed => |model, world| {
                let mut all = world.deliveries.iter().zip(model.cast);
                all.any(|(d, a)| d.status == Some(Status::Superseded) && a.top.1 == Rank::Terminal)
            },
            Self::Unheard => {
                |_, world| world.rows.iter().any(|row| row.told && row.standing == Standing::Uncertain)
            }
            Self::Denied => |_, world| (0..DELIVERIES).any(|key| world.is_denied(key)),
            Self::TwoMessages => |_, world| (0..DELIVERIES).any(|key| world.live_rows_of(key).count() > 1),
            Self::Orphan => |_, world| (0..DELIVERIES).any(|key| world.is_orphan(key)),
            Self::TwoOpen => |_, world| world.open_rows().count() > 1,
            Self::DeadEnd | Self::Circle => return None,
        })
    }
}

impl Model {
    /// The first of the breaches that are looked for.
    pub(crate) fn breach_in(&self, world: &World) -> Option<Breach> {
        let seen = |breach: &&Breach| breach.check().is_some_and(|check| check(self, world));
        self.looks_for.iter().find(seen).copied()
    }
}

impl World {
    /// Something is to be said in the end.
    pub(crate) fn owes(&self) -> bool {
        let owed = |status| matches!(status, Some(Status::Pending | Status::InMessage));
        self.deliveries.iter().any(|delivery| owed(delivery.status)) || self.open_rows().next().is_some()
    }

    fn own_events(&self) -> impl Iterator<Item = &Event> {
        self.room().filter(|event| event.by.user() != User::Stranger)
    }

    /// How often a key is in the room.
    fn count(&self, key: usize) -> usize {
        self.own_events().filter(|event| event.txn.members.has(key)).count()
    }

    fn is_lost(&self, key: usize) -> bool {
        let delivery = &self.deliveries[key];
        let is_said =
            delivery.status == Some(Status::Sent) || (delivery.status.is_none() && delivery.promised);
        is_said && self.count(key) == 0
    }

    /// Who drops what is uncertain says only that it may be lost.
    fn is_denied(&self, key: usize) -> bool {
        let is_owed_or_given_up = matches!(
            self.deliveries[key].status,
            Some(Status::Pending | Status::Parked | Status::Superseded | Status::Dropped)
        );
        is_owed_or_given_up && self.count(key) > 0 && self.live_row_of(key).is_none()
    }

    fn is_orphan(&self, key: usize) -> bool {
        let standing = self.live_row_of(key).map(|row| self.rows[row].standing);
        match self.deliveries[key].status {
            Some(Status::InMessage) => standing != Some(Standing::Open),
            Some(Status::Uncertain) => standing != Some(Standing::Uncertain),
            Some(Status::Dropped) => standing == Some(Standing::Open),
            _ => standing.is_some(),
        }
    }

    fn is_in_disorder(&self, cast: &[Announced; DELIVERIES]) -> bool {
        let place = |key| self.own_events().position(|event| event.txn.members.has(key));
        let (Some(first), Some(second)) = (place(0), place(1)) else { return false };
        let (early, late) = if first < second { (0, 1) } else { (1, 0) };
        first != second && self.is_too_late(late, early, cast)
    }

    /// Whether a key comes too late in the room, after another of its subject. What was given up and is said all the
    /// same has lost its place, unless it says what is over.
    fn is_too_late(&self, late: usize, early: usize, cast: &[Announced; DELIVERIES]) -> bool {
        let is_over = cast[late].top.1 != Rank::Terminal && cast[late].top < cast[early].top;
        let (late, early) = (&self.deliveries[late], &self.deliveries[early]);
        is_over || (early.second && !late.second && !late.again)
    }
}
