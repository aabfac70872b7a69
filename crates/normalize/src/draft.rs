//! A build as its body describes it, before its state is judged.

use meshhook_model::{BuildStatus, Details, State, Timestamp, Unit};

use crate::{Event, Identity, Ignored, Machine, Meaning, Unreadable};

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
}

impl Draft {
    /// What the body means if its words for the state mean `state`.
    pub(crate) fn judged(self, state: Result<State, Silence>) -> Meaning {
        // Without an id of its own a job could take another's place, and its end would count as said already.
        let nameless = self.details.unit == Unit::Job && self.identity.job.is_none();
        match state {
            _ if nameless => self.unreadable(Unreadable::MissingField),
            Ok(state) => self.event(state),
            Err(Silence::Ignored(reason)) => Meaning::Ignored { reason, details: self.details },
            Err(Silence::Unreadable(reason)) => self.unreadable(reason),
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
