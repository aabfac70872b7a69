//! The time, for commands that no time was given to.

use std::time::{SystemTime, UNIX_EPOCH};

use meshhook_model::Timestamp;

/// Now; the epoch where the machine's clock is out of every range.
pub(crate) fn now() -> Timestamp {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    at(i64::try_from(seconds).unwrap_or_default())
}

/// `seconds` after `from`, within what can be written.
pub(crate) fn after(from: Timestamp, seconds: i64) -> Timestamp {
    at(from.unix().saturating_add(seconds))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds).unwrap_or(EPOCH)
}

const EPOCH: Timestamp = match Timestamp::from_unix(0) {
    Some(epoch) => epoch,
    None => unreachable!(),
};
