//! What the provider's own word adds to the state, and how long a build took.

use meshhook_model::{BuildStatus, State, Text, Timestamp, Unit};

use crate::Style;

/// The outcome, where it says more than the state.
pub(crate) fn remark(status: &BuildStatus) -> Option<String> {
    let outcome = status.details.outcome.as_ref()?.as_str();
    let word = fold(outcome);
    let says_more = word.contains(char::is_alphabetic) && !same_as(status.state).contains(&word.as_str());
    says_more.then(|| outcome.replace('_', " "))
}

/// Words of the CI systems that say no more than the state itself, folded.
fn same_as(state: State) -> &'static [&'static str] {
    match state {
        State::Queued => &["queued", "pending", "requested", "created", "triggered"],
        State::Running => &["running", "inprogress", "started", "executing", "building"],
        State::Succeeded => {
            &["succeeded", "success", "successful", "passed", "completed", "complete", "finished"]
        }
        State::Failed => &["failed", "failure", "completed", "complete", "finished"],
    }
}

/// Whether the build went well but not quite: `UNSTABLE`, `warnings`, `partiallySucceeded`, `succeededWithIssues`.
pub(crate) fn is_warned(status: &BuildStatus) -> bool {
    let doubtful = |outcome: &Text| {
        let word = fold(outcome.as_str());
        ["unstable", "warning", "partial", "issues"].iter().any(|doubt| word.contains(doubt))
    };
    status.state == State::Succeeded && status.details.outcome.as_ref().is_some_and(doubtful)
}

/// Whether the message is one that clients notify of.
pub(crate) fn notifies(status: &BuildStatus, style: &Style) -> bool {
    style.notify_on.contains(&status.state) && !is_quiet(status, style)
}

/// Whether the outcome is one of the style's quiet ones, however it is spelt.
#[must_use]
pub fn is_quiet(status: &BuildStatus, style: &Style) -> bool {
    status.details.outcome.as_ref().is_some_and(|outcome| {
        let word = fold(outcome.as_str());
        style.quiet_outcomes.iter().any(|quiet| fold(quiet) == word)
    })
}

/// The outcome by which two ends in the same state are told apart: what a message says of it, without case and
/// separators; empty where it says no more than the state.
#[must_use]
pub fn outcome_word(status: &BuildStatus) -> String {
    remark(status).map(|outcome| fold(&outcome)).unwrap_or_default()
}

/// What something is that is neither a run nor a job, and what leads from that to its name. A deployment's name is its
/// environment's.
pub(crate) const fn kind(unit: Unit) -> Option<(&'static str, &'static str)> {
    Some(match unit {
        Unit::Run | Unit::Job => return None,
        Unit::Stage => ("stage", " "),
        Unit::Check => ("check", " "),
        Unit::Suite => ("check suite", " "),
        Unit::Status => ("commit status", " "),
        Unit::Deployment => ("deployment", " to "),
    })
}

/// The word without case and separators, since `TIMED_OUT`, `timed out` and `timedOut` are one.
///
/// GitHub writes "cancelled", GitLab and Buildkite "canceled".
fn fold(word: &str) -> String {
    let folded: String = word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    if folded == "canceled" { "cancelled".into() } else { folded }
}

/// A duration in its two largest units.
pub(crate) fn duration(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes, seconds) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// An instant to the minute, with its day: `2026-11-23 06:12 UTC`.
pub(crate) fn clock(time: Timestamp) -> String {
    let written = time.to_string();
    let (day, clock) = written.split_once('T').unwrap_or((&written, ""));
    format!("{day} {} UTC", clock.get(..5).unwrap_or(clock))
}

#[cfg(test)]
mod tests {
    use meshhook_model::Details;

    use super::*;

    fn status(state: State, outcome: &str) -> BuildStatus {
        BuildStatus { state, details: Details { outcome: Text::new(outcome), ..Details::default() } }
    }

    #[test]
    fn only_what_says_more_is_said() {
        for (state, outcome) in [
            (State::Queued, "requested"),
            (State::Running, "inProgress"),
            (State::Running, "0"),
            (State::Succeeded, "SUCCESS"),
            (State::Failed, "failure"),
            (State::Failed, "completed"),
            (State::Failed, "???"),
            (State::Failed, ""),
        ] {
            assert_eq!(remark(&status(state, outcome)), None, "{outcome}");
        }
        for (state, outcome, said) in [
            (State::Failed, "timed_out", "timed out"),
            (State::Failed, "success", "success"),
            (State::Succeeded, "UNSTABLE", "UNSTABLE"),
            (State::Queued, "action_required", "action required"),
            (State::Running, "queued", "queued"),
        ] {
            assert_eq!(remark(&status(state, outcome)).as_deref(), Some(said));
        }
    }

    #[test]
    fn only_a_success_is_warned_of() {
        for outcome in
            ["UNSTABLE", "passed with warnings", "partiallySucceeded", "warnings", "succeededWithIssues"]
        {
            assert!(is_warned(&status(State::Succeeded, outcome)), "{outcome}");
            assert!(!is_warned(&status(State::Failed, outcome)), "{outcome}");
        }
        assert!(!is_warned(&status(State::Succeeded, "success")));
    }

    #[test]
    fn a_quiet_outcome_is_quiet_however_it_is_spelt() {
        let style = Style::default();
        assert!(notifies(&status(State::Failed, "timed_out"), &style));
        assert!(notifies(&status(State::Failed, ""), &style));
        assert!(!notifies(&status(State::Succeeded, "success"), &style));
        for outcome in ["cancelled", "canceled", "CANCELED", "skipped"] {
            assert!(!notifies(&status(State::Failed, outcome), &style), "{outcome}");
        }
    }

    #[test]
    fn an_outcome_is_the_same_however_it_is_spelt() {
        let word = |outcome| outcome_word(&status(State::Failed, outcome));
        for (one, other) in
            [("", "failure"), ("timed_out", "Timed Out"), ("canceled", "cancelled"), ("FAILED", "completed")]
        {
            assert_eq!(word(one), word(other), "{one} {other}");
        }
        assert_ne!(word("timed_out"), word("failure"));
        assert_eq!(word("timed_out"), "timedout");
    }

    #[test]
    fn an_instant_has_its_day() {
        assert_eq!(clock(Timestamp::from_unix(1_795_413_659).unwrap()), "2026-11-23 06:00 UTC");
    }

    #[test]
    fn durations_are_short() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (252, "4 min 12 s"),
            (3600, "1 h"),
            (3659, "1 h"),
            (3_661 + 60, "1 h 2 min"),
            (200_000, "55 h 33 min"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
