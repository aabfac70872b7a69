//! Buildkite: builds that finish more than once under one id, and what its headers and its agents may not do.

use meshhook_model::State;
use meshhook_normalize::{Meaning, Provider, Unreadable, read};
use serde_json::json;

use crate::support::{event, fixture, json_of};

fn buildkite() -> &'static Provider {
    Provider::by_name("buildkite").unwrap()
}

/// Blocked, unblocked, failed, retried: each end is said once, and so is the wait between them.
#[test]
fn a_build_that_finishes_anew_is_in_another_round() {
    let seen = [
        "build_running",
        "build_finished-failed",
        "build_finished-blocked",
        "build_finished-failed-job_retried",
    ]
    .map(|name| event(buildkite(), &json_of(&format!("buildkite/{name}.json"))));
    let rounds: Vec<_> = seen.iter().map(|event| event.status.details.round).collect();
    assert!(rounds.is_sorted_by(|a, b| a < b), "{rounds:?}");
    assert!(seen.iter().all(|event| event.identity == seen[0].identity));
    assert_eq!(seen[2].status.state, State::Queued);
}

/// The job's own start and end are what an agent said.
#[test]
fn an_agents_clock_does_not_make_a_body_fresh() {
    let mut body = json_of("buildkite/job_finished-passed.json");
    let newest = read(buildkite(), body.to_string().as_bytes(), None).unwrap().newest;
    for field in ["started_at", "finished_at"] {
        body["job"][field] = json!("2099-01-01T00:00:00Z");
        body["build"]["meta_data"][field] = json!("2099-01-01T00:00:00Z");
    }
    assert_eq!(read(buildkite(), body.to_string().as_bytes(), None).unwrap().newest, newest);
}

#[test]
fn another_of_buildkites_event_headers_makes_a_body_unreadable() {
    for (file, headers) in [
        ("build_finished-failed", ["build.running", "job.finished", "ping", "BUILD.FINISHED"]),
        ("job_finished-passed", ["build.finished", "job.started", "ping", "job.finished "]),
        ("eventbridge-build_finished", ["build.finished", "Build Finished", "ping", ""]),
    ] {
        for header in headers {
            let body = fixture(&format!("buildkite/{file}.json"));
            let meaning = read(buildkite(), body.as_bytes(), Some(header)).unwrap().meaning;
            let Meaning::Unreadable { reason, .. } = meaning else { panic!("{file}: {header}") };
            assert_eq!(reason, Unreadable::EventMismatch, "{file}: {header}");
        }
    }
}
