//! What the store does, each in one durable transaction.

use meshhook_store::rules::{self, Top, Verdict};
use meshhook_store::{Rank, Status};

use super::rules::Rule;
use super::state::{DELIVERIES, Keys, Login, Name, Row, Standing, Txn, World};
use super::steps::Model;

/// So many refusals are told apart.
const REFUSALS: u8 = 3;

/// Accept, freeze.
impl Model {
    /// What accept does with a delivery, by the rules of the crate.
    fn verdict(&self, world: &World, delivery: usize, known: Option<Status>, fresh: bool) -> Verdict {
        let known = known.filter(|_| self.has(Rule::KeyIsSaidOnce));
        let top = self.top(world, delivery).filter(|_| self.has(Rule::LateIsSuperseded));
        let (round, rank) = self.cast[delivery].top;
        let rank = if self.has(Rule::TerminalIsSaid) { rank } else { rank.min(Rank::Running) };
        rules::judge(known, top, (round, rank), fresh)
    }

    /// The highest of a subject that was accepted, as long as any of its rows is there.
    fn top(&self, world: &World, delivery: usize) -> Option<Top> {
        let is_known = |&other: &usize| world.deliveries[other].status.is_some();
        self.subject_of(delivery).find(is_known)?;
        let was_owed = |&other: &usize| world.deliveries[other].promised;
        self.subject_of(delivery).filter(was_owed).map(|other| self.cast[other].top).max()
    }

    fn subject_of(&self, delivery: usize) -> impl Iterator<Item = usize> {
        (0..DELIVERIES).filter(move |&other| self.cast[other].subject == self.cast[delivery].subject)
    }

    /// Transition 1, for a delivery that comes for the first time or again.
    pub(crate) fn accept(&self, world: &mut World, delivery: usize) {
        let known = world.deliveries[delivery].status;
        let is_forgotten = |other: usize| {
            let other = &world.deliveries[other];
            other.promised && other.status.is_none()
        };
        let fresh = !self.has(Rule::ReplayIsStale) || !self.subject_of(delivery).any(is_forgotten);
        match self.verdict(world, delivery, known, fresh) {
            Verdict::Duplicate | Verdict::Stale => return,
            // A second mark for a delivery whose first one is forgotten; nothing is said for it.
            Verdict::Superseded if is_forgotten(delivery) => return,
            Verdict::Superseded => world.deliveries[delivery].status = Some(Status::Superseded),
            Verdict::Pend | Verdict::Revive => {
                world.deliveries[delivery].solo = false;
                world.pend(delivery);
            }
        }
        if known.is_none() {
            let came_before = |other: usize| other != delivery && world.deliveries[other].status.is_some();
            world.deliveries[delivery].second = self.subject_of(delivery).any(came_before);
        }
    }

    /// Transition 11: by accept's rules.
    fn owe_again(&self, world: &mut World, delivery: usize) {
        match self.verdict(world, delivery, None, true) {
            Verdict::Superseded => world.deliveries[delivery].status = Some(Status::Superseded),
            _ => world.pend(delivery),
        }
    }

    /// Transition 11. Of an uncertain message all members: it is their message that is written off.
    pub(crate) fn retry(&self, world: &mut World, delivery: usize) {
        let dropped = world.deliveries[delivery].status == Some(Status::Dropped);
        let message = world.live_row_of(delivery).filter(|_| !dropped);
        let Some(row) = message else { return self.owe_again(world, delivery) };
        let members = world.rows[row].txn.members;
        let whole = members.is_alone() || self.has(Rule::WrittenOffWhole);
        if whole {
            world.close(row, Standing::Refused);
        }
        for member in members.iter().filter(|&member| whole || member == delivery) {
            if matches!(world.deliveries[member].status, Some(Status::Uncertain | Status::InMessage)) {
                world.refused(member);
                self.owe_again(world, member);
            }
        }
        world.sweep();
    }

