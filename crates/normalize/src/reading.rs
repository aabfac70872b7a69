//! What became of a body.

use std::fmt;

use meshhook_model::{BuildStatus, Details, Text, Timestamp};

/// A body as it was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reading {
    /// What it says.
    pub meaning: Meaning,
    /// The newest time that the CI system itself wrote into the body.
    ///
    /// It can lie far in the future where a clock is wrong: that is no sign of freshness.
    pub newest: Option<Timestamp>,
}

/// What a body says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// Where a build stands.
    Event(Event),
    /// Understood, and no build's state.
    Ignored {
        /// Why it says nothing.
        reason: Ignored,
        /// What it told besides.
        details: Details,
    },
    /// About a build, but not to be understood to the end; a newer version may.
    Unreadable {
        /// What stands against it.
        reason: Unreadable,
        /// What could be read, the unknown word as sent in its outcome.
        details: Details,
    },
    /// Wrong in a way that somebody can mend, its author or who wrote the map: of the own format and mapped bodies only.
    Invalid {
        /// The key that is at fault, as its author wrote it; of a missing one the format's own name.
        field: &'static str,
        /// What is expected there.
        expected: &'static str,
    },
}

impl Meaning {
    pub(crate) fn into_details(self) -> Details {
        match self {
            Self::Event(event) => event.status.details,
            Self::Ignored { details, .. } | Self::Unreadable { details, .. } => details,
            Self::Invalid { .. } => Details::default(),
        }
    }
}

/// A build's state, what it is known by and where it was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The state, in the vocabulary.
    pub status: BuildStatus,
    /// What the status is about.
    pub identity: Identity,
    /// The machine that the body names.
    pub machine: Option<Machine>,
}

/// What a status is about, in the sender's own bytes: to be hashed, never to be shown.
///
/// Together with the unit and round of the status it tells one subject from another. Two bodies that speak of
/// the same run have the same `repo`, `workflow` and `run`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Identity {
    /// The repository.
    pub repo: Option<String>,
    /// The workflow, where there is no repository.
    pub workflow: Option<String>,
    /// The run's id, else its address.
    pub run: Option<String>,
    /// The job's id, else its name, of a status about a job.
    pub job: Option<String>,
}

impl Identity {
    pub(crate) fn new(repo: Option<String>, workflow: Option<String>, run: Option<String>) -> Self {
        let workflow = if repo.is_none() { workflow } else { None };
        Self { repo, workflow, run, job: None }
    }

    pub(crate) fn of_job(self, job: Option<String>) -> Self {
        Self { job, ..self }
    }
}

/// Where a job ran or runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Machine {
    /// Its name, as the CI system knows it.
    pub name: Text,
    /// Whether it is the CI vendor's own: never a machine of the pool.
    pub hosted: bool,
}

/// Why a body that was understood says nothing of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ignored {
    /// The greeting of a new webhook.
    Ping,
    /// An event that is not read.
    UnsupportedEvent,
    /// Completed, with no word on how.
    NoConclusion,
    /// A result that was reported before: another run is to follow.
    OldResult,
    /// A word that the operator wants to hear nothing of.
    Word,
}

impl Ignored {
    /// The reason's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::UnsupportedEvent => "unsupported_event",
            Self::NoConclusion => "no_conclusion",
            Self::OldResult => "old_result",
            Self::Word => "word",
        }
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a body could not be understood to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unreadable {
    /// The event header names another event than the body is.
    EventMismatch,
    /// Without a field that every such event has, or with one of another kind.
    MissingField,
    /// A word for the state that is not known.
    UnknownState,
    /// JSON, and not of a shape that the CI system sends.
    UnknownShape,
}

impl Unreadable {
    /// The reason's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EventMismatch => "event_mismatch",
            Self::MissingField => "missing_field",
            Self::UnknownState => "unknown_state",
            Self::UnknownShape => "unknown_shape",
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
