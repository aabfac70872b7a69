//! GitHub's words and habits, one at a time.

use std::fmt::Write;

use meshhook_model::State;
use meshhook_normalize::{Ignored, Meaning, Unreadable};
use serde_json::{Value, json};

use crate::support::{event, github, json_of, meaning};

fn run() -> Value {
    json_of("github/workflow_run-completed-success.json")
}

fn job() -> Value {
    json_of("github/workflow_job-completed-failure-self_hosted.json")
}

/// The branch of a run whose body was changed.
fn branch(change: impl FnOnce(&mut Value)) -> Option<String> {
    let mut body = run();
    change(&mut body);
    event(github(), &body).status.details.branch.map(|branch| branch.to_string())
}

/// Each status alone, then `completed` with each conclusion: those of GitHub's schemas, then others.
#[test]
fn every_word_for_a_state() {
    let statuses = [
        "requested",
        "queued",
        "pending",
        "waiting",
        "in_progress",
        "Queued",
        "running",
        "success",
        "",
        "null",
    ];
    let conclusions = [
        json!("success"),
        json!("failure"),
        json!("cancelled"),
        json!("timed_out"),
        json!("startup_failure"),
        json!("action_required"),
        json!("skipped"),
        json!("neutral"),
        json!("stale"),
        json!(null),
        json!(""),
        json!("SUCCESS"),
        json!("succeeded"),
        json!("null"),
        json!("completed"),
        json!(1),
        json!({}),
    ];
    let mut table = String::new();
    for (kind, body) in [("workflow_run", run()), ("workflow_job", job())] {
        let words = statuses.iter().map(|word| (json!(word), json!(null)));
        let words = words.chain(conclusions.iter().map(|word| (json!("completed"), word.clone())));
        for (status, conclusion) in words {
            let mut body = body.clone();
            body[kind]["status"] = status.clone();
            body[kind]["conclusion"] = conclusion.clone();
            writeln!(table, "{kind} {status} {conclusion}: {}", line(&meaning(github(), &body))).unwrap();
        }
    }
    insta::assert_snapshot!("github_words", table);
}

fn line(meaning: &Meaning) -> String {
    match meaning {
        Meaning::Event(event) => {
            let finished = event.status.details.finished_at.map_or("", |_| ", finished");
            format!("{}{}{finished}", event.status.state, outcome(&event.status.details))
        }
        Meaning::Ignored { reason, details } => format!("ignored {reason}{}", outcome(details)),
        Meaning::Unreadable { reason, details } => format!("unreadable {reason}{}", outcome(details)),
        Meaning::Invalid { .. } => panic!("a CI system's body is never invalid"),
    }
}

fn outcome(details: &meshhook_model::Details) -> String {
    details.outcome.as_ref().map(|word| format!(" ({word})")).unwrap_or_default()
}

#[test]
fn the_action_never_decides() {
    for action in ["requested", "in_progress", "completed", "waiting", "never heard of"] {
        let mut body = run();
        body["action"] = json!(action);
        assert_eq!(event(github(), &body).status.state, State::Succeeded, "{action}");
    }
}

#[test]
fn a_conclusion_before_its_time_says_nothing() {
    let mut body = run();
    body["workflow_run"]["status"] = json!("in_progress");
    let status = event(github(), &body).status;
    assert_eq!((status.state, status.details.outcome.unwrap().as_str()), (State::Running, "in_progress"));
    assert_eq!(status.details.finished_at, None);
}

#[test]
fn a_branch_is_its_own_or_somebodys() {
    let is = |expected: &str, change: fn(&mut Value)| assert_eq!(branch(change).as_deref(), Some(expected));
    is("main", |_| ());
    is("main", |body| body["workflow_run"]["head_branch"] = json!("refs/heads/main"));
    is("refs/pull/166/head", |body| body["workflow_run"]["head_branch"] = json!("refs/pull/166/head"));
    is("refs/tags/main", |body| body["workflow_run"]["head_branch"] = json!("refs/tags/main"));
    is("mallory:main", |body| body["workflow_run"]["head_repository"]["full_name"] = json!("mallory/rocket"));
    is("acme:main", |body| body["workflow_run"]["head_repository"]["full_name"] = json!("acme/rocket-fork"));
    is("unknown:main", |body| body["workflow_run"]["head_repository"] = json!(null));
    is("unknown:main", |body| body["workflow_run"]["head_repository"] = json!({}));
    is("acme:main", |body| body["repository"] = json!(null));
    is("main", |body| {
        body["workflow_run"].as_object_mut().unwrap().remove("head_repository");
    });
    assert_eq!(branch(|body| body["workflow_run"]["head_branch"] = json!(null)), None);
}

#[test]
fn names_fall_back_in_order() {
    let mut body = run();
    body["workflow_run"]["name"] = json!("PR #166");
    let name = |body: &Value| event(github(), body).status.details.workflow.map(|name| name.to_string());
    assert_eq!(name(&body).as_deref(), Some("iOS build"));
    body["workflow"]["name"] = json!("");
    assert_eq!(name(&body).as_deref(), Some("PR #166"));
    body["workflow"] = json!(null);
    assert_eq!(name(&body).as_deref(), Some("PR #166"));
    body["workflow_run"]["name"] = json!("");
    assert_eq!(name(&body), None);
}

