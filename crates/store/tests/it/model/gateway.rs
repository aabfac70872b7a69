//! What a gateway does, and the homeserver for it.

use meshhook_store::Status;

use super::rules::Rule;
use super::search::Kind;
use super::state::{Answer, Doing, Event, Gateway, Keys, Login, Name, Row, World};
use super::steps::{Model, Moves, Put, Step, Tail};

impl Model {
    /// Everything that a gateway may do next.
    pub(crate) fn gateway(&self, world: &World, name: Name, moves: &mut Moves<'_>) {
        match world.gateway(name).doing {
            Doing::Nothing => {
                self.sign_in(world, name, moves);
                if !self.has(Rule::IdentityIsPinned) || world.gateway(name).login.device() == world.pinned {
                    self.freeze(world, name, moves);
                    self.take(world, name, moves);
                }
            }
            Doing::Putting(row) => put(world, name, row, moves),
            Doing::Knows(row, answer) => {
                match answer {
                    Answer::Unknown => self.despair(world, name, row, moves),
                    Answer::NotNow => self.hand_over(world, name, row, moves),
                    _ => {}
                }
                let mut after = *world;
                self.write_down(&mut after, name, row, answer);
                moves.push(Step::WritesDown(name, answer), Kind::Calm, after);
            }
        }
    }

    /// Looks at the token file, and pins its identity.
    fn sign_in(&self, world: &World, name: Name, moves: &mut Moves<'_>) {
        let Gateway { login, .. } = *world.gateway(name);
        if login != world.token {
            let mut after = *world;
            after.gateway_mut(name).login = world.token;
            moves.push(Step::SignsIn(name), Kind::Calm, after);
        } else if login.device() != world.pinned && self.has(Rule::PinMoves) {
            if self.has(Rule::PinWaitsForQuiet) && !world.is_quiet() {
                return;
            }
            let after = World { pinned: login.device(), ..*world };
            moves.push(Step::Pins(name), Kind::calm_but_for(self.lost_lease(world, name, None)), after);
        }
    }

    /// Transition 2.
    fn freeze(&self, world: &World, name: Name, moves: &mut Moves<'_>) {
        if self.has(Rule::OneInHand) && world.open_rows().next().is_some() {
            return;
        }
        for members in Keys::sets().filter(|&members| self.may_be_frozen(world, members)) {
            let mut after = *world;
            let row = after.freeze(members, name, world.gateway(name).login);
            after.hand_out(name, Doing::Putting(row));
            moves.push(Step::Freezes(name, members), Kind::Calm, after);
            unrelate(&after, name, row, moves);
        }
    }

    /// Transitions 3 and 4.
    fn take(&self, world: &World, name: Name, moves: &mut Moves<'_>) {
        for row in world.open_rows() {
            let is_ours = world.rows[row].frozen_by == Some(name);
            if !(is_ours || self.has(Rule::LeaseEnds) && self.has(Rule::RowBeforePut)) {
                continue;
            }
            let lease = self.lost_lease(world, name, Some(row));
            for (tail, trouble) in self.tails(world, name, row) {
                let Some(doing) = self.conclude(world, name, row, tail) else { continue };
                let mut after = *world;
                let session = &mut after.rows[row].session;
                *session = session.filter(|&login| login == world.gateway(name).login);
                after.hand_out(name, doing);
                moves.push(Step::Takes(name, tail), Kind::calm_but_for(lease + trouble), after);
                if !self.has(Rule::RelatedUntilPut) && doing == Doing::Putting(row) {
                    unrelate(&after, name, row, moves);
                }
            }
        }
    }

    /// What a gateway may read of a message in the room, each with the trouble it needs.
    fn tails(&self, world: &World, name: Name, row: usize) -> Vec<(Tail, u8)> {
        let (login, is_there, row) = (world.gateway(name).login, self.is_found(world, row), &world.rows[row]);
        if !self.is_read(login, name, row) {
            return vec![(Tail::NotRead, 0)];
        }
        let mut tails = if is_there { vec![(Tail::Found, 0)] } else { Vec::new() };
        // Another user may not see what was said before it came.
        if !is_there || login.user() != row.sender {
            tails.push((Tail::Absent, 0));
        }
        tails.push((Tail::Inconclusive, 1));
        tails
    }

