//! CircleCI: its header, and a body that calls itself by another event's name.

use meshhook_model::Unit;
use meshhook_normalize::{Meaning, Provider, Unreadable, read};
use serde_json::json;

use crate::support::{event, fixture, json_of};

fn circleci() -> &'static Provider {
    Provider::by_name("circleci").unwrap()
}

#[test]
fn another_of_circlecis_event_headers_makes_a_body_unreadable() {
    for (file, header) in [
        ("workflow-success", "job-completed"),
        ("job-success", "workflow-completed"),
        ("workflow-success", "ping"),
        ("ping", "workflow-completed"),
    ] {
        let body = fixture(&format!("circleci/{file}.json"));
        let meaning = read(circleci(), body.as_bytes(), Some(header)).unwrap().meaning;
        let Meaning::Unreadable { reason, .. } = meaning else { panic!("{file}: {header}") };
        assert_eq!(reason, Unreadable::EventMismatch, "{file}: {header}");
    }
}

/// As in one of the examples of its documents: it is about the job that it has.
#[test]
fn a_job_that_calls_itself_a_workflow_is_a_job() {
    let mut body = json_of("circleci/job-failed-no_workflow.json");
    body["type"] = json!("workflow-completed");
    assert_eq!(event(circleci(), &body).status.details.unit, Unit::Job);
    for header in ["job-completed", "workflow-completed"] {
        let reading = read(circleci(), body.to_string().as_bytes(), Some(header)).unwrap();
        assert!(matches!(reading.meaning, Meaning::Event(_)), "{header}");
    }
}
