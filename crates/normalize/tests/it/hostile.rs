//! Broken and hostile bodies: nothing panics, and a broken word is never a success.

use meshhook_model::{State, Text};
use meshhook_normalize::{BodyError, Meaning, Provider, read};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{bodies, event, fixture, github, gitlab, json_of, meaning, standard};

/// A success of each kind, and the pointers to the words that make it one.
fn successes() -> [(&'static Provider, Value, Vec<&'static str>); 6] {
    let mut job = json_of("github/workflow_job-completed-success-hosted.json");
    job["workflow_job"]["conclusion"] = json!("success");
    let run = json_of("github/workflow_run-completed-success.json");
    [
        (github(), run, vec!["/workflow_run/status", "/workflow_run/conclusion"]),
        (github(), job, vec!["/workflow_job/status", "/workflow_job/conclusion"]),
        (
            gitlab(),
            json_of("gitlab/pipeline-success.json"),
            vec!["/object_kind", "/object_attributes/status"],
        ),
        (gitlab(), json_of("gitlab/build-success.json"), vec!["/object_kind", "/build_status"]),
        (gitlab(), json_of("gitlab/deployment-success.json"), vec!["/object_kind", "/status"]),
        (standard(), json_of("standard/job-succeeded.json"), vec!["/state"]),
    ]
}

fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(fields) => {
            for (key, inner) in fields {
                pointers(inner, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                pointers(inner, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

fn succeeded(meaning: &Meaning) -> bool {
    matches!(meaning, Meaning::Event(event) if event.status.state == State::Succeeded)
}

/// What a verified body of a CI system may never be, and what our own format may never be.
fn assert_sort(provider: &'static Provider, meaning: &Meaning, what: &str) {
    let own = provider.name() == "standard";
    match meaning {
        Meaning::Event(_) => {}
        Meaning::Invalid { .. } => assert!(own, "{what}"),
        Meaning::Ignored { .. } | Meaning::Unreadable { .. } => assert!(!own, "{what}"),
    }
}

#[test]
fn each_value_replaced_by_each_kind() {
    let kinds =
        [json!(null), json!(7), json!("seven"), json!(""), json!([7]), json!({ "seven": 7 }), json!(0.7)];
    for (provider, body, words) in successes() {
        assert!(succeeded(&meaning(provider, &body)), "{}", provider.name());
        let mut found = Vec::new();
        pointers(&body, "", &mut found);
        assert!(words.iter().all(|word| found.contains(&(*word).to_owned())));
        // The body itself has to stay an object or array to be let in at all.
        for pointer in found.iter().filter(|pointer| !pointer.is_empty()) {
            for kind in &kinds {
                let mut broken = body.clone();
                *broken.pointer_mut(pointer).unwrap() = kind.clone();
                let meaning = meaning(provider, &broken);
                assert_sort(provider, &meaning, pointer);
                let word = words.contains(&pointer.as_str());
                assert!(!(word && succeeded(&meaning)), "{pointer} = {kind} is a success");
            }
        }
    }
}

#[test]
fn each_field_left_out() {
    for (provider, body, words) in successes() {
        let mut found = Vec::new();
        pointers(&body, "", &mut found);
        for pointer in found.iter().filter(|pointer| !pointer.is_empty()) {
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            let mut broken = body.clone();
            match broken.pointer_mut(parent).unwrap() {
                Value::Object(fields) => drop(fields.remove(key)),
                Value::Array(items) => drop(items.remove(key.parse().unwrap())),
                _ => unreachable!("a parent has children"),
            }
            let meaning = meaning(provider, &broken);
            assert_sort(provider, &meaning, pointer);
            assert!(
                !(words.contains(&pointer.as_str()) && succeeded(&meaning)),
                "{pointer} left out is a success"
            );
        }
    }
}

#[test]
fn no_body_can_be_broken_into_something_worse() {
    let kinds = [json!(null), json!(7), json!("seven"), json!(true), json!([7]), json!({ "seven": 7 })];
    for provider in Provider::ALL {
        for name in bodies(provider.name()).iter().filter(|name| name.ends_with(".json")) {
            let body = json_of(name);
            let mut found = Vec::new();
            pointers(&body, "", &mut found);
            for pointer in found.iter().filter(|pointer| !pointer.is_empty()) {
                for kind in &kinds {
                    let mut broken = body.clone();
                    *broken.pointer_mut(pointer).unwrap() = kind.clone();
                    assert_sort(provider, &meaning(provider, &broken), pointer);
                }
            }
        }
    }
}

/// The body of a provider that has most to break.
fn longest(provider: &Provider) -> String {
    let bodies = bodies(provider.name());
    bodies
        .iter()
        .filter(|name| name.ends_with(".json"))
        .map(|name| fixture(name))
        .max_by_key(String::len)
        .unwrap()
}

#[test]
fn texts_of_a_megabyte_are_read() {
    let long = json!("x".repeat(1 << 20));
    for provider in Provider::ALL {
        let mut body: Value = serde_json::from_str(&longest(provider)).unwrap();
        let mut found = Vec::new();
        pointers(&body, "", &mut found);
        found.retain(|pointer| body.pointer(pointer).unwrap().is_string());
        for pointer in found.iter().step_by(1 + found.len() / 3) {
            *body.pointer_mut(pointer).unwrap() = long.clone();
        }
        assert_sort(provider, &meaning(provider, &body), provider.name());
    }
}

#[test]
fn a_body_cut_anywhere_is_no_body() {
    let form = fixture("github/workflow_run-completed-failure.form");
    for (provider, body) in Provider::ALL.iter().map(|of| (*of, longest(of))).chain([(github(), form)]) {
        let body = body.trim_end();
        for end in 0..body.len() {
            let cut = read(provider, &body.as_bytes()[..end], None);
            assert!(cut.is_err(), "{} cut at {end}", provider.name());
        }
    }
}

/// A body that says everything twice, and all strings in halves of characters.
#[test]
fn repeated_keys_and_half_characters_are_read() {
    for provider in Provider::ALL {
        for name in bodies(provider.name()).iter().filter(|name| name.ends_with(".json")) {
            let body = fixture(name);
            let inner = body.trim().trim_start_matches('{').trim_end_matches('}').trim();
            let twice = format!("{{{inner},{inner}}}");
            assert_eq!(
                read(provider, twice.as_bytes(), None),
                read(provider, body.as_bytes(), None),
                "{name}"
            );
            let halves = body.replace(": \"", r#": "\ud83d"#);
            assert_sort(provider, &read(provider, halves.as_bytes(), None).unwrap().meaning, name);
        }
    }
}

/// Each of them a number, a machine and three times: what is looked at most often.
#[test]
fn as_many_jobs_as_a_body_can_hold_are_read() {
    let job = |id| json!({ "id": id, "runner": { "description": format!("mac-{id:05}") } });
    let mut body = json_of("gitlab/pipeline-success.json");
    body["builds"] = (0..60_000).map(job).collect();
    let details = event(gitlab(), &body).status.details;
    assert_eq!((details.round.get(), details.nodes.len()), (59_999, 64));
    body["builds"] = (0..100_000).map(job).collect();
    assert_eq!(read(gitlab(), body.to_string().as_bytes(), None), Err(BodyError::TooManyValues));
}

/// What stands at the top is looked up once, and not for each job or branch: minutes else.
#[test]
fn many_keys_beside_many_jobs_and_branches_are_read() {
    let wide = |name: &str, key: &str, item: Value| {
        let mut body = json_of(name);
        body.as_object_mut().unwrap().extend((0..60_000).map(|n| (format!("~{n}"), json!(n))));
        body[key] = vec![item; 30_000].into();
        body.to_string()
    };
    let job = json!({ "id": 1, "runner": { "description": "mac-01", "runner_type": "instance_type" } });
    let bodies = [
        (gitlab(), wide("gitlab/pipeline-success.json", "builds", job)),
        (
            github(),
            wide(
                "github/status-success.json",
                "branches",
                json!({ "name": "main", "commit": { "sha": "0" } }),
            ),
        ),
    ];
    for (provider, body) in bodies {
        assert!(matches!(read(provider, body.as_bytes(), None).unwrap().meaning, Meaning::Event(_)));
    }
}

#[test]
fn two_hundred_levels_are_too_deep() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}0{}", open.repeat(200), close.repeat(200));
        let mut body = fixture("github/workflow_run-completed-success.json");
        body.insert_str(1, &format!("\"deep\": {deep},"));
        assert_eq!(read(github(), body.as_bytes(), None), Err(BodyError::TooDeep));
    }
}

/// As a later key may not undo an earlier one unseen, the last one counts, for the state as for all else.
#[test]
fn of_repeated_keys_the_last_counts() {
    let body = r#"{"workflow": "w", "run_id": 1, "state": "succeeded", "state": "failed"}"#;
    let Meaning::Event(event) = read(standard(), body.as_bytes(), None).unwrap().meaning else {
        panic!("an event")
    };
    assert_eq!(event.status.state, State::Failed);
    let body = r#"{"workflow": "w", "run_id": 1, "state": "succeeded", "state": "?"}"#;
    let meaning = read(standard(), body.as_bytes(), None).unwrap().meaning;
    assert!(matches!(meaning, Meaning::Invalid { field: "state", .. }));
}

#[test]
fn half_an_emoji_does_not_lose_the_report() {
    let body = fixture("github/workflow_run-completed-success.json");
    let cut = body.replacen("Launch screen: draw", r"Launch \ud83d", 1);
    assert_ne!(cut, body);
    let Meaning::Event(event) = read(github(), cut.as_bytes(), None).unwrap().meaning else {
        panic!("an event")
    };
    assert_eq!(event.status.details.title.unwrap().as_str(), "Launch \u{fffd} the logo once");
}

#[test]
fn a_megabyte_of_text_is_cut() {
    let long = "x".repeat(1 << 20);
    let mut body = json_of("github/workflow_run-completed-success.json");
    for field in ["display_title", "head_branch", "html_url", "name"] {
        body["workflow_run"][field] = json!(long);
    }
    let details = event(github(), &body).status.details;
    assert_eq!(details.title.unwrap().as_str().chars().count(), Text::MAX_CHARS);
    body["workflow_run"]["conclusion"] = json!(long);
    let Meaning::Unreadable { details, .. } = meaning(github(), &body) else { panic!("an unknown word") };
    assert_eq!(details.outcome.unwrap().as_str().chars().count(), Text::MAX_CHARS);
}

/// Keys and words that mean something, so that random bodies come near to real ones.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "action",
            "workflow_run",
            "workflow_job",
            "workflow",
            "repository",
            "head_repository",
            "full_name",
            "name",
            "id",
            "run_id",
            "status",
            "conclusion",
            "state",
            "completed",
            "success",
            "failure",
            "queued",
            "succeeded",
            "head_branch",
            "run_attempt",
            "updated_at",
            "zen",
            "hook_id",
            "runner_name",
            "job",
            "refs/heads/",
            "GitHub Actions",
            "object_kind",
            "event_name",
            "pipeline",
            "build",
            "deployment",
            "object_attributes",
            "builds",
            "bridges",
            "runner",
            "description",
            "merge_request",
            "source_project_id",
            "project",
            "build_id",
            "build_status",
            "finished_at",
            "duration",
            "2016-08-12 15:23:28 UTC",
            "2026-05-04T09:12:40Z",
            "0001-01-01T00:00:00Z",
            "since",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ]
}

