//! The figures of a scenario, and whether they are what they must be.

use std::fmt;

/// How many of the wrong ones are named.
const NAMED: usize = 10;

/// What a scenario comes to.
#[derive(Debug)]
pub struct Report {
    name: String,
    figures: Vec<Figure>,
}

#[derive(Debug)]
struct Figure {
    what: String,
    value: String,
    /// What makes it wrong; nothing when it is as it must be, or need not be anything.
    wrong: Vec<String>,
}

impl Report {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.into(), figures: Vec::new() }
    }

    /// Its name as a file's.
    pub(super) fn slug(&self) -> String {
        self.name.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-")
    }

    /// A figure that only informs.
    pub(super) fn tell(&mut self, what: &str, value: impl ToString) {
        self.figures.push(Figure { what: what.into(), value: value.to_string(), wrong: Vec::new() });
    }

    /// A figure that was to become so much, and is less only when the time was over.
    pub(super) fn goal(&mut self, what: &str, value: u32, goal: u32) {
        self.tell(what, if value < goal { format!("{value} of {goal}") } else { value.to_string() });
    }

    /// A figure that must be 0: each of these is one too many.
    pub(super) fn none(&mut self, what: &str, wrong: impl IntoIterator<Item = String>) {
        let wrong: Vec<String> = wrong.into_iter().collect();
        self.figures.push(Figure { what: what.into(), value: wrong.len().to_string(), wrong });
    }

    /// A figure with a bound that it has to keep.
    pub(super) fn must(&mut self, what: &str, value: impl ToString, holds: bool) {
        let wrong = if holds { Vec::new() } else { vec![format!("{what}: {}", value.to_string())] };
        self.figures.push(Figure { what: what.into(), value: value.to_string(), wrong });
    }

    /// Whether every figure is what it must be.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.wrong().next().is_none()
    }

    /// The figures that are not what they must be, by their words.
    pub fn wrong(&self) -> impl Iterator<Item = &str> {
        self.figures.iter().filter(|figure| !figure.wrong.is_empty()).map(|figure| figure.what.as_str())
    }

    /// Whether a figure is there and is so much at least.
    #[must_use]
    pub fn reached(&self, what: &str, least: u64) -> bool {
        let figure = self.figures.iter().find(|figure| figure.what == what);
        figure.and_then(|figure| figure.value.parse().ok()).is_some_and(|value: u64| value >= least)
    }

    /// Ends a test with all figures when one is wrong.
    ///
    /// # Panics
    /// When one is wrong.
    #[track_caller]
    pub fn assert_sound(&self) {
        assert!(self.is_sound(), "{self}");
    }
}

/// A line for each figure, and what is wrong with it below.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.name)?;
        for Figure { what, value, wrong } in &self.figures {
            let mark = if wrong.is_empty() { ' ' } else { '✗' };
            writeln!(f, " {mark} {what:<46} {value:>10}")?;
            wrong.iter().take(NAMED).try_for_each(|wrong| writeln!(f, "     {wrong}"))?;
        }
        Ok(())
    }
}
