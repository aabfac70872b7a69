//! Our own format: what it takes, and what it says to what it does not.

use std::collections::BTreeSet;
use std::fmt::Write;

use meshhook_model::{State, Unit};
use meshhook_normalize::Meaning;
use serde_json::{Value, json};

use crate::support::{event, json_of, meaning, standard};

/// The names of the fields that have several, the format's own first.
const NAMES: [&[&str]; 6] = [
    &["workflow", "workflow_name", "pipeline_name"],
    &["state", "status", "conclusion"],
    &["branch", "head_branch", "ref"],
    &["commit", "head_sha", "commit_id"],
    &["run_url", "html_url", "web_url"],
    &["mesh_node_id", "runner_name"],
];

fn full() -> Value {
    json_of("standard/run-failed-attempt-2.json")
}

fn with(field: &str, value: Value) -> Value {
    let mut body = full();
    body[field] = value;
    body
}

/// The field and the expectation of a body that is not right.
fn fault(body: &Value) -> Option<(&'static str, &'static str)> {
    match meaning(standard(), body) {
        Meaning::Invalid { field, expected } => Some((field, expected)),
        Meaning::Event(_) => None,
        other => panic!("our own format is right or wrong, not {other:?}"),
    }
}

#[test]
fn every_word_for_a_state() {
    let words = [
        "queued",
        "running",
        "succeeded",
        "failed",
        "FAILED",
        "requested",
        "pending",
        "waiting",
        "scheduled",
        "created",
        "creating",
        "triggered",
        "preparing",
        "waiting_for_resource",
        "manual",
        "blocked",
        "paused",
        "on_hold",
        "needs_approval",
        "action_required",
        "in_progress",
        "IN_PROGRESS",
        "inProgress",
        "INPROGRESS",
        "in-progress",
        "started",
        "executing",
        "building",
        "canceling",
        "cancelling",
        "waiting_for_callback",
        "success",
        "SUCCESS",
        "successful",
        "passed",
        "fixed",
        "skipped",
        "neutral",
        "not_run",
        "UNSTABLE",
        "warning",
        "warnings",
        "partially_succeeded",
        "partiallySucceeded",
        "succeeded_with_issues",
        "SucceededWithIssues",
        "failure",
        "error",
        "errored",
        "exception",
        "broken",
        "still_failing",
        "cancelled",
        "canceled",
        "timed_out",
        "timedOut",
        "timeout",
        "expired",
        "startup_failure",
        "stopped",
        "ABORTED",
        "interrupted",
        "killed",
        "abandoned",
        "declined",
        "rejected",
        "unauthorized",
        "NOT_BUILT",
        "stale",
        "passed with warnings",
        "Still Failing",
        "completed",
        "done",
        "finished",
        "failing",
        "succeeded.",
        "sücceeded",
        "null",
        "0",
        "_",
    ];
    let mut table = String::new();
    for word in words {
        let line = match meaning(standard(), &json!({ "workflow": "w", "run_id": 1, "state": word })) {
            Meaning::Event(event) => {
                let outcome = event.status.details.outcome.map(|word| format!(" ({word})"));
                format!("{}{}", event.status.state, outcome.unwrap_or_default())
            }
            Meaning::Invalid { field, .. } => format!("invalid {field}"),
            other => panic!("{other:?}"),
        };
        writeln!(table, "{word}: {line}").unwrap();
    }
    insta::assert_snapshot!("standard_words", table);
}

#[test]
fn status_and_conclusion_are_read_as_github_means_them() {
    for (status, conclusion, state, outcome) in [
        (json!("completed"), json!("failure"), State::Failed, "failure"),
        (json!("Completed"), json!("success"), State::Succeeded, "success"),
        (json!("in_progress"), json!(null), State::Running, "in_progress"),
        (json!(null), json!("skipped"), State::Succeeded, "skipped"),
    ] {
        let body = json!({ "workflow": "w", "run_id": 1, "status": status, "conclusion": conclusion });
        let status = event(standard(), &body).status;
        assert_eq!((status.state, status.details.outcome.unwrap().as_str()), (state, outcome));
    }
    for body in [
        json!({ "workflow": "w", "run_id": 1, "status": "completed" }),
        json!({ "workflow": "w", "run_id": 1, "status": "completed", "conclusion": "completed" }),
        json!({ "workflow": "w", "run_id": 1, "state": "bogus", "status": "success" }),
    ] {
        assert_eq!(fault(&body).unwrap().0, "state", "{body}");
    }
}

