//! What a sender is told.

use meshhook_model::State;
use meshhook_store::Accepted;
use serde::Serialize;

/// The body of a 202.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// `accepted`, `duplicate`, `superseded`, `ignored` or `unreadable`.
    pub outcome: &'static str,
    /// The delivery that holds it: of a duplicate the first one.
    pub delivery: String,
    /// What follows it through every log.
    pub correlation_id: String,
    /// The state that was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<&'static str>,
    /// Why nothing is announced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Of a duplicate: where the first one stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'static str>,
    /// Of a duplicate: the event that shows the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// Whether this outlives the process.
    pub durable: bool,
}

impl Answer {
    pub(crate) fn new(accepted: Accepted, state: Option<State>, durable: bool) -> Self {
        let duplicate = accepted.outcome == meshhook_store::Outcome::Duplicate;
        Self {
            outcome: accepted.outcome.as_str(),
            delivery: accepted.delivery,
            correlation_id: accepted.correlation_id,
            state: state.map(State::as_str),
            reason: accepted.reason,
            status: duplicate.then_some(accepted.status.as_str()),
            event_id: accepted.event_id.filter(|_| duplicate),
            durable,
        }
    }
}