    fn is_found(&self, world: &World, row: usize) -> bool {
        let Row { sender, txn, .. } = world.rows[row];
        let counts = |event: &&Event| event.by.user() == sender || !self.has(Rule::OwnEventsOnly);
        world.room().filter(counts).any(|event| event.txn == txn)
    }

    fn is_read(&self, login: Login, name: Name, row: &Row) -> bool {
        if row.frozen_by != Some(name) {
            return self.has(Rule::TailBeforeTakenOver);
        }
        let other_login = row.session != Some(login);
        row.old && self.has(Rule::TailBeforeOld) || other_login && self.has(Rule::TailBeforeOtherLogin)
    }

    /// What a gateway does next for what it read; nothing while it has to wait.
    fn conclude(&self, world: &World, name: Name, row: usize, tail: Tail) -> Option<Doing> {
        let (login, message) = (world.gateway(name).login, &world.rows[row]);
        let is_same_user = message.sender == login.user() || !self.has(Rule::AbsentAsSameUser);
        let is_forgotten = message.old && self.has(Rule::NoPutOnceForgotten)
            || message.session != Some(login) && self.has(Rule::NoPutAfterLogin);
        match tail {
            Tail::Found => Some(Doing::Knows(row, Answer::Event)),
            Tail::Absent if is_same_user => Some(Doing::Putting(row)),
            Tail::Absent | Tail::Inconclusive if is_forgotten => {
                self.may_give_up(world, row).then_some(Doing::Knows(row, Answer::NobodyKnows))
            }
            Tail::NotRead | Tail::Absent | Tail::Inconclusive => Some(Doing::Putting(row)),
        }
    }

    fn may_give_up(&self, world: &World, row: usize) -> bool {
        !self.has(Rule::GiveUpWhenQuiet) || !world.is_put(row)
    }

    /// Transition 10, for a message that the homeserver fails at again and again.
    fn despair(&self, world: &World, name: Name, row: usize, moves: &mut Moves<'_>) {
        let is_there = self.is_found(world, row);
        if is_there || self.may_give_up(world, row) {
            let (tail, answer) =
                if is_there { (Tail::Found, Answer::Event) } else { (Tail::Absent, Answer::NobodyKnows) };
            let mut after = *world;
            after.gateway_mut(name).doing = Doing::Knows(row, answer);
            moves.push(Step::Despairs(name, tail), Kind::Trouble(1), after);
        }
    }

    /// Part of transition 7, for a message of a machine that is refused again and again: the sender is to say it.
    fn hand_over(&self, world: &World, name: Name, row: usize, moves: &mut Moves<'_>) {
        let login = world.gateway(name).login;
        if is_logged_out(world, login) {
            return;
        }
        let is_there = self.is_found(world, row) && self.has(Rule::HandOverAbsent);
        let is_seen = login.user() == world.rows[row].sender || !self.has(Rule::HandOverAbsent);
        let is_quiet = !self.has(Rule::HandOverWhenQuiet) || !world.is_put(row);
        if is_there || is_seen && is_quiet {
            let (tail, answer) =
                if is_there { (Tail::Found, Answer::Event) } else { (Tail::Absent, Answer::Otherwise) };
            let mut after = *world;
            after.gateway_mut(name).doing = Doing::Knows(row, answer);
            moves.push(Step::HandsOver(name, tail), Kind::Trouble(1), after);
        }
    }

    /// 1 if a gateway gets at a message, or at any, only because the other one lost its lease.
    fn lost_lease(&self, world: &World, name: Name, row: Option<usize>) -> u8 {
        let Gateway { doing, current, .. } = *world.gateway(name.other());
        let is_held = doing.row().is_some_and(|held| row.is_none_or(|row| row == held));
        u8::from(current && is_held && self.has(Rule::LeaseIsKept))
    }

