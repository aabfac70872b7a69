//! What somebody can make of one captured, validly signed request by changing what is not signed.
//!
//! The bytes are fixed by the signature; every header is theirs to choose.

use meshhook_normalize::{BodyError, Meaning, Provider, Unreadable, read};
use serde_json::json;

use crate::support::{event, fixture, github, gitlab, json_of, meaning, standard};

const RUN: &str = "github/workflow_run-completed-failure.json";

/// Under a flipped `Content-Type` a form reader would find a second, hostile payload in the commit message. What
/// is read takes no such header at all; the JSON is read as JSON.
#[test]
fn a_form_within_a_commit_message_is_text() {
    let mut body = json_of(RUN);
    let forged = "x&payload=%7B%22action%22%3A%22completed%22%2C%22workflow_run%22%3A%7B%7D%7D&y=";
    body["workflow_run"]["head_commit"]["message"] = json!(forged);
    body["workflow_run"]["display_title"] = json!(null);
    let Meaning::Event(event) = meaning(github(), &body) else { panic!("a run") };
    assert_eq!(event.status.details.title.unwrap().as_str(), forged);
    assert_eq!(event.identity.run.as_deref(), Some("9021457731"));
}

#[test]
fn a_form_with_two_keys_is_refused() {
    let form = fixture("github/workflow_run-completed-failure.form");
    for body in [format!("{form}&payload=%7B%7D"), format!("{form}&a=b"), format!("{form}&")] {
        assert_eq!(read(github(), body.as_bytes(), None), Err(BodyError::SecondFormKey));
    }
    let body = format!("a=b&{form}");
    assert_eq!(read(github(), body.as_bytes(), None), Err(BodyError::UnknownFormat));
}

#[test]
fn another_event_header_makes_a_body_unreadable() {
    let job = "github/workflow_job-completed-failure-self_hosted.json";
    let review = "github/deployment_review-requested.json";
    for (file, headers) in [
        (RUN, ["workflow_job", "ping", "check_run", "Workflow_run", "workflow_run ", ""]),
        (job, ["workflow_run", "ping", "push", "WORKFLOW_JOB", "workflow_job,workflow_job", ""]),
        ("github/ping.json", ["workflow_run", "workflow_job", "push", "PING", "pings", ""]),
        (review, ["workflow_run", "workflow_job", "ping", "workflow_run", "ping", "ping"]),
    ] {
        for header in headers {
            let reading = read(github(), fixture(file).as_bytes(), Some(header)).unwrap();
            let Meaning::Unreadable { reason, details } = reading.meaning else { panic!("{file}: {header}") };
            assert_eq!(reason, Unreadable::EventMismatch, "{file}: {header}");
            assert_eq!(details.repo.unwrap().as_str(), "acme/rocket");
        }
    }
}

#[test]
fn another_of_gitlabs_event_headers_makes_a_body_unreadable() {
    for (file, headers) in [
        (
            "gitlab/pipeline-failed.json",
            ["Job Hook", "Deployment Hook", "Push Hook", "pipeline hook", "Pipeline Hook ", ""],
        ),
        (
            "gitlab/build-failed.json",
            ["Pipeline Hook", "Deployment Hook", "build", "Job Hook,Job Hook", "Job", ""],
        ),
        (
            "gitlab/deployment-failed.json",
            ["Pipeline Hook", "Job Hook", "Release Hook", "Deployment", "hook", ""],
        ),
        (
            "gitlab/push.json",
            ["Pipeline Hook", "Job Hook", "Deployment Hook", "Build Hook", "Job Hook", "Job Hook"],
        ),
    ] {
        for header in headers {
            let reading = read(gitlab(), fixture(file).as_bytes(), Some(header)).unwrap();
            let Meaning::Unreadable { reason, details } = reading.meaning else { panic!("{file}: {header}") };
            assert_eq!(reason, Unreadable::EventMismatch, "{file}: {header}");
            assert_eq!(details.repo.unwrap().as_str(), "acme/rocket");
        }
    }
}

