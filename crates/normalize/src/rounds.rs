//! Rounds of what is known by no attempt.

use meshhook_model::{Round, Timestamp};

/// The round of what ended, or was last changed, at that time; without one it is the first.
///
/// Where something is run again under its old id, this tells one end from another: a later one has a higher round.
/// It is read from the body, so that a redelivery has the same.
pub(crate) fn round_at(time: Option<Timestamp>) -> Round {
    time.and_then(|time| u64::try_from(time.unix()).ok()).map_or(Round::FIRST, Round::new)
}