    /// Transitions 6 to 10.
    fn write_down(&self, world: &mut World, name: Name, row: usize, answer: Answer) {
        let Gateway { login, current, .. } = *world.gateway(name);
        match answer {
            Answer::Event => self.settle(world, row, current),
            Answer::Refused => self.refuse(world, row, current, Status::Parked),
            Answer::Otherwise => self.refuse(world, row, current, Status::Pending),
            Answer::NobodyKnows => self.give_up(world, row, current),
            Answer::Unknown if !self.has(Rule::SuccessHasEvent) => self.settle(world, row, current),
            Answer::Unknown if !self.has(Rule::RefusalHasErrcode) => {
                self.refuse(world, row, current, Status::Parked);
            }
            Answer::Unknown if !self.has(Rule::UnknownKeepsFrozen) => self.unfreeze(world, row, current),
            Answer::NotNow if !self.has(Rule::NotNowKeepsFrozen) => self.unfreeze(world, row, current),
            Answer::Unknown | Answer::NotNow => {}
        }
        world.release(name);
        if is_logged_out(world, login) {
            // After a 401 the token file is read anew.
            world.gateway_mut(name).login = world.token;
        }
        world.sweep();
    }
}

impl World {
    /// Gives a gateway something to do for the room; what the other one has is of an older generation from now on.
    fn hand_out(&mut self, name: Name, doing: Doing) {
        let login = self.gateway(name).login;
        *self.gateway_mut(name) = Gateway { doing, login, current: true };
        self.gateway_mut(name.other()).current = false;
    }

    /// What a gateway did is over.
    pub(crate) fn release(&mut self, name: Name) {
        let login = self.gateway(name).login;
        *self.gateway_mut(name) = Gateway { login, ..Gateway::default() };
    }
}

/// Part of transition 8: before its first PUT, a message turns out to relate to an event that is gone.
fn unrelate(frozen: &World, name: Name, row: usize, moves: &mut Moves<'_>) {
    if frozen.rows[row].txn.members.is_alone() {
        let mut after = *frozen;
        after.gateway_mut(name).doing = Doing::Knows(row, Answer::Otherwise);
        moves.push(Step::Misses(name, after.rows[row].txn.members), Kind::Trouble(1), after);
    }
}

fn is_logged_out(world: &World, login: Login) -> bool {
    (login, world.token) == (Login::First, Login::SameDevice)
}

/// Transition 5: what may become of a PUT at the homeserver, and of its answer.
fn put(world: &World, name: Name, row: usize, moves: &mut Moves<'_>) {
    let (login, txn) = (world.gateway(name).login, world.rows[row].txn);
    let mut answer = |what: Put, kind: Kind, answer: Answer, mut after: World| {
        after.gateway_mut(name).doing = Doing::Knows(row, answer);
        moves.push(Step::Puts(name, what, answer), kind, after);
    };
    if is_logged_out(world, login) {
        return answer(Put::Limited, Kind::Calm, Answer::NotNow, *world);
    }
    answer(Put::Limited, Kind::Trouble(1), Answer::NotNow, *world);
    let event = Event { txn, by: login.device(), remembered: true };
    if world.room().any(|known| *known == event) {
        answer(Put::Known, Kind::Calm, Answer::Event, *world);
        return answer(Put::Known, Kind::Trouble(1), Answer::Unknown, *world);
    }
    answer(Put::Lost, Kind::Trouble(1), Answer::Unknown, *world);
    if world.is_bad(row) {
        return answer(Put::Refused, Kind::Calm, Answer::Refused, *world);
    }
    let mut bad = *world;
    bad.make_bad(row);
    answer(Put::Refused, Kind::Trouble(1), Answer::Refused, bad);
    let mut stored = *world;
    stored.say(event);
    answer(Put::Stored, Kind::Calm, Answer::Event, stored);
    answer(Put::Stored, Kind::Trouble(1), Answer::Unknown, stored);
}
