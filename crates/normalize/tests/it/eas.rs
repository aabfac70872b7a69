//! What is Expo's own: times that lie ahead, and a submission that looks like a build.

use meshhook_normalize::{Ignored, Meaning, Provider, read};
use serde_json::json;

use crate::support::{fixture, json_of, meaning};

fn eas() -> &'static Provider {
    Provider::by_name("eas").unwrap()
}

#[test]
fn the_day_on_which_an_artifact_expires_is_no_sign_of_freshness() {
    let body = fixture("eas/build-finished.json");
    assert!(body.contains(r#""expirationDate": "2026-06-03"#));
    let newest = read(eas(), body.as_bytes(), None).unwrap().newest.unwrap();
    assert_eq!(newest.to_string(), "2026-05-04T09:12:40Z");
}

#[test]
fn a_submission_is_never_a_build() {
    for key in ["submissionDetailsPageUrl", "submissionInfo", "turtleBuildId"] {
        let mut body = json_of("eas/build-finished.json");
        body[key] = json!(null);
        let meaning = meaning(eas(), &body);
        assert!(matches!(meaning, Meaning::Ignored { reason: Ignored::UnsupportedEvent, .. }), "{key}");
    }
}
