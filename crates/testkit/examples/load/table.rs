//! The figures, for people: a line each, and a table.

use std::fmt::Write as _;
use std::time::Duration;

use meshhook_testkit::load::Figures;

use crate::subject::Subject;

/// One load of one program.
#[derive(Debug, Clone)]
pub(crate) struct Round {
    pub(crate) figures: Figures,
    /// Processor time of the program, where the system tells.
    pub(crate) server: Option<Duration>,
    /// And ours.
    pub(crate) client: Option<Duration>,
    /// Deliveries that are in the store and were not answered, or the other way round.
    pub(crate) astray: Option<u64>,
}

/// All rounds of one program.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) subject: Subject,
    pub(crate) rounds: Vec<Round>,
}

impl Row {
    /// All rounds as one.
    pub(crate) fn figures(&self) -> Figures {
        let mut all = self.rounds.iter().map(|round| &round.figures);
        let first = all.next().expect("a round at least").clone();
        all.fold(first, |mut sum, figures| {
            sum.add(figures);
            sum
        })
    }

    /// The median, over the rounds, of how something is to the same of the floor in that round.
    fn ratio(&self, floor: &Self, of: fn(&Figures) -> f64) -> f64 {
        let rounds = self.rounds.iter().zip(&floor.rounds);
        let mut ratios: Vec<f64> =
            rounds.map(|(ours, floor)| of(&ours.figures) / of(&floor.figures)).collect();
        ratios.sort_by(f64::total_cmp);
        ratios[ratios.len() / 2]
    }

    /// Microseconds of a processor for one request.
    #[expect(clippy::cast_precision_loss, reason = "a mean needs no more")]
    fn cost(&self, of: fn(&Round) -> Option<Duration>) -> String {
        let used: Option<Duration> = self.rounds.iter().map(of).sum();
        let requests = self.figures().accepted.max(1) as f64;
        used.map_or("-".to_owned(), |used| format!("{:.0} µs", used.as_secs_f64() * 1e6 / requests))
    }

    /// What is wrong with it, if anything.
    pub(crate) fn faults(&self) -> Option<String> {
        let figures = self.figures();
        let mut faults = String::new();
        for (status, count) in &figures.refused {
            let _ = write!(faults, " {count} answered {status}.");
        }
        for (count, words) in [
            (figures.unanswered, "not answered"),
            (figures.missed, "planned and not sent"),
            (self.rounds.iter().filter_map(|round| round.astray).sum(), "answered or stored, and not both"),
        ] {
            if count > 0 {
                let _ = write!(faults, " {count} {words}.");
            }
        }
        (!faults.is_empty()).then_some(faults)
    }

    fn cells(&self, floor: &Self) -> [String; 9] {
        let figures = self.figures();
        let at = |percent| short(figures.percentile(percent));
        [
            self.subject.name().to_owned(),
            format!("{}/s", thousands(figures.rate())),
            format!("{:.2}", self.ratio(floor, Figures::rate)),
            at(50.0),
            at(99.0),
            format!("{:.2}", self.ratio(floor, |figures| figures.percentile(99.0).as_secs_f64())),
            at(99.9),
            self.cost(|round| round.server),
            self.cost(|round| round.client),
        ]
    }

    /// As a line.
    pub(crate) fn line(&self, floor: &Self) -> String {
        let [name, rate, ratio, p50, p99, of_p99, p999, server, client] = self.cells(floor);
        let faults = self.faults().map(|faults| format!("  ✗{faults}")).unwrap_or_default();
        format!(
            "{name:<7}{rate:>10}  ratio {ratio:>5}  p50 {p50:>8}  p99 {p99:>8} ({of_p99} × floor)  p99.9 {p999:>8}  \
             processor {server} and {client} of ours{faults}"
        )
    }
}

/// The table of one mode, as Markdown.
pub(crate) fn table(title: &str, rows: &[Row]) -> String {
    let mut table = format!("## {title}\n\n");
    table += "| | accepted | ÷ floor | p50 | p99 | ÷ floor | p99.9 | processor, server | client |\n";
    table += "|---|---:|---:|---:|---:|---:|---:|---:|---:|\n";
    for row in rows {
        let _ = writeln!(table, "| {} |", row.cells(&rows[0]).join(" | "));
    }
    for row in rows {
        if let Some(faults) = row.faults() {
            let _ = writeln!(table, "\n{}: ✗{faults}", row.subject.name());
        }
    }
    table + "\n"
}

fn short(span: Duration) -> String {
    format!("{:.2} ms", span.as_secs_f64() * 1e3)
}

/// A whole number, with a comma after each thousand.
pub(crate) fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}
