//! What does it cost to remember? A store with many deliveries on record beside an empty one.

mod accept;
mod purge;
mod restart;
mod store;

use std::path::Path;
use std::time::Duration;

use meshhook_testkit::load::{Pace, forget_what_waits, resident};
use meshhook_testkit::{Gateway, GatewayBuilder, Homeserver, free_port};

use crate::measure::{Plan, SECRET, Supply};
use crate::report::Report;
use crate::rows::Row;
use crate::words::mib;
use store::Known;

const BODY: usize = 20 << 10;

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Arguments {
    rows: u64,
    is_quick: bool,
}

impl Arguments {
    pub(crate) fn read(words: &[String]) -> Result<Self, String> {
        let is_quick = words.iter().any(|word| word == "--quick");
        let mut numbers = words.iter().filter(|word| *word != "--quick");
        let rows = match numbers.next().map(|word| (word, word.replace([',', '_'], "").parse())) {
            None if is_quick => 100_000,
            None => 10_000_000,
            Some((_, Ok(rows))) if (1_000..=100_000_000).contains(&rows) => rows,
            Some((word, _)) => return Err(format!("{word} is no number from 1,000 to 100,000,000")),
        };
        match numbers.next() {
            Some(word) => Err(format!("{word} is unknown")),
            None => Ok(Self { rows, is_quick }),
        }
    }

    const fn rounds(&self) -> usize {
        if self.is_quick { 1 } else { 3 }
    }

    const fn plan(&self, pace: Pace) -> Plan {
        let seconds = match (pace, self.is_quick) {
            (_, true) => 2,
            (Pace::Closed, _) => 5,
            (Pace::Open { .. }, _) => 20,
        };
        let warm_up = Duration::from_millis(if self.is_quick { 500 } else { 1_000 });
        Plan { connections: 64, pace, warm_up, span: Duration::from_secs(seconds) }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<bool, String> {
    let mut report = Report::new("known");
    let known = Known::of(arguments.rows, &mut report)?;
    let mut bench = Bench { arguments, known, supply: Supply::default(), report: &mut report, most: None };
    let rate = bench.accept()?;
    bench.restarts()?;
    bench.purge((rate / 2).max(1))?;
    match bench.most {
        Some(most) => report.say(&format!("Resident at most, with all that: {}", mib(most))),
        None => report.fault("this system does not tell of memory"),
    }
    report.finish()
}

struct Bench<'a> {
    arguments: &'a Arguments,
    known: Known,
    supply: Supply,
    report: &'a mut Report,
    /// Resident at most, of a gateway that knows many, in bytes.
    most: Option<u64>,
}

/// Which store a gateway has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Store {
    Empty,
    Known,
}

impl Store {
    const BOTH: [Self; 2] = [Self::Empty, Self::Known];

    const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Known => "known",
        }
    }
}

impl Bench<'_> {
    /// A gateway to be, whose homeserver is dead unless one is named.
    fn builder(&self, store: Store, homeserver: Option<&Homeserver>) -> GatewayBuilder {
        let url = homeserver.map_or_else(|| format!("http://127.0.0.1:{}", free_port()), Homeserver::url);
        let builder =
            Gateway::builder(&url, Homeserver::ROOM, "syt_nobody_asks").source("github", "github", SECRET);
        match store {
            Store::Empty => builder,
            Store::Known => builder.store_in(self.known.folder()),
        }
    }

    /// Changes what is on record while no gateway has it.
    fn on_record<T, E: std::fmt::Display>(
        &self,
        what: &str,
        change: impl FnOnce(&Path) -> Result<T, E>,
    ) -> Result<T, String> {
        change(&self.known.file()).map_err(|e| format!("cannot have rows {what}: {e}"))
    }

    fn note_memory(&mut self, gateway: &Gateway) {
        self.most = self.most.max(resident(gateway.pid()).map(|memory| memory.peak));
    }

    fn show(&mut self, title: &str, rows: &[Row; 2]) {
        self.report.compare(title, title, rows, &[&rows[0]]);
    }

    /// Takes out of the store that is used again what a load has left in it.
    fn tidy(&self, store: Store) -> Result<(), String> {
        if store == Store::Empty {
            return Ok(());
        }
        self.on_record("go that came since", forget_what_waits).map(drop)
    }
}
