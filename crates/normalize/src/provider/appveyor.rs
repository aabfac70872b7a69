//! AppVeyor: builds, once they have finished.
//!
//! Source: AppVeyor docs, "Build notifications", section on webhooks.

use meshhook_model::{Details, Round, State, Text, Unit};

use crate::draft::{Draft, Found, Silence};
use crate::provider::{RUNS, UNSIGNED};
use crate::refs::{branch_of, is_request};
use crate::tree::{Node, first};
use crate::{Identity, Ignored, Provider, Unreadable};

pub(crate) static PROVIDER: Provider = Provider {
    name: "appveyor",
    schemes: UNSIGNED,
    default_scheme: None,
    units: RUNS,
    forks_untold: &[],
    event_header: None,
    fits: |body| event(body).is_some_and(is_of_build),
    // Its times have no zone, and the day before the month or after it.
    newest: |_| None,
    read,
};

fn read(body: Node<'_>, _: Option<&str>) -> Found {
    let data = body.get("eventData");
    match event(body) {
        Some(event) if is_of_build(event) => build(data).with(state(event, data.get("status"))),
        Some(_) => Found::ignored(Ignored::UnsupportedEvent, common(data)),
        None => Found::unreadable(Unreadable::UnknownShape, Details::default()),
    }
}

/// The event's name: `build_success`, `build_failure`, and others for deployments.
fn event(body: Node<'_>) -> Option<&str> {
    body.get("eventName").str().filter(|_| body.get("eventData").is_object())
}

fn is_of_build(event: &str) -> bool {
    event.starts_with("build_")
}

fn build(data: Node<'_>) -> Draft {
    let details = Details {
        outcome: outcome(data.get("status")),
        branch: data.get("branch").str().and_then(|name| branch_of(None, name)),
        owner_unknown: is_pull_request(data),
        commit: data.get("commitId").text(),
        run_url: data.get("buildUrl").link(),
        run_id: data.get("buildId").id_text(),
        round: data.get("finished").str().map_or(Round::FIRST, round),
        title: data.get("commitMessage").first_line(),
        ..common(data)
    };
    let project = first([data.get("projectId"), data.get("repositoryName")], Node::id);
    let build = first([data.get("buildId"), data.get("buildUrl"), data.get("buildVersion")], Node::id);
    let identity = Identity::new(project, data.get("projectName").id(), build);
    Draft { details, identity, machine: None, finished_at: None }
}

/// Of a pull request `branch` is the one that it is to go to; whose the one is that was built is not told.
fn is_pull_request(data: Node<'_>) -> bool {
    is_request(data.get("pullRequestId")) || data.get("isPullRequest").flag() == Some(true)
}

fn common(data: Node<'_>) -> Details {
    Details {
        unit: Unit::Run,
        workflow: data.get("projectName").text(),
        repo: data.get("repositoryName").text(),
        ..Details::default()
    }
}

/// The status, as the event's name has it too.
fn state(event: &str, status: Node<'_>) -> Result<State, Silence> {
    let word = status.str().ok_or(Silence::MISSING)?;
    match (event, word.to_lowercase().as_str()) {
        ("build_success", "success") => Ok(State::Succeeded),
        ("build_failure", "failed" | "cancelled") => Ok(State::Failed),
        _ => Err(Silence::UNKNOWN),
    }
}

/// The same word is `Success` in one body and `failed` in another: known ones are given one spelling.
fn outcome(status: Node<'_>) -> Option<Text> {
    let known = status.str()?.to_lowercase();
    if ["success", "failed", "cancelled"].contains(&known.as_str()) {
        Text::new(&known)
    } else {
        status.text()
    }
}

/// A build whose failed jobs are run again keeps its id: only the minute at which it finished tells one end from
/// another. All its states are final, so the number has to differ and no more: it is the time's digits.
fn round(finished: &str) -> Round {
    let digits = finished.chars().filter_map(|c| c.to_digit(10));
    let number = digits.fold(0_u64, |number, digit| number.wrapping_mul(10).wrapping_add(digit.into()));
    Round::new(number.wrapping_mul(2).wrapping_add(u64::from(finished.ends_with("PM"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_minute_is_a_round() {
        let times = ["5/4/2026 9:12 AM", "5/4/2026 9:12 PM", "5/4/2026 9:13 AM", "2026-05-04 9:12 AM"];
        let rounds: std::collections::BTreeSet<_> = times.iter().map(|time| round(time).get()).collect();
        assert_eq!(rounds.len(), times.len());
        assert_eq!(round("soon").get(), Round::new(0).get());
        round(&"9".repeat(1 << 12));
    }
}