/// It says that an administrator set the hook up, whatever the event.
#[test]
fn gitlabs_system_hook_contradicts_nothing() {
    for file in ["gitlab/pipeline-failed.json", "gitlab/build-failed.json", "gitlab/push.json"] {
        let body = fixture(file);
        let (with, without) =
            (read(gitlab(), body.as_bytes(), Some("System Hook")), read(gitlab(), body.as_bytes(), None));
        assert_eq!(with.unwrap(), without.unwrap(), "{file}");
    }
}

#[test]
fn without_the_header_the_body_is_read_the_same() {
    for (file, header) in [
        (RUN, "workflow_run"),
        ("github/workflow_job-waiting.json", "workflow_job"),
        ("github/ping.json", "ping"),
        ("github/deployment_review-requested.json", "deployment_review"),
    ] {
        let body = fixture(file);
        let (with, without) =
            (read(github(), body.as_bytes(), Some(header)), read(github(), body.as_bytes(), None));
        assert_eq!(with.unwrap(), without.unwrap(), "{file}");
    }
    for (file, header) in [
        ("gitlab/pipeline-failed.json", "Pipeline Hook"),
        ("gitlab/build-failed.json", "Job Hook"),
        ("gitlab/deployment-failed.json", "Deployment Hook"),
        ("gitlab/push.json", "Push Hook"),
    ] {
        let body = fixture(file);
        let (with, without) =
            (read(gitlab(), body.as_bytes(), Some(header)), read(gitlab(), body.as_bytes(), None));
        assert_eq!(with.unwrap(), without.unwrap(), "{file}");
    }
}

#[test]
fn our_own_format_has_no_event_header() {
    let body = fixture("standard/run-running.json");
    let (with, without) =
        (read(standard(), body.as_bytes(), Some("ping")), read(standard(), body.as_bytes(), None));
    assert_eq!(with.unwrap(), without.unwrap());
}

/// Anybody who may push a commit can date it as they like.
#[test]
fn a_commits_time_does_not_make_a_body_fresh() {
    let mut body = json_of(RUN);
    let newest = read(github(), body.to_string().as_bytes(), None).unwrap().newest;
    let future = json!("2099-01-01T00:00:00Z");
    body["workflow_run"]["head_commit"]["timestamp"] = future.clone();
    for field in ["head_branch", "display_title", "name"] {
        body["workflow_run"][field] = future.clone();
    }
    body["repository"]["custom_properties"] = json!({ "released_at": future });
    assert_eq!(read(github(), body.to_string().as_bytes(), None).unwrap().newest, newest);
    assert_eq!(newest.unwrap().to_string(), "2026-05-04T09:12:40Z");
}

/// Whoever may open a pull request chooses what it is called and where it is to go. Where a body does not tell whose it
/// is, it may be anybody's.
#[test]
fn a_strangers_pull_request_is_not_the_branch_that_it_is_to_go_to() {
    for (name, file, changes) in [
        ("travis", "travis/build-failed-pull_request.json", &[][..]),
        ("travis", "travis/build-failed-pull_request.json", &[("/pull_request_number", json!(null))]),
        (
            "travis",
            "travis/build-failed-pull_request.json",
            &[("/type", json!("push")), ("/pull_request", json!(null))],
        ),
        ("appveyor", "appveyor/build_success-pull_request.json", &[]),
        (
            "appveyor",
            "appveyor/build_success-pull_request.json",
            &[("/eventData/pullRequestId", json!(null))],
        ),
        (
            "appveyor",
            "appveyor/build_success-pull_request.json",
            &[("/eventData/isPullRequest", json!(null))],
        ),
        ("bitrise", "bitrise/finished-3-pull_request.json", &[("/git/src_branch", json!("main"))]),
        (
            "buildkite",
            "buildkite/build_finished-passed-pull_request.json",
            &[("/build/branch", json!("main")), ("/build/pull_request/repository", json!(null))],
        ),
        (
            "gitea",
            "gitea/workflow_run-completed-failure-fork.json",
            &[("/workflow_run/head_repository", json!(null))],
        ),
    ] {
        let mut body = json_of(file);
        for (place, value) in changes {
            *body.pointer_mut(place).unwrap() = value.clone();
        }
        let event = event(Provider::by_name(name).unwrap(), &body);
        let branch = event.status.details.owned_branch().unwrap();
        assert!(branch.starts_with("unknown:"), "{file}: {changes:?}: {branch:?}");
    }
}
