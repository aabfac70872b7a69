//! The figures of loads, for people: a line for each program, and a table.

use std::fmt::Write as _;
use std::time::Duration;

use meshhook_testkit::load::{Figures, Synced};

use crate::words::{millis, ratio, thousands};

/// One load of one program.
#[derive(Debug, Clone)]
pub(crate) struct Round {
    pub(crate) figures: Figures,
    /// Processor time of the program, where the system tells.
    pub(crate) server: Option<Duration>,
    /// And ours.
    pub(crate) client: Option<Duration>,
    /// Deliveries that are on its disk and were not answered, or the other way round.
    pub(crate) astray: Option<u64>,
    /// What it made durable, and by how many syncs.
    pub(crate) synced: Option<Synced>,
}

/// All rounds of one program.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) rounds: Vec<Round>,
}

impl Row {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, rounds: Vec::new() }
    }

    /// All rounds as one.
    pub(crate) fn figures(&self) -> Figures {
        let mut all = self.rounds.iter().map(|round| &round.figures);
        let first = all.next().expect("a round at least").clone();
        all.fold(first, |mut sum, figures| {
            sum.add(figures);
            sum
        })
    }

    /// The median, over the rounds, of how something is to the same of another in that round.
    fn ratio(&self, base: &Self, of: fn(&Figures) -> f64) -> f64 {
        let rounds = self.rounds.iter().zip(&base.rounds);
        let mut ratios: Vec<f64> = rounds.map(|(ours, base)| of(&ours.figures) / of(&base.figures)).collect();
        ratios.sort_by(f64::total_cmp);
        ratios[ratios.len() / 2]
    }

    /// How many were accepted a second, to that of another.
    pub(crate) fn rate_to(&self, base: &Self) -> f64 {
        self.ratio(base, Figures::rate)
    }

    /// Its 99th percentile, to that of another.
    pub(crate) fn p99_to(&self, base: &Self) -> f64 {
        self.ratio(base, |figures| figures.percentile(99.0).as_secs_f64())
    }

    /// Microseconds of a processor for one request.
    #[expect(clippy::cast_precision_loss, reason = "a mean needs no more")]
    fn cost(&self, of: fn(&Round) -> Option<Duration>) -> String {
        let used: Option<Duration> = self.rounds.iter().map(of).sum();
        let requests = self.figures().accepted.max(1) as f64;
        used.map_or("-".to_owned(), |used| format!("{:.0} µs", used.as_secs_f64() * 1e6 / requests))
    }

    /// How many answers shared a sync, and how many syncs there were a second.
    #[expect(clippy::cast_precision_loss, reason = "a mean needs no more")]
    fn syncs(&self) -> [String; 2] {
        let all = self.rounds.iter().filter_map(|round| round.synced);
        let (records, syncs) = all.fold((0, 0), |(r, s), synced| (r + synced.records, s + synced.syncs));
        if syncs == 0 {
            return ["-", "-"].map(str::to_owned);
        }
        let answers = records as f64 / syncs as f64;
        [format!("{answers:.1}"), thousands(self.figures().rate() / answers)]
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

    /// As a line, beside others.
    pub(crate) fn line(&self, bases: &[&Self]) -> String {
        let figures = self.figures();
        let ratios: Vec<_> = bases.iter().map(|base| ratio(self.rate_to(base))).collect();
        let tails: Vec<_> =
            bases.iter().map(|base| format!("{} × {}", ratio(self.p99_to(base)), base.name)).collect();
        let [p50, p99, p999] = [50.0, 99.0, 99.9].map(|percent| millis(figures.percentile(percent)));
        let syncs = match self.syncs() {
            [answers, syncs] if answers != "-" => format!("  {answers} a sync, {syncs} syncs/s"),
            _ => String::new(),
        };
        let [server, client] = [self.cost(|round| round.server), self.cost(|round| round.client)];
        let faults = self.faults().map(|faults| format!("  ✗{faults}")).unwrap_or_default();
        format!(
            "{:<14} {:>9}  ratio {:>5}  p50 {p50:>9}  p99 {p99:>9} ({})  p99.9 {p999:>9}{syncs}  processor {server} \
             and {client} of ours{faults}",
            self.name,
            thousands(figures.rate()) + "/s",
            ratios.join(" and "),
            tails.join(", "),
        )
    }

    fn cells(&self, bases: &[&Self]) -> Vec<String> {
        let figures = self.figures();
        let at = |percent| millis(figures.percentile(percent));
        let mut cells = vec![self.name.to_owned(), thousands(figures.rate()) + "/s"];
        cells.extend(bases.iter().map(|base| ratio(self.rate_to(base))));
        cells.extend([at(50.0), at(99.0)]);
        cells.extend(bases.iter().map(|base| ratio(self.p99_to(base))));
        cells.push(at(99.9));
        cells.extend(self.syncs());
        cells.extend([self.cost(|round| round.server), self.cost(|round| round.client)]);
        cells
    }
}

/// The lines of one load.
pub(crate) fn lines(rows: &[Row], bases: &[&Row]) -> String {
    rows.iter().map(|row| format!("  {}\n", row.line(bases))).collect()
}

/// The table of one load, as Markdown.
pub(crate) fn table(title: &str, rows: &[Row], bases: &[&Row]) -> String {
    let to = |what: &'static str| bases.iter().map(move |base| format!("{what} ÷ {}", base.name));
    let mut head = ["", "accepted"].map(str::to_owned).to_vec();
    head.extend(to("accepted"));
    head.extend(["p50", "p99"].map(str::to_owned));
    head.extend(to("p99"));
    head.extend(
        ["p99.9", "answers a sync", "syncs a second", "processor, server", "client"].map(str::to_owned),
    );
    let mut table =
        format!("## {title}\n\n| {} |\n|---|{}\n", head.join(" | "), "---:|".repeat(head.len() - 1));
    for row in rows {
        let _ = writeln!(table, "| {} |", row.cells(bases).join(" | "));
    }
    for row in rows {
        if let Some(faults) = row.faults() {
            let _ = writeln!(table, "\n{}: ✗{faults}", row.name);
        }
    }
    table + "\n"
}
