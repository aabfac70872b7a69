//! How much does the gateway accept, and how fast, beside a door that does nothing else?
//!
//! `cargo xtask load` builds the programs as they are released and runs this. All of it is on loopback, ends by itself,
//! and ends what it started.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it speaks to the person who ran it")]

mod arguments;
mod subject;
mod table;

use std::fs;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use meshhook_testkit::load::{Deliveries, Load, Pace, cpu_time};
use meshhook_testkit::target_dir;

use arguments::Arguments;
use subject::{Running, Subject};
use table::{Round, Row, table, thousands};

/// At most so many in one load: a room takes no more than 200,000 that wait.
const MOST: u64 = 190_000;

/// More than so many a second are not accepted by anything on such a machine.
const MOST_A_SECOND: u64 = 60_000;

const SECRET: &str = "a-secret-of-thirty-two-characters";

fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(why) => {
            eprintln!("{why}\n{}", arguments::USAGE);
            return ExitCode::from(2);
        }
    };
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("load: {why}");
            ExitCode::FAILURE
        }
    }
}

/// True when everything was accepted.
fn run(arguments: &Arguments) -> Result<bool, String> {
    let mut stand = Stand { arguments, made: 0, deliveries: None };
    let (mut report, mut is_clean) = (String::new(), true);
    let mut rate = arguments.rate;
    if arguments.closed {
        let title = format!("Closed loop, {} connections", arguments.connections);
        let rows = stand.rounds(&title, Pace::Closed)?;
        is_clean &= rows.iter().all(|row| row.faults().is_none());
        rate = rate.or_else(|| half(&rows));
        report += &table(&title, &rows);
    }
    if arguments.open {
        let rate = rate.ok_or("--mode open wants a --rate")?;
        let title = format!("Open loop, {} a second", thousands(f64::from(rate)));
        let rows = stand.rounds(&title, Pace::Open { rate })?;
        is_clean &= rows.iter().all(|row| row.faults().is_none());
        report += &table(&title, &rows);
    }
    write(&report)?;
    Ok(is_clean)
}

/// Half of what SQLite accepted a second.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is neither so high nor negative"
)]
fn half(rows: &[Row]) -> Option<u32> {
    let sqlite = rows.iter().find(|row| row.subject == Subject::Sqlite)?;
    Some(((sqlite.figures().rate() / 2.0) as u32).max(1))
}

fn write(report: &str) -> Result<(), String> {
    let folder = target_dir().join("load");
    let file = folder.join("report.md");
    let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&file, report));
    written.map_err(|e| format!("cannot write {}: {e}", file.display()))?;
    println!("\nThe tables are in target/load/report.md.");
    Ok(())
}

/// What all loads have in common.
struct Stand<'a> {
    arguments: &'a Arguments,
    /// How many deliveries were made so far.
    made: u64,
    deliveries: Option<Deliveries>,
}

impl Stand<'_> {
    fn subjects(&self) -> [Subject; 3] {
        let last = if self.arguments.target.is_some() { Subject::Target } else { Subject::Memory };
        [Subject::Floor, Subject::Sqlite, last]
    }

    fn secret(&self) -> &str {
        self.arguments.target.as_ref().map_or(SECRET, |(_, secret)| secret)
    }

    /// Every program in its turn, again and again; another one begins each round.
    fn rounds(&mut self, title: &str, pace: Pace) -> Result<Vec<Row>, String> {
        let subjects = self.subjects();
        let mut rows = subjects.map(|subject| Row { subject, rounds: Vec::new() });
        for round in 0..self.arguments.rounds {
            for turn in 0..subjects.len() {
                let row = &mut rows[(round + turn) % subjects.len()];
                row.rounds.push(self.load(row.subject, pace)?);
            }
        }
        let deliveries = self.deliveries.as_ref().map_or(0, Deliveries::body_len);
        println!("\n{title}, bodies of {deliveries} bytes:");
        rows.iter().for_each(|row| println!("  {}", row.line(&rows[0])));
        Ok(rows.into())
    }

    fn load(&mut self, subject: Subject, pace: Pace) -> Result<Round, String> {
        self.make_deliveries(subject, pace);
        let running =
            Running::start(subject, self.secret(), self.arguments.target.as_ref().map(|(target, _)| target))?;
        let deliveries = self.deliveries.as_ref().expect("they have been made");
        let load = Load {
            target: &running.target()?,
            deliveries,
            connections: self.arguments.connections,
            pace,
            warm_up: self.arguments.warm_up,
            span: self.arguments.span,
        };
        let ours = std::process::id();
        let before = (running.cpu_time(), cpu_time(ours));
        let figures = load.run().map_err(|e| format!("{}: {e}", subject.name()))?;
        let after = (running.cpu_time(), cpu_time(ours));
        let used = |before, after: Option<_>| after.zip(before).map(|(after, before)| after - before);
        let astray = running.end().map(|stored| stored.abs_diff(figures.accepted));
        let (server, client) = (used(before.0, after.0), used(before.1, after.1));
        Ok(Round { figures, server, client, astray })
    }

    /// Signs what is needed, ahead of time. A program of ours begins with nothing in its store, so that for the next one
    /// the same are new again; another may remember.
    fn make_deliveries(&mut self, subject: Subject, pace: Pace) {
        let rate = match pace {
            Pace::Closed => MOST_A_SECOND,
            Pace::Open { rate } => u64::from(rate),
        };
        let seconds = (self.arguments.warm_up + self.arguments.span).as_secs_f64().ceil();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "600 at most")]
        let count = (rate * seconds as u64).min(MOST);
        let enough = |deliveries: &Deliveries| deliveries.count() as u64 >= count;
        if subject != Subject::Target && self.deliveries.as_ref().is_some_and(enough) {
            return;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        let numbers = self.made..self.made + count;
        self.made = numbers.end;
        let now = i64::try_from(now).expect("this century");
        self.deliveries = Some(Deliveries::new(numbers, self.arguments.body, self.secret(), now));
    }
}
