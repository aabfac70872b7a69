//! The same random operations on the reference and on SQLite have the same answers.

use std::collections::BTreeSet;

use meshhook_store::conformance::fixture::*;
use meshhook_store::{
    Filter, Identity, Inspect, Key, MemoryStore, Moment, Negative, NewDelivery, Pick, Queue, Rank, Refused,
    Store, Take, Taken, Voice,
};
use meshhook_store_sqlite::SqliteStore;
use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

#[derive(Debug, Clone)]
enum Op {
    Accept(State, Option<u8>),
    Batch(Vec<State>),
    Name(State, u8),
    Unreadable(u8),
    Take { room: u8, owner: u8, together: bool, voice: u8 },
    Settle(u8),
    Postpone { hold: bool, gate: bool, seconds: u16 },
    Refuse,
    GiveUp,
    HandOver,
    Hold { room: u8, hold: bool },
    Enrol { user: u8, room: u8, most: u8 },
    SetReady { user: u8, room: u8, ready: bool },
    Retry(u8, bool),
    Readmit(u8, State),
    Discard(u8),
    Pin(bool),
    Purge,
    Wait(u32),
}

fn room(number: u8) -> &'static str {
    ["!a:example.org", "!b:example.org"][usize::from(number % 2)]
}

fn states() -> impl Strategy<Value = State> {
    let way = (0u8..3, 1u8..3, 0u8..3, 0u8..2, 0u64..400, ending(), speaker());
    way.prop_map(|(run, round, rank, at, hours, ending, speaker)| {
        let mut state = State::of(run, Rank::from_number(rank)).round(round).room(room(at));
        state.speaker = speaker;
        if let Some((well, word)) = ending.filter(|_| rank == 2) {
            state = state.ends(at, well, word);
        }
        if hours < 200 {
            state
        } else {
            state.newest(START.plus(std::time::Duration::from_secs(3600 * (hours - 200))))
        }
    })
}

/// Whole batches, among what else is done with them.
fn batches() -> impl Strategy<Value = Op> {
    let refuses = |op: &Op| matches!(op, Op::Refuse | Op::HandOver);
    prop_oneof![
        2 => vec(states(), 2..9).prop_map(Op::Batch),
        3 => ops().prop_filter("what is refused is another test's", move |op| !refuses(op)),
    ]
}

/// How a branch ended, in whatever word; of some nobody asks.
fn ending() -> impl Strategy<Value = Option<(bool, &'static str)>> {
    proptest::option::weighted(0.7, (any::<bool>(), proptest::sample::select(&["", "odd"][..])))
}

fn speaker() -> impl Strategy<Value = Option<&'static str>> {
    proptest::option::weighted(0.6, proptest::sample::select(&["mac-1", "mac-2"][..]))
}

fn ops() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (states(), proptest::option::of(0u8..4)).prop_map(|(s, n)| Op::Accept(s, n)),
        1 => (states(), 0u8..4).prop_map(|(s, n)| Op::Name(s, n)),
        1 => any::<u8>().prop_map(Op::Unreadable),
        8 => (0u8..2, 0u8..2, any::<bool>(), 0u8..4)
            .prop_map(|(room, owner, together, voice)| Op::Take { room, owner, together, voice }),
        5 => any::<u8>().prop_map(Op::Settle),
        2 => (any::<bool>(), any::<bool>(), 0u16..900).prop_map(|(hold, gate, seconds)| Op::Postpone { hold, gate, seconds }),
        2 => Just(Op::Refuse),
        1 => Just(Op::GiveUp),
        1 => Just(Op::HandOver),
        1 => (0u8..2, any::<bool>()).prop_map(|(room, hold)| Op::Hold { room, hold }),
        1 => (0u8..4, 0u8..2, 0u8..4).prop_map(|(user, room, most)| Op::Enrol { user, room, most }),
        1 => (0u8..4, 0u8..2, any::<bool>()).prop_map(|(user, room, ready)| Op::SetReady { user, room, ready }),
        2 => (any::<u8>(), any::<bool>()).prop_map(|(n, force)| Op::Retry(n, force)),
        1 => (any::<u8>(), states()).prop_map(|(n, s)| Op::Readmit(n, s)),
        1 => any::<u8>().prop_map(Op::Discard),
        1 => any::<bool>().prop_map(Op::Pin),
        1 => Just(Op::Purge),
        3 => prop_oneof![3 => 0u32..100, 3 => 0u32..500_000, 1 => 7_000_000u32..9_000_000].prop_map(Op::Wait),
    ]
}

