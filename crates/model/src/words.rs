//! The closed words of the vocabulary: what a status is about, where it stands, and which round of it.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A word that the vocabulary does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what}; one of {known} is expected")]
pub struct UnknownWord {
    /// What the word was to name: `state` or `unit`.
    pub what: &'static str,
    /// The words there are, comma separated.
    pub known: &'static str,
}

/// Where a build stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Known, not started: also what waits for a person.
    Queued,
    /// Started, not finished.
    Running,
    /// Finished well: also skipped, neutral and "with warnings".
    Succeeded,
    /// Finished badly: also cancelled.
    Failed,
}

impl State {
    /// Every state, in the order in which a build goes through them.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Running, Self::Succeeded, Self::Failed];

    /// The state's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    /// queued 0, running 1, finished 2: a lower rank never follows a higher one within a round.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Queued => 0,
            Self::Running => 1,
            Self::Succeeded | Self::Failed => 2,
        }
    }

    /// Whether nothing more is to come in this round.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        self.rank() == 2
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for State {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|s| s.as_str() == word)
            .ok_or(UnknownWord { what: "state", known: "queued, running, succeeded, failed" })
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What a status is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Unit {
    /// A whole run of a workflow or pipeline.
    #[default]
    Run,
    /// One job of a run.
    Job,
    /// One stage of a run.
    Stage,
    /// A check run.
    Check,
    /// A check suite.
    Suite,
    /// A commit status.
    Status,
    /// A deployment's status.
    Deployment,
}

impl Unit {
    /// Every unit.
    pub const ALL: [Self; 7] =
        [Self::Run, Self::Job, Self::Stage, Self::Check, Self::Suite, Self::Status, Self::Deployment];

    /// The unit's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Job => "job",
            Self::Stage => "stage",
            Self::Check => "check",
            Self::Suite => "suite",
            Self::Status => "status",
            Self::Deployment => "deployment",
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Unit {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|u| u.as_str() == word)
            .ok_or(UnknownWord { what: "unit", known: "run, job, stage, check, suite, status, deployment" })
    }
}

impl Serialize for Unit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The largest integer that a Matrix event may carry (2^53 - 1; Matrix spec, canonical JSON).
const MAX_JSON_INTEGER: u64 = (1 << 53) - 1;

/// How often a run was started under the same id, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Attempt(u64);

impl Attempt {
    /// An attempt number; `None` for zero and for what no JSON integer can carry.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        if number == 0 || number > MAX_JSON_INTEGER { None } else { Some(Self(number)) }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// The provider's proof that something under the same id is new: its attempt number where it has one.
///
/// Rounds only order and tell apart; they are no count of anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Round(u64);

impl Round {
    /// The round of a provider that has none, and of a first attempt.
    pub const FIRST: Self = Self(1);

    /// A round; what no JSON integer can carry is the highest round there is.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(if number > MAX_JSON_INTEGER { MAX_JSON_INTEGER } else { number })
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl Default for Round {
    fn default() -> Self {
        Self::FIRST
    }
}

impl From<Attempt> for Round {
    fn from(attempt: Attempt) -> Self {
        Self(attempt.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        for unit in Unit::ALL {
            assert_eq!(unit.as_str().parse(), Ok(unit));
        }
        assert!("Failed".parse::<State>().is_err());
    }

    #[test]
    fn only_finished_states_are_terminal() {
        let terminal: Vec<_> = State::ALL.into_iter().filter(|s| s.is_terminal()).collect();
        assert_eq!(terminal, [State::Succeeded, State::Failed]);
    }

    #[test]
    fn numbers_stay_within_what_an_event_can_carry() {
        assert_eq!(Attempt::new(0), None);
        assert_eq!(Attempt::new(1 << 53), None);
        assert_eq!(Round::new(u64::MAX).get(), (1 << 53) - 1);
    }
}
