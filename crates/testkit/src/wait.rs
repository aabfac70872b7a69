//! Waiting that ends.

use std::thread;
use std::time::{Duration, Instant};

const STEP: Duration = Duration::from_millis(20);

/// Asks every 20 ms until there is an answer; `None` when there was none within the time.
pub fn try_for<T>(within: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + within;
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() >= end {
            return None;
        }
        thread::sleep(STEP);
    }
}

/// As [`try_for`], for what a test cannot go on without.
///
/// # Panics
/// When there was no answer within the time; the place of the call is in the message.
#[track_caller]
pub fn eventually<T>(within: Duration, ask: impl FnMut() -> Option<T>) -> T {
    // A closure would lose the caller's place, so no unwrap_or_else.
    match try_for(within, ask) {
        Some(answer) => answer,
        None => panic!("waited {within:?} for something that did not happen"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_late_is_waited_for() {
        let mut asked = 0;
        let answer = eventually(Duration::from_secs(5), || {
            asked += 1;
            (asked == 3).then_some("there")
        });
        assert_eq!((answer, asked), ("there", 3));
    }

    #[test]
    #[should_panic(expected = "waited 30ms for something that did not happen")]
    fn what_never_happens_panics() {
        eventually(Duration::from_millis(30), || None::<()>);
    }
}
