//! Breadth first through every world that can be reached.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// Whoever comes to so many states has left the machine's bounds.
const MOST: usize = 4_000_000;

/// Something that goes from state to state.
pub(crate) trait Machine {
    /// A state.
    type State: Copy;
    /// A state in few bits, to be remembered by.
    type Key: Copy + Eq + Hash;
    /// What leads from one state to the next, in words.
    type Step: fmt::Display;
    /// What must not be.
    type Breach: fmt::Debug + Eq;

    fn start(&self) -> Self::State;
    fn key(&self, state: &Self::State) -> Self::Key;
    /// Everything that may happen next with at most so many troubles.
    fn moves(&self, state: &Self::State, troubles: u8, moves: &mut Vec<MoveOf<Self>>);
    /// What is wrong with a state.
    fn breach(&self, state: &Self::State) -> Option<Self::Breach>;
    /// What is wrong with a state in which nothing goes on by itself.
    fn dead_end(&self, state: &Self::State) -> Option<Self::Breach>;
    /// What is wrong if things can go on by themselves for ever.
    fn circle(&self) -> Option<Self::Breach>;
}

/// A step and where it leads.
pub(crate) struct Move<State, Key, Step> {
    pub(crate) step: Step,
    pub(crate) key: Key,
    pub(crate) to: State,
    pub(crate) kind: Kind,
}

/// A machine's.
pub(crate) type MoveOf<M> = Move<<M as Machine>::State, <M as Machine>::Key, <M as Machine>::Step>;

/// Who sees to it that a step happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It happens in the end, if nothing else does.
    Calm,
    /// It may happen or not, as often as it likes.
    Free,
    /// It may happen or not, and is so many troubles; a way has only so many of them.
    Trouble(u8),
}

impl Kind {
    /// Calm, but for so many troubles.
    pub(crate) fn calm_but_for(troubles: u8) -> Self {
        if troubles == 0 { Self::Calm } else { Self::Trouble(troubles) }
    }

    pub(crate) fn troubles(self) -> u8 {
        if let Self::Trouble(troubles) = self { troubles } else { 0 }
    }
}

/// What a search found.
#[derive(Debug)]
pub(crate) struct Found<Breach> {
    /// How many states were reached.
    pub(crate) states: usize,
    /// How many steps lead from one to another.
    pub(crate) steps: usize,
    /// The first breach, with one of the shortest ways to it, in words.
    pub(crate) breach: Option<(Breach, Vec<String>)>,
}

struct Node<State> {
    state: State,
    before: u32,
    /// The fewest troubles on a way here.
    troubles: u8,
    /// With how many troubles it was gone on from.
    expanded: Option<u8>,
    /// Where the numbers of the states stand that calm steps lead to.
    calm: (usize, usize),
}

struct Search<'a, M: Machine> {
    machine: &'a M,
    nodes: Vec<Node<M::State>>,
    known: HashMap<M::Key, u32, BuildHasherDefault<Fold>>,
    queue: Vec<u32>,
    calm: Vec<u32>,
    steps: usize,
}

/// Reaches everything that can be reached with so many troubles, or the first breach.
pub(crate) fn search<M: Machine>(machine: &M, troubles: u8) -> Found<M::Breach> {
    let mut search = Search {
        machine,
        nodes: Vec::new(),
        known: HashMap::default(),
        queue: Vec::new(),
        calm: Vec::new(),
        steps: 0,
    };
    let breach = search.run(troubles);
    Found { states: search.nodes.len(), steps: search.steps, breach }
}

