//! Our fixtures, each with its whole reading.

use meshhook_normalize::{Provider, read};
use serde_json::{Map, Value};

use crate::support::{fixture, fixtures, github, gitlab, shown, standard};

fn readings(provider: &Provider, folder: &str) -> Value {
    let names = fixtures(folder);
    assert!(names.len() >= 6, "{folder} has only {names:?}");
    let read = |name: String| {
        let reading = read(provider, fixture(&name).as_bytes(), event_of(provider, &name));
        (name, shown(&reading))
    };
    Value::Object(names.into_iter().map(read).collect::<Map<_, _>>())
}

/// The value of the event header, told by the first word of a fixture's name after its place in a sequence.
fn event_of<'n>(provider: &Provider, name: &'n str) -> Option<&'n str> {
    provider.event_header()?;
    let file = name.rsplit('/').next()?.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
    let word = file.split(['-', '.']).next()?;
    if provider.name() == "gitlab" { Some(hook_of(word)) } else { Some(word) }
}

fn hook_of(kind: &str) -> &'static str {
    match kind {
        "pipeline" => "Pipeline Hook",
        "build" => "Job Hook",
        "deployment" => "Deployment Hook",
        "push" => "Push Hook",
        "user_add_to_group" => "Member Hook",
        other => panic!("no hook is known for {other}"),
    }
}

#[test]
fn github_bodies() {
    insta::assert_json_snapshot!("github", readings(github(), "github"));
}

#[test]
fn three_machines() {
    insta::assert_json_snapshot!("three_machines", readings(github(), "github/three-machines"));
}

#[test]
fn gitlab_bodies() {
    insta::assert_json_snapshot!("gitlab", readings(gitlab(), "gitlab"));
}

#[test]
fn bodies_of_our_own_format() {
    insta::assert_json_snapshot!("standard", readings(standard(), "standard"));
}

#[test]
fn a_form_is_read_as_its_json() {
    let json = fixture("github/workflow_run-completed-failure.json");
    let form = fixture("github/workflow_run-completed-failure.form");
    let (json, form) = (read(github(), json.as_bytes(), None), read(github(), form.as_bytes(), None));
    assert_eq!(json.unwrap(), form.unwrap());
}