    /// Whether a set of deliveries may be frozen into a message.
    pub(crate) fn may_be_frozen(&self, world: &World, members: Keys) -> bool {
        members.iter().all(|delivery| {
            let Some(Status::Pending) = world.deliveries[delivery].status else { return false };
            let left_behind = |other: usize| {
                let second = world.deliveries[delivery].second && !world.deliveries[other].second;
                second && !members.has(other) && world.deliveries[other].status == Some(Status::Pending)
            };
            let is_prefix = !self.has(Rule::PrefixBySeq) || !self.subject_of(delivery).any(left_behind);
            is_prefix && (members.is_alone() || !world.deliveries[delivery].solo)
        })
    }
}

/// What becomes of a message.
impl Model {
    /// Transition 6.
    pub(crate) fn settle(&self, world: &mut World, row: usize, current: bool) {
        world.rows[row].told = true;
        if !current && !self.has(Rule::SuccessAlways) {
            return;
        }
        for delivery in world.close(row, Standing::Sent).iter() {
            if world.live_row_of(delivery).is_none() {
                world.deliveries[delivery].status = Some(Status::Sent);
            }
        }
    }

    fn may_report_failure(&self, world: &World, row: usize, current: bool) -> bool {
        let current = current || !self.has(Rule::NegativeNeedsGeneration);
        current && world.rows[row].standing == Standing::Open
    }

    /// Transition 8: a single gets this status.
    pub(crate) fn refuse(&self, world: &mut World, row: usize, current: bool, single: Status) {
        if !self.may_report_failure(world, row, current) {
            return;
        }
        let members = world.close(row, Standing::Refused);
        let status = if members.is_alone() { single } else { Status::Pending };
        for delivery in world.in_hand(members) {
            world.refused(delivery);
            world.deliveries[delivery].solo &= self.has(Rule::RefusedGoAlone);
            world.deliveries[delivery].status = Some(status);
        }
    }

    /// Transition 10.
    pub(crate) fn give_up(&self, world: &mut World, row: usize, current: bool) {
        if self.may_report_failure(world, row, current) {
            let members = world.close(row, Standing::Uncertain);
            for delivery in world.in_hand(members) {
                world.deliveries[delivery].status = Some(Status::Uncertain);
            }
        }
    }

    /// What no answer does.
    pub(crate) fn unfreeze(&self, world: &mut World, row: usize, current: bool) {
        if self.may_report_failure(world, row, current) {
            let members = world.close(row, Standing::Refused);
            for delivery in world.in_hand(members) {
                world.deliveries[delivery].status = Some(Status::Pending);
            }
        }
    }
}

impl World {
    pub(crate) fn pend(&mut self, delivery: usize) {
        let delivery = &mut self.deliveries[delivery];
        delivery.again |= delivery.status.is_some();
        delivery.status = Some(Status::Pending);
        delivery.promised = true;
    }

    fn refused(&mut self, delivery: usize) {
        let delivery = &mut self.deliveries[delivery];
        delivery.refusals = REFUSALS.min(delivery.refusals + 1);
        delivery.solo = true;
    }

    /// A new message; its row.
    pub(crate) fn freeze(&mut self, members: Keys, name: Name, login: Login) -> usize {
        let refusals = members.iter().map(|delivery| self.deliveries[delivery].refusals).max().unwrap_or(0);
        let row = self.free_row();
        self.rows[row] = Row {
            txn: Txn { members, refusals },
            standing: Standing::Open,
            session: Some(login),
            sender: login.user(),
            frozen_by: Some(name),
            ..Row::default()
        };
        for delivery in members.iter() {
            self.deliveries[delivery].status = Some(Status::InMessage);
        }
        row
    }

    fn close(&mut self, row: usize, standing: Standing) -> Keys {
        self.rows[row] = self.rows[row].closed(standing);
        self.rows[row].txn.members
    }

    fn in_hand(&self, members: Keys) -> impl Iterator<Item = usize> + use<> {
        let statuses = self.deliveries.map(|delivery| delivery.status);
        members.iter().filter(move |&delivery| statuses[delivery] == Some(Status::InMessage))
    }
}