impl<M: Machine> Search<'_, M> {
    fn run(&mut self, troubles: u8) -> Option<(M::Breach, Vec<String>)> {
        let mut moves = Vec::new();
        let start = self.machine.start();
        self.reach(start, self.machine.key(&start), 0, 0);
        let mut next = 0;
        while let Some(&at) = self.queue.get(next) {
            next += 1;
            if let Some(breach) = self.expand(at, troubles, &mut moves) {
                return Some(breach);
            }
        }
        let (circle, at) = self.machine.circle().zip(self.circling())?;
        Some((circle, self.way(at)))
    }

    /// Goes on from a node: a step further in the breadth.
    fn expand(&mut self, at: u32, most: u8, moves: &mut Vec<MoveOf<M>>) -> Option<(M::Breach, Vec<String>)> {
        let Node { state, troubles, expanded, .. } = self.nodes[at as usize];
        if expanded.is_some_and(|before| before <= troubles) {
            return None;
        }
        self.machine.moves(&state, most - troubles, moves);
        self.steps += moves.len();
        let calm = self.calm.len();
        for Move { to, key, kind, .. } in moves.drain(..) {
            let (next, is_new) = self.reach(to, key, at, troubles + kind.troubles());
            if kind == Kind::Calm {
                self.calm.push(next);
            }
            if is_new && let Some(breach) = self.machine.breach(&to) {
                return Some((breach, self.way(next)));
            }
        }
        let node = &mut self.nodes[at as usize];
        (node.expanded, node.calm) = (Some(troubles), (calm, self.calm.len()));
        let goes_on = self.calm.len() > calm;
        self.machine.dead_end(&state).filter(|_| !goes_on).map(|breach| (breach, self.way(at)))
    }

    /// Puts a state into the queue, if it is new or there is a way to it with fewer troubles; its number, and whether
    /// it is new.
    fn reach(&mut self, state: M::State, key: M::Key, before: u32, troubles: u8) -> (u32, bool) {
        assert!(self.nodes.len() < MOST, "more states than anybody would wait for");
        let new = u32::try_from(self.nodes.len()).expect("fewer than that");
        match self.known.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(new);
                self.nodes.push(Node { state, before, troubles, expanded: None, calm: (0, 0) });
                self.queue.push(new);
                (new, true)
            }
            Entry::Occupied(entry) => {
                let node = &mut self.nodes[*entry.get() as usize];
                if troubles < node.troubles {
                    (node.state, node.before, node.troubles) = (state, before, troubles);
                    self.queue.push(*entry.get());
                }
                (*entry.get(), false)
            }
        }
    }

    /// The way to a node, in words.
    fn way(&self, mut at: u32) -> Vec<String> {
        let mut words = Vec::new();
        while at != 0 {
            let Node { before, state, .. } = &self.nodes[at as usize];
            words.push(self.words(*before, self.machine.key(state)));
            at = *before;
        }
        words.reverse();
        words
    }

    fn words(&self, before: u32, to: M::Key) -> String {
        let mut moves = Vec::new();
        self.machine.moves(&self.nodes[before as usize].state, u8::MAX, &mut moves);
        let step = moves.iter().find(|step| step.key == to);
        step.expect("the state was reached by a step").step.to_string()
    }

    /// A node to which calm steps lead back. Depth first: what is left for good leads into no circle.
    fn circling(&self) -> Option<u32> {
        let mut marks = vec![Mark::New; self.nodes.len()];
        (0..).zip(&self.nodes).find_map(|(at, _)| self.circling_from(at, &mut marks))
    }

    fn circling_from(&self, at: u32, marks: &mut [Mark]) -> Option<u32> {
        match marks[at as usize] {
            Mark::Left => None,
            Mark::Entered => Some(at),
            Mark::New => {
                marks[at as usize] = Mark::Entered;
                let (from, to) = self.nodes[at as usize].calm;
                let circle = self.calm[from..to].iter().find_map(|&next| self.circling_from(next, marks));
                marks[at as usize] = Mark::Left;
                circle
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Mark {
    New,
    Entered,
    Left,
}

/// A quick hash for keys that nobody chose to make it slow.
#[derive(Default)]
struct Fold(u64);

impl Hasher for Fold {
    fn write(&mut self, bytes: &[u8]) {
        for word in bytes.chunks(8) {
            let mut whole = [0; 8];
            whole[..word.len()].copy_from_slice(word);
            self.write_u64(u64::from_le_bytes(whole));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(26) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}
