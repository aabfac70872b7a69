//! A build as its body describes it, before its state is judged.

use meshhook_model::{BuildStatus, Details, State, Text, Timestamp, Unit};

use crate::words::Words;
use crate::{Event, Identity, Ignored, Machine, Meaning, Unreadable};

/// What a provider finds in a body.
pub(crate) enum Found {
    /// A build, and what its words for the state mean.
    Build(Draft, Result<State, Silence>),
    /// Something else.
    Other(Meaning),
}

/// Everything about a build but its state.
pub(crate) struct Draft {
    pub(crate) details: Details,
    pub(crate) identity: Identity,
    pub(crate) machine: Option<Machine>,
    /// When it finished, if it has: some CI systems send here when it last changed.
    pub(crate) finished_at: Option<Timestamp>,
}

/// Why nothing is announced.
pub(crate) enum Silence {
    Ignored(Ignored),
    Unreadable(Unreadable),
    /// Its author can mend it: which field, and what is expected there.
    Invalid(&'static str, &'static str),
}

impl Found {
    pub(crate) fn ignored(reason: Ignored, details: Details) -> Self {
        Self::Other(Meaning::Ignored { reason, details })
    }

    pub(crate) fn unreadable(reason: Unreadable, details: Details) -> Self {
        Self::Other(Meaning::Unreadable { reason, details })
    }

    /// The same under an event header: it is not signed, so it may only agree.
    pub(crate) fn under(self, header: Option<&str>, agrees: impl FnOnce(&str) -> bool) -> Self {
        match header {
            Some(event) if !agrees(event) => self.mismatched(),
            _ => self,
        }
    }

    fn mismatched(self) -> Self {
        let details = match self {
            Self::Build(draft, _) => draft.details,
            Self::Other(meaning) => meaning.into_details(),
        };
        Self::unreadable(Unreadable::EventMismatch, details)
    }

    /// What it means, where an operator gives some words another state.
    pub(crate) fn judged(self, words: &Words) -> Meaning {
        match self {
            Self::Build(draft, state) => {
                let word = draft.details.outcome.as_ref().map(Text::as_str);
                let state = word.and_then(|word| words.meaning(word)).unwrap_or(state);
                draft.judged(state)
            }
            Self::Other(meaning) => meaning,
        }
    }
}

impl Draft {
    /// A build whose words for the state mean `state`.
    pub(crate) fn with(self, state: Result<State, Silence>) -> Found {
        Found::Build(self, state)
    }

    fn judged(self, state: Result<State, Silence>) -> Meaning {
        // Without an id of its own a job could take another's place, and its end would count as said already.
        let part = matches!(self.details.unit, Unit::Job | Unit::Stage);
        match state {
            _ if part && self.identity.job.is_none() => self.unreadable(Unreadable::MissingField),
            Ok(state) => self.event(state),
            Err(Silence::Ignored(reason)) => Meaning::Ignored { reason, details: self.details },
            Err(Silence::Unreadable(reason)) => self.unreadable(reason),
            Err(Silence::Invalid(field, expected)) => Meaning::Invalid { field, expected },
        }
    }

    fn event(self, state: State) -> Meaning {
        let finished_at = self.finished_at.filter(|_| state.is_terminal());
        let details = Details { finished_at, ..self.details };
        Meaning::Event(Event {
            status: BuildStatus { state, details },
            identity: self.identity,
            machine: self.machine,
        })
    }

    fn unreadable(self, reason: Unreadable) -> Meaning {
        Meaning::Unreadable { reason, details: self.details }
    }
}

impl Silence {
    pub(crate) const MISSING: Self = Self::Unreadable(Unreadable::MissingField);
    pub(crate) const UNKNOWN: Self = Self::Unreadable(Unreadable::UnknownState);
}
