//! Gitea and GitHub, whose bodies are nearly the same; and whose clock wrote which time.

use meshhook_normalize::{Meaning, Provider, Unreadable, guess, read};
use serde_json::{Value, json};

use crate::support::{bodies, fixture, json_of};

fn guessed(body: &Value) -> Option<&'static str> {
    guess(body.to_string().as_bytes()).unwrap().map(Provider::name)
}

/// `body` with nothing at its top but these keys.
fn cut(body: &Value, keys: &[&str]) -> Value {
    let kept = body.as_object().unwrap().iter().filter(|(key, _)| keys.contains(&key.as_str()));
    Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
}

#[test]
fn one_mark_tells_gitea_from_github() {
    let full = json_of("gitea/workflow_run-completed-success.json");
    for keys in [
        &["action", "workflow_run"][..],
        &["action", "workflow_run", "repository"],
        &["action", "workflow_run", "sender"],
    ] {
        assert_eq!(guessed(&cut(&full, keys)), Some("gitea"), "{keys:?}");
    }
    let job = json_of("gitea/workflow_job-completed-success.json");
    assert_eq!(guessed(&cut(&job, &["action", "workflow_job"])), Some("gitea"));
    let status = json_of("gitea/status-success.json");
    assert_eq!(guessed(&cut(&status, &["sha", "context", "state", "sender"])), Some("gitea"));
}

#[test]
fn what_is_left_of_githubs_is_githubs() {
    for (file, part) in [
        ("github/workflow_run-completed-success.json", "workflow_run"),
        ("github/workflow_job-completed-failure-self_hosted.json", "workflow_job"),
        ("github/check_run-completed-success.json", "check_run"),
        ("github/check_suite-completed-success.json", "check_suite"),
    ] {
        assert_eq!(guessed(&cut(&json_of(file), &["action", part])), Some("github"), "{file}");
    }
    let status = json_of("github/status-success.json");
    assert_eq!(guessed(&cut(&status, &["sha", "context", "state"])), Some("github"));
    let deployment = json_of("github/deployment_status-created-success.json");
    assert_eq!(guessed(&cut(&deployment, &["deployment", "deployment_status"])), Some("github"));
}

/// A workflow's times are those of a commit, which its author chooses; a job's end is of its runner's clock.
#[test]
fn a_strangers_time_does_not_make_a_body_fresh() {
    let future = json!("2099-01-01T00:00:00Z");
    for (file, pointers) in [
        ("gitea/workflow_run-completed-success.json", &["/workflow/created_at", "/workflow/updated_at"][..]),
        ("gitea/workflow_job-completed-success.json", &["/workflow_job/completed_at"]),
        ("gitea/status-success.json", &["/commit/timestamp"]),
        ("bitbucket/commit_status_updated-successful.json", &["/commit_status/commit/date"]),
        (
            "azure-devops/job-completed-succeeded.json",
            &["/resource/job/finishTime", "/resource/job/startTime"],
        ),
    ] {
        let mut body = json_of(file);
        let of = Provider::by_name(file.split('/').next().unwrap()).unwrap();
        let newest = |body: &Value| read(of, body.to_string().as_bytes(), None).unwrap().newest;
        let before = newest(&body);
        for pointer in pointers {
            *body.pointer_mut(pointer).unwrap() = future.clone();
        }
        assert!(before.is_some());
        assert_eq!(newest(&body), before, "{file}");
    }
}

/// The signature does not cover the header: it can contradict, and never make one event of another.
#[test]
fn a_header_of_another_event_makes_a_body_unreadable() {
    for (provider, headers) in [
        ("gitea", &["workflow_run", "workflow_job", "status", "push"][..]),
        ("forgejo", &["action_run_success", "workflow_job_success", "push"]),
        ("bitbucket", &["repo:commit_status_updated", "repo:build_status", "diagnostics:ping", "repo:push"]),
        (
            "github",
            &[
                "workflow_run",
                "check_run",
                "check_suite",
                "status",
                "deployment_status",
                "deployment",
                "ping",
            ],
        ),
    ] {
        let of = Provider::by_name(provider).unwrap();
        for name in bodies(provider) {
            let body = fixture(&name);
            let plain = read(of, body.as_bytes(), None).unwrap();
            let under = headers.iter().map(|header| read(of, body.as_bytes(), Some(header)).unwrap());
            let agreeing = under.filter(|reading| !is_mismatch(&reading.meaning));
            for reading in agreeing {
                assert_eq!(reading, plain, "{name}");
            }
            let contradicted = headers
                .iter()
                .filter(|header| is_mismatch(&read(of, body.as_bytes(), Some(header)).unwrap().meaning));
            assert!(contradicted.count() >= headers.len() - 1, "{name}");
        }
    }
}

fn is_mismatch(meaning: &Meaning) -> bool {
    matches!(meaning, Meaning::Unreadable { reason: Unreadable::EventMismatch, .. })
}