#[test]
fn the_outcome_says_more_than_the_state() {
    let outcome = |more: Value| {
        let mut body = json!({ "workflow": "w", "run_id": 1, "state": "failed" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event(standard(), &body).status.details.outcome.map(|word| word.to_string())
    };
    assert_eq!(outcome(json!({})), None);
    assert_eq!(outcome(json!({ "state": "ABORTED" })).as_deref(), Some("ABORTED"));
    assert_eq!(outcome(json!({ "conclusion": "timed_out" })).as_deref(), Some("timed_out"));
    let both = json!({ "outcome": "exit 65", "conclusion": "failure", "state": "error" });
    assert_eq!(outcome(both).as_deref(), Some("exit 65"));
}

#[test]
fn what_is_required_has_to_be_there() {
    for field in ["workflow", "state", "run_id"] {
        for value in [json!(null), json!(""), json!(" \u{200b}")] {
            assert_eq!(fault(&with(field, value)).unwrap().0, field);
        }
        let mut body = full();
        body.as_object_mut().unwrap().remove(field);
        assert_eq!(fault(&body).unwrap().0, field);
    }
    assert_eq!(fault(&json!([])), Some(("body", "a JSON object")));
}

/// A body in which `alias` is heard: without its field's other names.
fn with_alias(alias: &str, value: &Value) -> Value {
    let mut body = full();
    if let Some(names) = NAMES.iter().find(|names| names.contains(&alias)) {
        body.as_object_mut().unwrap().retain(|name, _| !names.contains(&name.as_str()));
    }
    body[alias] = value.clone();
    body
}

/// Every field with a value of each kind: what is not taken names the field and what it should be.
#[test]
fn kinds_of_values() {
    let mut fields: Vec<_> = full().as_object().unwrap().keys().cloned().collect();
    fields.extend(NAMES.iter().flat_map(|names| &names[1..]).map(ToString::to_string));
    fields.push("job".to_owned());
    let values = [
        json!(true),
        json!(7),
        json!(-7),
        json!(0),
        json!(1.5),
        json!("text"),
        json!("failed"),
        json!("2026-05-04T09:12:40Z"),
        json!([1]),
        json!({ "a": 1 }),
    ];
    let mut table = String::new();
    for field in fields {
        let (mut taken, mut faults) = (Vec::new(), BTreeSet::new());
        for value in &values {
            match fault(&with_alias(&field, value)) {
                None => taken.push(value.to_string()),
                Some((at, expected)) => drop(faults.insert(format!("  {at}: {expected}"))),
            }
        }
        let faults: Vec<_> = faults.into_iter().collect();
        writeln!(table, "{field} takes {}, else\n{}", taken.join(" "), faults.join("\n")).unwrap();
    }
    insta::assert_snapshot!("standard_kinds", table);
}

#[test]
fn an_id_is_the_same_as_number_and_as_text() {
    let (number, text) = (event(standard(), &with("run_id", json!(1201))), event(standard(), &full()));
    assert_eq!(number.identity, text.identity);
    assert_eq!(number.status.details.run_id.unwrap().as_str(), "1201");
}

#[test]
fn names_count_in_their_order() {
    for names in NAMES {
        let (first, second) =
            if names[0] == "state" { ("running", "failed") } else { ("https://h/first", "https://h/second") };
        for pair in names.windows(2) {
            let read = |value: Value| {
                let mut body = with_alias(pair[0], &value);
                body["outcome"] = json!("said");
                body[pair[1]] = json!(second);
                serde_json::to_string(&event(standard(), &body).status).unwrap()
            };
            let both = read(json!(first));
            assert!(both.contains(first) && !both.contains(second), "{pair:?}: {both}");
            for missing in [json!(null), json!("")] {
                assert!(read(missing).contains(second), "{pair:?}");
            }
        }
    }
}

#[test]
fn a_job_is_a_unit_of_its_own() {
    let run = event(standard(), &full());
    let job = event(standard(), &with("job", json!("notarize")));
    assert_eq!((run.status.details.unit, run.identity.job), (Unit::Run, None));
    assert_eq!((job.status.details.unit, job.identity.job.as_deref()), (Unit::Job, Some("notarize")));
    assert_eq!(run.identity.run, job.identity.run);
}

#[test]
fn without_a_repository_the_workflow_tells_runs_apart() {
    let with_repo = event(standard(), &full()).identity;
    assert_eq!((with_repo.repo.as_deref(), with_repo.workflow), (Some("acme/rocket"), None));
    let without = event(standard(), &with("repo", json!(null))).identity;
    assert_eq!((without.repo, without.workflow.as_deref()), (None, Some("nightly")));
}

#[test]
fn only_a_plain_correlation_id_is_kept() {
    let id =
        |value: &str| event(standard(), &with("correlation_id", json!(value))).status.details.correlation_id;
    let longest = "a".repeat(64);
    for plain in ["a.b_c-1", &longest] {
        assert_eq!(id(plain).unwrap().as_str(), plain);
    }
    for other in ["a b", "ä", "a\nb", "a/b", &"a".repeat(65), " a"] {
        assert_eq!(id(other), None, "{other}");
    }
}

#[test]
fn a_zero_time_is_none_and_a_wrong_one_a_fault() {
    for zero in ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00.000+00:00", ""] {
        let details = event(standard(), &with("finished_at", json!(zero))).status.details;
        assert_eq!(details.finished_at, None, "{zero}");
    }
    for wrong in ["yesterday", "2026-05-04", "2026-05-04 10:00:00", "2026-13-04T10:00:00Z", "1777888800"] {
        assert_eq!(
            fault(&with("finished_at", json!(wrong))),
            Some(("finished_at", "an RFC 3339 time")),
            "{wrong}"
        );
    }
}