/// Applies operations to one store; what it answers is what is compared.
struct Player<'a> {
    store: &'a dyn Store,
    now: u64,
    made: usize,
    taken: Vec<(meshhook_store::Lease, i64)>,
    /// Messages that the homeserver refused for good.
    refused: BTreeSet<i64>,
    other: bool,
    /// Whether in each batch there is one that fails, which is to make no difference to the others.
    breaks: bool,
}

impl Player<'_> {
    fn has_taken_after(&self, message: i64) -> bool {
        self.taken.iter().any(|(_, taken)| *taken > message)
    }

    /// One whose id is taken.
    fn broken(&self, now: Moment) -> Option<NewDelivery> {
        let known = self.store.list(&Filter { limit: 1, ..Filter::default() }).unwrap();
        let known = known.first().filter(|_| self.breaks)?;
        let state = State::of(200, Rank::Terminal).room(room(0)).ends(1, false, "broken");
        Some(NewDelivery { nodes: vec!["mac-9".to_owned()], ..state.delivery(&known.id, now) })
    }

    fn id(&self, pick: u8) -> String {
        format!("d{}", usize::from(pick) % self.made.max(1))
    }

    fn fresh_id(&mut self) -> String {
        self.made += 1;
        format!("d{}", self.made - 1)
    }

    fn identity(&self) -> Identity {
        Identity { device: Some(if self.other { "OTHER" } else { "GATEWAY" }.to_owned()), ..bot() }
    }

    fn play(&mut self, op: &Op) -> String {
        let (store, now) = (self.store, at(self.now));
        let lease = self.taken.last().cloned();
        match op {
            Op::Accept(state, node) => {
                let id = self.fresh_id();
                let nodes = node.iter().map(|node| format!("mac-{node}")).collect();
                let new = NewDelivery { nodes, ..state.delivery(&id, now) };
                format!("{:?}", accept(store, new, now))
            }
            Op::Batch(states) => {
                let mut batch: Vec<_> =
                    states.iter().map(|state| state.delivery(&self.fresh_id(), now)).collect();
                let broken = self.broken(now).map(|broken| batch.insert(batch.len() / 2, broken));
                let mut answers = store.accept(batch, now).unwrap();
                if broken.is_some() {
                    answers.remove(states.len() / 2).unwrap_err();
                }
                format!("{answers:?}")
            }
            Op::Name(state, machine) => {
                let id = self.fresh_id();
                let mut body_key = Key([9; 32]);
                body_key.0[0] = *machine;
                let new = NewDelivery {
                    body_key: body_key.into(),
                    ..naming(&id, state, &format!("mac-{machine}"), now)
                };
                format!("{:?}", accept(store, new, now))
            }
            Op::Unreadable(number) => {
                let id = self.fresh_id();
                format!("{:?}", accept(store, unreadable(&id, u16::from(*number % 8), now), now))
            }
            Op::Take { room: number, owner, together, voice } => {
                self.take(room(*number), &owner.to_string(), *together, *voice)
            }
            Op::Settle(pick) => match self.taken.get(usize::from(*pick) % self.taken.len().max(1)) {
                // Nobody PUTs it again, and what it said may be in another message by now.
                Some((_, message)) if self.refused.contains(message) && self.has_taken_after(*message) => {
                    String::new()
                }
                Some((_, message)) => {
                    format!(
                        "{:?}",
                        store.settle(*message, &format!("$e{message}"), &attempt("sent", now), now)
                    )
                }
                None => String::new(),
            },
            Op::Postpone { hold, gate, seconds } => lease.map_or(String::new(), |(lease, _)| {
                let due = at(self.now + u64::from(*seconds));
                let negative = Negative {
                    due: Some(due),
                    hold: hold.then(|| "M_FORBIDDEN".to_owned()),
                    gate: gate.then_some(due),
                };
                format!("{:?}", store.postpone(&lease, &attempt("unknown", now), &negative))
            }),
            Op::Refuse => lease.map_or(String::new(), |(lease, message)| {
                let refused = store.refuse(&lease, &attempt("refused", now), now);
                self.refused
                    .extend(refused.as_ref().is_ok_and(|r| *r != Refused::Outdated).then_some(message));
                format!("{refused:?}")
            }),
            Op::GiveUp => lease.map_or(String::new(), |(lease, _)| {
                format!("{:?}", store.give_up(&lease, &attempt("uncertain", now), now))
            }),
            Op::HandOver => lease.map_or(String::new(), |(lease, message)| {
                let handed_over = store.hand_over(&lease, &attempt("forbidden", now), now);
                self.refused.extend((handed_over == Ok(true)).then_some(message));
                format!("{handed_over:?}")
            }),
            Op::Hold { room: number, hold } => {
                format!("{:?}", store.hold(room(*number), hold.then_some("removed"), now))
            }
            Op::Enrol { user, room: number, most } => {
                format!("{:?}", store.enrol(&format!("@{user}"), room(*number), "D", usize::from(*most)))
            }
            Op::SetReady { user, room: number, ready } => {
                format!("{:?}", store.set_ready(&format!("@{user}"), room(*number), *ready))
            }
            Op::Retry(pick, force) => format!("{:?}", store.retry(&self.id(*pick), *force, now)),
            Op::Readmit(pick, state) => {
                format!("{:?}", store.readmit(&self.id(*pick), state.delivery("unused", now), now))
            }
            Op::Discard(pick) => format!("{:?}", store.discard(&self.id(*pick), now)),
            Op::Pin(other) => {
                self.other = *other;
                format!("{:?}", store.pin(&self.identity(), now))
            }
            Op::Purge => format!("{:?}", store.purge(now, 1000)),
            Op::Wait(seconds) => {
                self.now += u64::from(*seconds);
                String::new()
            }
        }
    }

    fn take(&mut self, room: &str, owner: &str, in_digests: bool, voice: u8) -> String {
        let identity = self.identity();
        let plan: &dyn Fn(&Queue) -> Vec<Pick> = if in_digests { &together } else { &alone };
        let take = Take {
            room,
            identity: &identity,
            session: if self.other { "b" } else { "a" },
            owner,
            now: at(self.now),
            voice: &|speaker| match voice {
                0 => Voice::Sender,
                1 => Voice::Unknown,
                _ => Voice::Ghost(format!("@{speaker}")),
            },
            plan,
            freeze: &freeze,
        };
        let taken = self.store.take(&take).unwrap();
        if let Taken::Message { lease, message, .. } = &taken {
            self.taken.push((lease.clone(), message.id));
        }
        format!("{taken:?}")
    }

    fn everything(&self) -> String {
        let filter = Filter { limit: 1000, ..Filter::default() };
        let lives: Vec<_> = self
            .store
            .list(&filter)
            .unwrap()
            .into_iter()
            .map(|view| (self.store.show(&view.id).unwrap(), self.store.raw(&view.id).unwrap()))
            .collect();
        let (nodes, keys) = (self.store.nodes().unwrap(), self.store.key_uses().unwrap());
        let (totals, ghosts) = (self.store.totals().unwrap(), self.store.ghosts().unwrap());
        format!("{lives:#?}\n{totals:#?}\n{nodes:#?}\n{keys:#?}\n{ghosts:#?}")
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_sqlite_agree(script in vec(ops(), 1..80)) {
        agree(&script, false)?;
    }

    #[test]
    fn what_fails_in_a_batch_makes_no_difference(script in vec(batches(), 1..40)) {
        agree(&script, true)?;
    }
}

fn agree(script: &[Op], breaks: bool) -> Result<(), TestCaseError> {
    let folder = TempDir::new().unwrap();
    let sqlite = SqliteStore::open(&folder.path().join("meshhook.db")).unwrap();
    let memory = MemoryStore::new();
    let player = |store, breaks| {
        let (taken, refused) = Default::default();
        Player { store, now: 0, made: 0, taken, refused, other: false, breaks }
    };
    let (mut reference, mut subject) = (player(&memory, false), player(&sqlite, breaks));
    for op in std::iter::once(&Op::Pin(false)).chain(script) {
        prop_assert_eq!(reference.play(op), subject.play(op), "after {:?}", op);
        prop_assert_eq!(reference.everything(), subject.everything(), "after {:?}", op);
    }
    let (audited, expected) = (sqlite.audit(&|_| None).unwrap(), memory.audit(&|_| None).unwrap());
    prop_assert_eq!(&audited, &expected);
    prop_assert_eq!((audited.breaches, audited.more), (vec![], 0));
    Ok(())
}