#[test]
fn who_and_what_fall_back_in_order() {
    let mut body = json_of("github/workflow_run-completed-cancelled-attempt-2.json");
    let of = |body: &Value| {
        let details = event(github(), body).status.details;
        (details.actor.unwrap().to_string(), details.title.unwrap().to_string())
    };
    body["workflow_run"]["display_title"] = json!("Shown");
    assert_eq!(of(&body), ("grace-h".to_owned(), "Shown".to_owned()));
    body["workflow_run"]["triggering_actor"] = json!(null);
    body["workflow_run"]["display_title"] = json!("");
    body["workflow_run"]["head_commit"]["message"] = json!("\nFirst\r\nSecond");
    assert_eq!(of(&body), ("ada-l".to_owned(), "First".to_owned()));
}

#[test]
fn a_rerun_is_another_round_of_the_same_run() {
    let first = event(github(), &run());
    let again = event(github(), &json_of("github/workflow_run-completed-cancelled-attempt-2.json"));
    assert_eq!(first.identity, again.identity);
    assert_eq!(first.status.details.run_url, again.status.details.run_url);
    assert_eq!((first.status.details.round.get(), again.status.details.round.get()), (1, 2));
}

#[test]
fn a_job_belongs_to_its_run() {
    let (run, job) = (event(github(), &run()).identity, event(github(), &job()).identity);
    assert_eq!((&run.repo, &run.run, &run.workflow), (&job.repo, &job.run, &job.workflow));
    assert_eq!((run.job, job.job.as_deref()), (None, Some("25110334001")));
}

#[test]
fn without_a_repository_the_workflow_tells_runs_apart() {
    let (mut run, mut job) = (run(), job());
    run["repository"] = json!(null);
    job["repository"]["full_name"] = json!("");
    let (run, job) = (event(github(), &run).identity, event(github(), &job).identity);
    assert_eq!((run.repo, run.workflow.as_deref()), (None, Some("iOS build")));
    assert_eq!((job.repo, job.workflow.as_deref()), (None, Some("iOS build")));
}

#[test]
fn without_an_id_a_run_is_known_by_its_address() {
    let mut body = run();
    body["workflow_run"]["id"] = json!(null);
    let url = body["workflow_run"]["html_url"].as_str().unwrap().to_owned();
    let event = event(github(), &body);
    assert_eq!((event.identity.run, event.status.details.run_id), (Some(url), None));
}

#[test]
fn without_a_runs_id_a_job_is_known_by_its_own_address() {
    let mut body = job();
    body["workflow_job"]["run_id"] = json!(null);
    let url = body["workflow_job"]["html_url"].as_str().unwrap().to_owned();
    assert_eq!(event(github(), &body).identity.run, Some(url));
}

#[test]
fn an_event_of_a_build_has_an_action() {
    for mut body in [run(), job()] {
        body["action"] = json!(null);
        let Meaning::Unreadable { reason, details } = meaning(github(), &body) else { panic!("no action") };
        assert_eq!((reason, details.run_id.unwrap().as_str()), (Unreadable::MissingField, "9021457731"));
    }
}

#[test]
fn a_job_is_known_by_its_id_else_by_its_name() {
    let mut body = job();
    body["workflow_job"]["id"] = json!(null);
    assert_eq!(event(github(), &body).identity.job.as_deref(), Some("test (iPhone 17)"));
    body["workflow_job"]["name"] = json!("");
    let Meaning::Unreadable { reason, .. } = meaning(github(), &body) else { panic!("a nameless job") };
    assert_eq!(reason, Unreadable::MissingField);
}

#[test]
fn hosted_runners_are_told_from_the_pool() {
    let hosted = |name: &str, group: Value| {
        let mut body = job();
        body["workflow_job"]["runner_name"] = json!(name);
        body["workflow_job"]["runner_group_name"] = group;
        event(github(), &body).machine.map(|machine| machine.hosted)
    };
    assert_eq!(hosted("mac-01", json!("Default")), Some(false));
    assert_eq!(hosted("mac-01", json!(null)), Some(false));
    assert_eq!(hosted("GitHub Actions 12", json!(null)), Some(true));
    assert_eq!(hosted("GitHub Actions", json!("")), Some(true));
    assert_eq!(hosted("Hosted Agent", json!(null)), Some(true));
    assert_eq!(hosted("anything", json!("GitHub Actions")), Some(true));
    assert_eq!(hosted("GitHub Actions mac-01", json!("Default")), Some(false));
    assert_eq!(hosted("", json!("GitHub Actions")), None);
}

#[test]
fn an_event_about_something_else_may_carry_a_run() {
    let keys = ["check_run", "check_suite", "deployment", "deployment_status", "since"];
    for key in keys.into_iter().chain(["workflow_job_run", "workflow_job_runs"]) {
        let mut body = run();
        body[key] = json!({ "id": 1 });
        let Meaning::Ignored { reason, .. } = meaning(github(), &body) else { panic!("{key}") };
        assert_eq!(reason, Ignored::UnsupportedEvent, "{key}");
        body[key] = json!(null);
        assert!(matches!(meaning(github(), &body), Meaning::Event(_)), "{key}: null");
    }
    let mut body = job();
    body["deployment"] = json!({ "id": 1 });
    assert!(matches!(meaning(github(), &body), Meaning::Event(_)), "a job that deploys is a job");
}
