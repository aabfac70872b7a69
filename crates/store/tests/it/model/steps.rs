//! Everything that may happen, one thing at a time.

use std::fmt;

use super::around::{impostor, log_in};
use super::invariants::Breach;
use super::rules::{Rule, Rules};
use super::search::{Kind, Machine, Move, MoveOf};
use super::state::{Answer, Cast, Keys, Login, Name, Packed, World};

/// The machine under a set of rules.
pub(crate) struct Model {
    pub(crate) rules: Rules,
    pub(crate) cast: Cast,
    pub(crate) looks_for: &'static [Breach],
}

impl Model {
    pub(crate) fn has(&self, rule: Rule) -> bool {
        self.rules.has(rule)
    }
}

/// What a gateway read of its message in the room.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tail {
    NotRead,
    Found,
    Absent,
    Inconclusive,
}

/// What a homeserver did with a PUT.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Put {
    /// It is a new event.
    Stored,
    /// Its transaction id is known.
    Known,
    Refused,
    /// A 429, 401 or 403 before anything was looked at.
    Limited,
    /// It never came there.
    Lost,
}

/// Something that happens.
pub(crate) enum Step {
    Arrives(usize),
    Freezes(Name, Keys),
    Takes(Name, Tail),
    /// It froze or took a message, and what that relates to is gone.
    Misses(Name, Keys),
    Puts(Name, Put, Answer),
    /// The homeserver fails at the message for ever.
    Despairs(Name, Tail),
    /// It may not be said by who is to.
    HandsOver(Name, Tail),
    WritesDown(Name, Answer),
    SignsIn(Name),
    Pins(Name),
    Dies(Name),
    DayPasses,
    MarksExpire,
    LogsIn(Login),
    Impostor,
    Retries(usize),
    RetriesByItself,
    Drops(usize),
}

/// A step with the names of what is delivered.
pub(crate) struct Named {
    step: Step,
    cast: Cast,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |delivery: usize| self.cast[delivery].words;
        match self.step {
            Step::Arrives(delivery) => write!(f, "\"{}\" is delivered", words(delivery)),
            Step::Freezes(name, members) => {
                let members: Vec<_> = members.iter().map(words).collect();
                write!(f, "{name:?} freezes {members:?} and decides to PUT it")
            }
            Step::Takes(name, Tail::NotRead) => {
                write!(f, "{name:?} takes the message and does not read the room")
            }
            Step::Takes(name, tail) => write!(f, "{name:?} takes the message, reads the room: {tail:?}"),
            Step::Misses(name, members) => {
                let members: Vec<_> = members.iter().map(words).collect();
                write!(f, "{name:?} freezes or takes {members:?} and misses what it relates to")
            }
            Step::HandsOver(name, tail) => {
                write!(f, "{name:?} may not send it; the room says {tail:?}, and another is to say it")
            }
            Step::Despairs(name, tail) => {
                write!(f, "{name:?} despairs of the message, reads the room: {tail:?}")
            }
            Step::Puts(name, put, answer) => write!(f, "{name:?}'s PUT: {put:?}, the answer: {answer:?}"),
            Step::WritesDown(name, answer) => write!(f, "{name:?} writes down the answer: {answer:?}"),
            Step::SignsIn(name) => write!(f, "{name:?} signs in with the token in the file"),
            Step::Pins(name) => write!(f, "{name:?} pins its user and device"),
            Step::Dies(name) => write!(f, "{name:?} is killed and comes back"),
            Step::DayPasses => f.write_str("the homeserver is away for a day and forgets transaction ids"),
            Step::MarksExpire => f.write_str("the homeserver is away for weeks: marks expire"),
            Step::LogsIn(login) => write!(f, "the token file gets a new login: {login:?}"),
            Step::Impostor => f.write_str("an impostor posts the message's marker"),
            Step::Retries(delivery) => write!(f, "the operator retries \"{}\"", words(delivery)),
            Step::RetriesByItself => f.write_str("the uncertain message is tried again"),
            Step::Drops(delivery) => write!(f, "the operator drops \"{}\"", words(delivery)),
        }
    }
}

/// Collects what may happen in a world.
pub(crate) struct Moves<'a> {
    from: Packed,
    cast: Cast,
    troubles: u8,
    all: &'a mut Vec<MoveOf<Model>>,
}

impl Moves<'_> {
    /// Adds a step, if it changes something and is not more trouble than there may be.
    pub(crate) fn push(&mut self, step: Step, kind: Kind, to: World) {
        if kind.troubles() > self.troubles {
            return;
        }
        let key = to.packed();
        if key != self.from {
            self.all.push(Move { step: Named { step, cast: self.cast }, key, to, kind });
        }
    }
}

impl Model {
    fn troubles(&self, world: &World, moves: &mut Moves<'_>) {
        for name in Name::BOTH {
            self.kill(world, name, moves);
        }
        self.outage(world, moves);
        log_in(world, moves);
        impostor(world, moves);
        self.orders(world, moves);
    }
}

impl Machine for Model {
    type State = World;
    type Key = Packed;
    type Step = Named;
    type Breach = Breach;

    fn start(&self) -> World {
        World::default()
    }

    fn key(&self, world: &World) -> Packed {
        world.packed()
    }

    fn moves(&self, world: &World, troubles: u8, all: &mut Vec<MoveOf<Self>>) {
        all.clear();
        let moves = &mut Moves { from: world.packed(), cast: self.cast, troubles, all };
        self.deliveries(world, moves);
        for name in Name::BOTH {
            self.gateway(world, name, moves);
        }
        self.doubt(world, moves);
        if troubles > 0 {
            self.troubles(world, moves);
        }
    }

    fn breach(&self, world: &World) -> Option<Breach> {
        self.breach_in(world)
    }

    fn dead_end(&self, world: &World) -> Option<Breach> {
        let looks = self.looks_for.contains(&Breach::DeadEnd);
        (looks && world.owes()).then_some(Breach::DeadEnd)
    }

    fn circle(&self) -> Option<Breach> {
        self.looks_for.contains(&Breach::Circle).then_some(Breach::Circle)
    }
}
