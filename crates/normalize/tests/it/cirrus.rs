//! What is Cirrus CI's own: two shapes of one body, and a build that is run again under its id.

use meshhook_normalize::Provider;
use serde_json::json;

use crate::support::{event, json_of};

fn cirrus() -> &'static Provider {
    Provider::by_name("cirrus").unwrap()
}

#[test]
fn as_documented_and_as_captured_it_is_the_same_build() {
    let captured = event(cirrus(), &json_of("cirrus/build-completed.json"));
    let documented = event(cirrus(), &json_of("cirrus/build-completed-documented.json"));
    assert_eq!(captured.identity, documented.identity);
    assert_eq!(captured.status.details.run_url, documented.status.details.run_url);
}

#[test]
fn a_task_belongs_to_its_build_and_is_another_when_it_runs_again() {
    let build = event(cirrus(), &json_of("cirrus/build-failed.json")).identity;
    let first = event(cirrus(), &json_of("cirrus/task-failed.json")).identity;
    let again = event(cirrus(), &json_of("cirrus/task-completed-rerun.json")).identity;
    assert_eq!((&build.repo, &build.run), (&first.repo, &first.run));
    assert_eq!(first.run, again.run);
    assert_ne!(first.job, again.job);
}

/// Whoever pushes a commit chooses its time.
#[test]
fn the_time_of_a_commit_is_no_sign_of_freshness() {
    let mut body = json_of("cirrus/build-failed.json");
    body["build"]["changeTimestamp"] = json!(4_070_908_800_000_u64);
    let reading = meshhook_normalize::read(cirrus(), body.to_string().as_bytes(), Some("build")).unwrap();
    assert_eq!(reading.newest, None);
}
