//! What there is to measure, and how it is asked for.

use crate::{accept, drain, idle, known, latency, peers};

pub(crate) const USAGE: &str = "\
usage: cargo xtask load [accept] [--quick] [--mode closed|open] [--seconds N] [--rounds N] [--connections N]
                        [--body BYTES] [--record BYTES] [--rate N] [--target URL --secret-file FILE]
       cargo xtask load known [N] [--quick]
       cargo xtask load drain|idle|latency|peers [--quick]

Every measurement prints ratios within its run, writes them below target/load, and ends with 1 when something was lost
or could not be measured.

accept (where nothing is named): signed workflow_runs, each of a run of its own, at a door that does nothing else (the
floor), at one that writes a record to the disk before it answers (disk), at the gateway on SQLite, and at the gateway
in memory, in turns.
  --quick            one round of two seconds; by default three of five
  --mode             closed: as many as can be; open: so many a second, latencies from the moment that each was to
                     start. Both by default, the open loop at half of what was accepted on SQLite
  --connections N    which are kept: 64
  --body BYTES       the length of each body: 20480
  --record BYTES     what the disk's floor writes for each, 8 at least: 2048
  --rate N           requests a second in the open loop
  --target URL       another program on this machine's loopback, in the place of the gateway in memory
  --secret-file FILE what the target's deliveries are signed with, as GitHub does
known: a store with N deliveries on record (10,000,000; 100,000 if quick) beside an empty one: accept, memory, restart,
  and a purge under load. The store is kept in target/load and used again; to fill it with 10,000,000 takes some
  16 GB, minutes, and up to 3 GiB of memory.
drain: 100,000 deliveries (5,000 if quick) wait in five rooms until a homeserver answers: how fast they are said, each
  once, and what that takes of memory.
idle: how often a gateway wakes that has nothing to do, by its threads, and its memory: a minute (half of one if quick).
latency: from a signed POST until another user of a real Synapse can read the event, beside a bare PUT of the same
  content, in turns: 300 pairs (50 if quick).
peers: other programs that take webhooks, installed below target/load/peers (matrix-webhook from the Python package
  index, webhook from Debian), beside the gateway, all with one real Synapse: how many each takes, and what its answer
  is worth.
";

/// A measurement.
#[derive(Debug)]
pub(crate) enum Task {
    Accept(accept::Arguments),
    Known(known::Arguments),
    Drain { is_quick: bool },
    Idle { is_quick: bool },
    Latency { is_quick: bool },
    Peers { is_quick: bool },
}

impl Task {
    /// Reads which; an empty error asks for the usage.
    pub(crate) fn read(words: &[String]) -> Result<Self, String> {
        if words.iter().any(|word| word == "--help") {
            return Err(String::new());
        }
        let (name, rest) = match words.split_first() {
            Some((name, rest)) if !name.starts_with("--") => (name.as_str(), rest),
            _ => ("accept", words),
        };
        match name {
            "accept" => accept::Arguments::read(rest.iter().cloned()).map(Self::Accept),
            "known" => known::Arguments::read(rest).map(Self::Known),
            "drain" => is_quick(rest).map(|is_quick| Self::Drain { is_quick }),
            "idle" => is_quick(rest).map(|is_quick| Self::Idle { is_quick }),
            "latency" => is_quick(rest).map(|is_quick| Self::Latency { is_quick }),
            "peers" => is_quick(rest).map(|is_quick| Self::Peers { is_quick }),
            _ => Err(format!("{name} is nothing that is measured")),
        }
    }

    /// True when nothing was wrong.
    pub(crate) fn run(&self) -> Result<bool, String> {
        match self {
            Self::Accept(arguments) => accept::run(arguments),
            Self::Known(arguments) => known::run(arguments),
            Self::Drain { is_quick } => drain::run(*is_quick),
            Self::Idle { is_quick } => idle::run(*is_quick),
            Self::Latency { is_quick } => latency::run(*is_quick),
            Self::Peers { is_quick } => peers::run(*is_quick),
        }
    }
}

fn is_quick(words: &[String]) -> Result<bool, String> {
    match words.iter().find(|word| *word != "--quick") {
        Some(word) => Err(format!("{word} is unknown")),
        None => Ok(!words.is_empty()),
    }
}
