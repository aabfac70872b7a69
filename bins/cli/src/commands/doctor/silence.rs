//! When somebody counts as silent.

use meshhook_model::Timestamp;

use crate::clock;

/// After so many seconds.
const SILENT: i64 = 24 * 3600;

/// Whether who was last heard of then is silent now.
pub(super) fn is_silent(last: Timestamp) -> bool {
    is_long_before(last, clock::now())
}

/// Whether so much time lies between the two.
pub(super) fn is_long_before(earlier: Timestamp, later: Timestamp) -> bool {
    later.unix() - earlier.unix() > SILENT
}
