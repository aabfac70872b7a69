//! How much is accepted, and how fast, beside doors that do less?

mod arguments;
mod subject;

use meshhook_testkit::load::{Deliveries, Pace};

use crate::measure::{Plan, SECRET, Supply};
use crate::report::Report;
use crate::rows::{Round, Row};
use crate::words::thousands;
pub(crate) use arguments::{Arguments, target};
use subject::{Running, Subject};

/// True when everything was accepted.
pub(crate) fn run(arguments: &Arguments) -> Result<bool, String> {
    let mut stand = Stand { arguments, supply: Supply::default(), deliveries: None };
    let mut report = Report::new("accept");
    let mut rate = arguments.rate;
    if arguments.closed {
        let title = format!("Closed loop, {} connections", arguments.connections);
        let rows = stand.rounds(&title, Pace::Closed, &mut report)?;
        rate = rate.or_else(|| half(&rows));
    }
    if arguments.open {
        let rate = rate.ok_or("--mode open wants a --rate")?;
        let title = format!("Open loop, {} a second", thousands(f64::from(rate)));
        stand.rounds(&title, Pace::Open { rate }, &mut report)?;
    }
    report.finish()
}

/// Half of what SQLite accepted a second.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is neither so high nor negative"
)]
fn half(rows: &[Row]) -> Option<u32> {
    let sqlite = rows.iter().find(|row| row.name == Subject::Sqlite.name())?;
    Some(((sqlite.figures().rate() / 2.0) as u32).max(1))
}

/// What all loads have in common.
struct Stand<'a> {
    arguments: &'a Arguments,
    supply: Supply,
    deliveries: Option<Deliveries>,
}

impl Stand<'_> {
    fn subjects(&self) -> [Subject; 4] {
        let last = if self.arguments.target.is_some() { Subject::Target } else { Subject::Memory };
        [Subject::Floor, Subject::Disk, Subject::Sqlite, last]
    }

    fn secret(&self) -> &str {
        self.arguments.target.as_ref().map_or(SECRET, |(_, secret)| secret)
    }

    /// Every program in its turn, again and again; another one begins each round.
    fn rounds(&mut self, title: &str, pace: Pace, report: &mut Report) -> Result<Vec<Row>, String> {
        let subjects = self.subjects();
        let mut rows = subjects.map(|subject| Row::new(subject.name()));
        for round in 0..self.arguments.rounds {
            for turn in 0..subjects.len() {
                let number = (round + turn) % subjects.len();
                rows[number].rounds.push(self.load(subjects[number], pace)?);
            }
        }
        let length = self.deliveries.as_ref().map_or(0, Deliveries::body_len);
        let bases = [&rows[0], &rows[1]];
        let heading = format!("{title}, bodies of {length} bytes; ratios to floor and disk");
        report.compare(title, &heading, &rows, &bases);
        Ok(rows.into())
    }

    fn load(&mut self, subject: Subject, pace: Pace) -> Result<Round, String> {
        let Arguments { connections, warm_up, span, record, ref target, .. } = *self.arguments;
        let plan = Plan { connections, pace, warm_up, span };
        self.make_deliveries(subject, plan.deliveries());
        let target = target.as_ref().map(|(target, _)| target);
        let running = Running::start(subject, self.secret(), record, target)?;
        let deliveries = self.deliveries.as_ref().expect("they have been made");
        let mut round = plan.load(&running.target()?, deliveries, running.pid())?;
        let told = running.end();
        round.astray = told.stored.map(|stored| stored.abs_diff(round.figures.accepted));
        round.synced = told.synced;
        Ok(round)
    }

    /// Signs what is needed, ahead of time. A program of ours begins with nothing in its store, so that for the next
    /// one the same are new again; another may remember.
    fn make_deliveries(&mut self, subject: Subject, count: u64) {
        let enough = |deliveries: &Deliveries| deliveries.count() as u64 >= count;
        if subject != Subject::Target && self.deliveries.as_ref().is_some_and(enough) {
            return;
        }
        let secret = self.secret().to_owned();
        self.deliveries = Some(self.supply.next(count, self.arguments.body, &secret));
    }
}
