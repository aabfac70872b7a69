//! What is Travis CI's own: restarts under one id, and numbers that say two things.

use meshhook_normalize::{Meaning, Provider, read};
use serde_json::json;

use crate::support::{event, fixture, json_of, meaning};

fn travis() -> &'static Provider {
    Provider::by_name("travis").unwrap()
}

#[test]
fn a_restarted_build_fails_anew() {
    let first = event(travis(), &json_of("travis/build-failed.json"));
    let again = event(travis(), &json_of("travis/build-failed-restarted.json"));
    assert_eq!(first.identity, again.identity);
    assert!(first.status.details.round < again.status.details.round);
}

/// 0 is a build that passed, and nothing says so where the word is another.
#[test]
fn a_number_is_no_state() {
    let mut body = json_of("travis/build-passed.json");
    for (state, message) in [(json!("?"), json!("Passed")), (json!(null), json!(null)), (json!(0), json!(0))]
    {
        body["state"] = state;
        body["status_message"] = message.clone();
        body["result_message"] = message;
        assert!(!matches!(meaning(travis(), &body), Meaning::Event(_)), "{body}");
    }
}

#[test]
fn a_form_is_read_as_its_json() {
    let (json, form) = (fixture("travis/build-failed.json"), fixture("travis/build-failed.form"));
    assert_eq!(read(travis(), json.as_bytes(), None), read(travis(), form.as_bytes(), None));
}

/// Whoever pushes a commit chooses its time.
#[test]
fn the_time_of_a_commit_is_no_sign_of_freshness() {
    let body = fixture("travis/build-errored-hostile.json");
    assert!(body.contains(r#""committed_at": "2099"#));
    let newest = read(travis(), body.as_bytes(), None).unwrap().newest.unwrap();
    assert_eq!(newest.to_string(), "2026-05-04T09:12:40Z");
}
