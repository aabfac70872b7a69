//! Bodies of any shape, by a map of their fields.

use meshhook_model::{State, Unit};
use meshhook_normalize::{FieldMap, Ignored, Meaning, Origin, Pointer, Reader, Words};
use serde_json::{Value, json};

fn at(pointers: &[&str]) -> Origin {
    Origin::Pointers(pointers.iter().map(|pointer| Pointer::new(pointer).unwrap()).collect())
}

fn reader() -> Reader {
    let mut map = FieldMap::default();
    for (field, origin) in [
        ("workflow", at(&["/plan/name", "/plan/key"])),
        ("state", at(&["/result/code"])),
        ("run_id", at(&["/build/0/number"])),
        ("repo", Origin::Constant("acme/rocket".into())),
        ("branch", at(&["/plan/branch~1name"])),
        ("attempt", at(&["/build/0/try"])),
        ("finished_at", at(&["/result/ended"])),
        ("started_at", at(&["/result/began"])),
        ("mesh_node_id", at(&["/agent"])),
    ] {
        assert!(map.set(field, origin));
    }
    let words = [("0", Some(State::Succeeded)), ("Rot", Some(State::Failed)), ("geparkt", None)];
    Reader::mapped(map, Words::new(words.map(|(word, state)| (word.to_owned(), state)).into()))
}

fn body() -> Value {
    json!({
        "plan": { "key": "IOS", "branch/name": "refs/heads/main" },
        "build": [{ "number": 88, "try": "2" }],
        "result": { "code": 0, "began": 1_777_885_200, "ended": 1_777_885_960_000_u64 },
        "agent": "mac-03",
    })
}

fn meaning(body: &Value) -> Meaning {
    reader().read(body.to_string().as_bytes(), None).unwrap().meaning
}

/// Another millisecond is the same second, and yet the place is found.
#[test]
fn a_time_in_milliseconds_has_its_place() {
    let (_, explanation) = reader().explain(body().to_string().as_bytes(), None).unwrap();
    assert_eq!(explanation.of("started_at"), ["/result/began"]);
    assert_eq!(explanation.of("finished_at"), ["/result/ended"]);
}

#[test]
fn fields_are_where_the_map_says() {
    let reading = reader().read(body().to_string().as_bytes(), None).unwrap();
    assert_eq!(reading.newest.unwrap().to_string(), "2026-05-04T09:12:40Z");
    let Meaning::Event(event) = reading.meaning else { panic!("an event") };
    let details = &event.status.details;
    assert_eq!(event.status.state, State::Succeeded);
    assert_eq!(event.status.duration_seconds(), Some(760));
    assert_eq!((details.unit, details.workflow.as_ref().unwrap().as_str()), (Unit::Run, "IOS"));
    assert_eq!(details.branch.as_ref().unwrap().as_str(), "main");
    assert_eq!(details.outcome.as_ref().unwrap().as_str(), "0");
    assert_eq!((details.attempt.unwrap().get(), details.round.get()), (2, 2));
    assert_eq!(event.machine.unwrap().name.as_str(), "mac-03");
    assert_eq!(event.identity.repo.as_deref(), Some("acme/rocket"));
    assert_eq!(event.identity.run.as_deref(), Some("88"));
}

#[test]
fn words_are_those_of_the_table_then_those_of_our_own_format() {
    for (word, state) in [
        (json!("ROT"), State::Failed),
        (json!("running"), State::Running),
        (json!("UNSTABLE"), State::Succeeded),
    ] {
        let mut body = body();
        body["result"]["code"] = word.clone();
        let Meaning::Event(event) = meaning(&body) else { panic!("{word}") };
        assert_eq!(event.status.state, state, "{word}");
    }
    let mut body = body();
    body["result"]["code"] = json!("geparkt");
    assert!(matches!(meaning(&body), Meaning::Ignored { reason: Ignored::Word, .. }));
    for wrong in [json!(7), json!(true), json!("blau"), json!(null), json!([]), json!(0.0)] {
        body["result"]["code"] = wrong.clone();
        assert!(matches!(meaning(&body), Meaning::Invalid { field: "state", .. }), "{wrong}");
    }
}

#[test]
fn what_is_wrong_is_named_by_its_field() {
    for (pointer, value, named) in [
        ("/plan", json!(7), "workflow"),
        ("/build/0/number", json!(null), "run_id"),
        ("/build/0/try", json!("twice"), "attempt"),
        ("/result/ended", json!("tomorrow"), "finished_at"),
        ("/agent", json!({}), "mesh_node_id"),
    ] {
        let mut body = body();
        *body.pointer_mut(pointer).unwrap() = value;
        let Meaning::Invalid { field, .. } = meaning(&body) else { panic!("{pointer}") };
        assert_eq!(field, named);
    }
}

/// Systems that have times write them in many ways; one that cannot be read is told by its field, and how it may be.
#[test]
fn times_are_read_as_most_systems_write_them() {
    for time in [
        json!("2026-05-04T09:12:40Z"),
        json!("2026-05-04T11:12:40+0200"),
        json!(1_777_885_960),
        json!("1777885960"),
        json!("1777885960123"),
    ] {
        let mut body = body();
        body["result"]["ended"] = time.clone();
        let Meaning::Event(event) = meaning(&body) else { panic!("{time}") };
        assert_eq!(event.status.details.finished_at.unwrap().to_string(), "2026-05-04T09:12:40Z", "{time}");
    }
    let mut body = body();
    body["result"]["ended"] = json!("yesterday");
    let Meaning::Invalid { field, expected } = meaning(&body) else { panic!("no time") };
    assert_eq!((field, expected.contains("seconds")), ("finished_at", true));
}
