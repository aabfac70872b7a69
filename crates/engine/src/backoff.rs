//! How long to wait after a failure that proves nothing.

use std::time::Duration;

/// The longest wait: short enough that a room is heard of a minute after its homeserver is back.
const LONGEST: Duration = Duration::from_secs(60);

/// Doubles from one second; the jitter, from 0 to 255, takes off up to half, so that many do not come back at once.
pub(crate) fn backoff(failures: u32, jitter: u8) -> Duration {
    let wait = Duration::from_secs(1 << failures.min(6)).min(LONGEST);
    wait - wait / 2 * u32::from(jitter) / 255
}

/// A random jitter; without randomness there is none, which is no worse.
pub(crate) fn jitter() -> u8 {
    let mut byte = [0];
    let _ = getrandom::fill(&mut byte);
    byte[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound() {
        let waits: Vec<_> = [0, 1, 5, 6, 7, u32::MAX].map(|n| backoff(n, 0).as_secs()).into();
        assert_eq!(waits, [1, 2, 32, 60, 60, 60]);
        assert_eq!(backoff(3, 255), Duration::from_secs(4));
    }
}