fn body() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 12, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(word(), inner, 0..12)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..200), header in any::<Option<String>>()) {
        for start in [&b""[..], b"{", b"[", b"payload=", b"payload=%7B"] {
            let bytes = [start, &bytes].concat();
            for provider in Provider::ALL {
                let _ = read(provider, &bytes, header.as_deref());
            }
        }
    }

    #[test]
    fn any_json_is_read(body in body(), header in prop::option::of(word())) {
        for provider in Provider::ALL {
            let reading = read(provider, body.to_string().as_bytes(), header.as_deref());
            if body.is_object() || body.is_array() {
                assert_sort(provider, &reading.unwrap().meaning, provider.name());
            } else {
                prop_assert_eq!(reading, Err(BodyError::UnknownFormat));
            }
        }
    }

    #[test]
    fn no_other_word_is_an_event(word in "[ -~]{0,12}") {
        let known = [
            "requested", "queued", "pending", "waiting", "in_progress", "completed", "success", "failure",
            "cancelled", "timed_out", "startup_failure", "action_required", "skipped", "neutral", "stale",
        ];
        prop_assume!(!known.contains(&word.as_str()));
        for (file, kind) in [
            ("github/workflow_run-completed-success.json", "workflow_run"),
            ("github/workflow_job-completed-success-hosted.json", "workflow_job"),
        ] {
            for field in ["status", "conclusion"] {
                let mut body = json_of(file);
                body[kind][field] = json!(word);
                prop_assert!(!matches!(meaning(github(), &body), Meaning::Event(_)), "{} {}", field, word);
            }
        }
    }

    #[test]
    fn no_other_word_of_gitlab_is_an_event(word in "[ -~]{0,12}") {
        let known = [
            "created", "waiting_for_resource", "preparing", "waiting_for_callback", "pending", "running", "success",
            "failed", "canceling", "canceled", "skipped", "manual", "scheduled", "blocked",
        ];
        prop_assume!(!known.contains(&word.as_str()));
        for (file, pointer) in [
            ("gitlab/pipeline-success.json", "/object_attributes/status"),
            ("gitlab/build-success.json", "/build_status"),
            ("gitlab/deployment-success.json", "/status"),
        ] {
            let mut body = json_of(file);
            *body.pointer_mut(pointer).unwrap() = json!(word);
            prop_assert!(!matches!(meaning(gitlab(), &body), Meaning::Event(_)), "{} {}", file, word);
        }
    }
}
