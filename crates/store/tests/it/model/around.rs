//! What happens to the gateways: deliveries, troubles, orders.

use meshhook_store::{Status, rules};

use super::rules::Rule;
use super::search::Kind;
use super::state::{DELIVERIES, Device, Doing, Event, Gateway, Login, Name, Standing, User, World};
use super::steps::{Model, Moves, Step};

impl Model {
    /// Each delivery comes when it likes, and as often as it likes.
    pub(crate) fn deliveries(&self, world: &World, moves: &mut Moves<'_>) {
        for delivery in 0..DELIVERIES {
            let mut after = *world;
            self.accept(&mut after, delivery);
            moves.push(Step::Arrives(delivery), Kind::Free, after);
        }
    }

    /// A process is killed, and comes back as another.
    pub(crate) fn kill(&self, world: &World, name: Name, moves: &mut Moves<'_>) {
        let mut after = *world;
        *after.gateway_mut(name) = Gateway { login: world.token, ..Gateway::default() };
        for row in after.open_rows().collect::<Vec<_>>() {
            if after.rows[row].frozen_by == Some(name) {
                after.rows[row].frozen_by = None;
                if !self.has(Rule::RowBeforePut) {
                    after.rows[row].standing = Standing::Refused;
                    after.set_status(Status::InMessage, Some(Status::Pending));
                }
            }
        }
        if !self.has(Rule::AcceptIsDurable) {
            after.set_status(Status::Pending, None);
        }
        after.sweep();
        moves.push(Step::Dies(name), Kind::Trouble(1), after);
    }

    /// The homeserver is away for a day, or for longer than marks are kept. No PUT outlives its deadline.
    pub(crate) fn outage(&self, world: &World, moves: &mut Moves<'_>) {
        let mut after = *world;
        for name in Name::BOTH {
            if let Doing::Putting(_) = world.gateway(name).doing {
                after.release(name);
            }
        }
        after.sweep();
        after.forget_transactions(|_| true);
        for row in after.open_rows().collect::<Vec<_>>() {
            after.rows[row].old = true;
        }
        moves.push(Step::DayPasses, Kind::Trouble(1), after);
        self.purge(&mut after);
        moves.push(Step::MarksExpire, Kind::Trouble(1), after);
    }

    /// Transition 13, for what is sent. Whether superseded and dropped ones are known or stale makes no difference.
    fn purge(&self, world: &mut World) {
        let is_final = |status| status == Status::Sent || !self.has(Rule::PurgeFinalOnly);
        for delivery in &mut world.deliveries {
            delivery.status = delivery.status.filter(|&status| !is_final(status));
        }
    }
}

/// A new token is put into the token file. The old one stays good, but for a logout.
pub(crate) fn log_in(world: &World, moves: &mut Moves<'_>) {
    if world.token != Login::First {
        return;
    }
    for token in [Login::SameDevice, Login::OtherDevice, Login::OtherUser] {
        let mut after = World { token, ..*world };
        if token == Login::SameDevice {
            after.forget_transactions(|event| event.by == Device::First);
        }
        moves.push(Step::LogsIn(token), Kind::Trouble(1), after);
    }
}

/// Somebody posts a marker of ours.
pub(crate) fn impostor(world: &World, moves: &mut Moves<'_>) {
    if world.room().any(|event| event.by.user() == User::Stranger) {
        return;
    }
    for row in world.open_rows() {
        let mut after = *world;
        after.say(Event { txn: world.rows[row].txn, by: Device::Strangers, remembered: false });
        moves.push(Step::Impostor, Kind::Trouble(1), after);
    }
}

/// Transitions 11 and 12.
impl Model {
    pub(crate) fn orders(&self, world: &World, moves: &mut Moves<'_>) {
        for delivery in 0..DELIVERIES {
            let Some(status) = world.deliveries[delivery].status else { continue };
            if self.may_retry(world, delivery, status) {
                let mut after = *world;
                self.retry(&mut after, delivery);
                moves.push(Step::Retries(delivery), Kind::Trouble(1), after);
            }
            if rules::may_discard(status) {
                let mut after = *world;
                after.deliveries[delivery].status = Some(Status::Dropped);
                moves.push(Step::Drops(delivery), Kind::Trouble(1), after);
            }
        }
    }

    /// Who forces has looked into the room.
    fn may_retry(&self, world: &World, delivery: usize, status: Status) -> bool {
        let was_in_message = world.deliveries[delivery].refusals > 0;
        let row = world.live_row_of(delivery);
        let is_seen = |row: usize| world.room().any(|event| event.txn == world.rows[row].txn);
        match status {
            Status::Uncertain if row.is_some_and(|row| is_seen(row) || world.is_put(row)) => false,
            Status::InMessage if !self.has(Rule::OrdersHaveGuards) => true,
            _ => rules::may_retry(status, true, was_in_message || row.is_some()),
        }
    }

    /// What no gateway does: it takes an uncertain message for lost.
    pub(crate) fn doubt(&self, world: &World, moves: &mut Moves<'_>) {
        let uncertain = |delivery: &usize| world.deliveries[*delivery].status == Some(Status::Uncertain);
        if let Some(delivery) = (0..DELIVERIES).find(uncertain).filter(|_| !self.has(Rule::UncertainStays)) {
            let mut after = *world;
            self.retry(&mut after, delivery);
            moves.push(Step::RetriesByItself, Kind::Free, after);
        }
    }
}

impl World {
    fn set_status(&mut self, from: Status, to: Option<Status>) {
        for delivery in self.deliveries.iter_mut().filter(|delivery| delivery.status == Some(from)) {
            delivery.status = to;
        }
    }

    fn forget_transactions(&mut self, which: impl Fn(&Event) -> bool) {
        for event in self.room_mut().filter(|event| which(event)) {
            event.remembered = false;
        }
    }
}
