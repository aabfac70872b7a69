//! What is told of the sources.

use meshhook_testkit::{Homeserver, http, signed};
use serde_json::{Value, json};

use crate::rig::{BUILDS, accepted, build, build_headers, now, post_build, post_github, scripted, started};

const OTHER: &str = "whsec_YW5vdGhlciBzZWNyZXQgb2YgdGhlc2UgYnVpbGRz";

/// What is told of the source at that place, without the times.
fn source(told: &Value, place: usize) -> Value {
    timeless(told["sources"][place].clone())
}

fn timeless(mut value: Value) -> Value {
    strip(&mut value);
    value
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match &**name {
                    "last_seen" | "last_used" | "last_at" | "delivery" if value.is_string() => {
                        *value = format!("[{name}]").into();
                    }
                    "clock_off_seconds" => *value = about(value.as_i64().unwrap()).into(),
                    _ => strip(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

/// To the second it depends on when the request came.
fn about(off: i64) -> String {
    let tens = (off + 5 * off.signum()) / 10 * 10;
    format!("about {tens}")
}

#[test]
fn a_key_is_told_by_what_it_verified_and_a_refusal_by_its_reason() {
    let homeserver = Homeserver::start();
    let mut gateway = scripted(&homeserver).also_secret(OTHER).start().unwrap();
    let first = accepted(&post_build(&gateway, &build("1", "failed")))["delivery"].clone();
    accepted(&post_build(&gateway, &build("1", "failed")));
    let body = build("2", "failed").to_string();
    let late = |by| signed::standard(BUILDS, "msg_late", now() + by, body.as_bytes());
    assert_eq!(gateway.post("builds", &late(-900), body.as_bytes()).status, 401);
    assert_eq!(gateway.post("builds", &late(400), body.as_bytes()).status, 401);
    assert_eq!(gateway.post("builds", &build_headers(b"{}"), body.as_bytes()).status, 401);
    let secret = "a-name-that-is-a-secret";
    assert_eq!(gateway.post(secret, &build_headers(body.as_bytes()), body.as_bytes()).status, 401);
    let nowhere = format!("{}/{secret}", gateway.url());
    assert_eq!(http::send("POST", &nowhere, &[], b"{}").unwrap().status, 404);
    // A wrong path is told apart from a signature that is not there.
    assert_eq!(gateway.post(secret, &[], b"{}").status, 401);
    let all = |method, headers: &[(&str, &str)]| {
        let url = format!("{}/hooks/matrix/build-status", gateway.url());
        http::send(method, &url, headers, b"{}").unwrap().status
    };
    assert_eq!((all("POST", &[]), all("GET", &[])), (401, 405));
    let (github, standard) = (format!("sha256={}", "0".repeat(64)), build_headers(b"{}"));
    let mut of_two: Vec<_> = standard.iter().map(|(name, value)| (*name, &**value)).collect();
    of_two.push(("X-Hub-Signature-256", &*github));
    assert_eq!(all("POST", &of_two), 401);

    let told = gateway.admin_get("/sources").ok();
    insta::assert_json_snapshot!("refusals", json!([source(&told, 1), timeless(told["elsewhere"].clone())]));
    assert_eq!(told["sources"][1]["delivery"], first, "of a duplicate the first one");
    assert!(!told.to_string().contains(secret));
    assert!(told["since"].is_string());

    // Refusals are counted from the start; the use of a key is remembered.
    gateway.restart().unwrap();
    let again = gateway.admin_get("/sources").ok();
    assert_eq!((&again["sources"][1]["refused"], &again["elsewhere"]), (&json!([]), &json!([])));
    assert_eq!(again["sources"][1]["keys"], told["sources"][1]["keys"]);
}

#[test]
fn a_key_that_is_not_configured_any_more_is_told_with_its_last_use() {
    let homeserver = Homeserver::start();
    let mut gateway = scripted(&homeserver).also_secret(OTHER).start().unwrap();
    let body = build("1", "failed").to_string();
    accepted(&post_build(&gateway, &build("1", "running")));
    accepted(&gateway.post(
        "builds",
        &signed::standard(OTHER, "msg_1", now(), body.as_bytes()),
        body.as_bytes(),
    ));
    gateway.edit(
        r#"secret_files = ["builds-secret-1", "builds-secret-2"]"#,
        r#"secret_files = ["builds-secret-2"]"#,
    );
    gateway.restart().unwrap();
    insta::assert_json_snapshot!("earlier_key", source(&gateway.admin_get("/sources").ok(), 1)["keys"]);
}

#[test]
fn what_was_never_heard_of_is_told_too() {
    let (_homeserver, gateway) = started();
    let told = gateway.admin_get("/sources").ok();
    let github = &told["sources"][0];
    assert_eq!(
        (&github["last_seen"], &github["delivery"], &github["keys"][0]["last_used"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    // What is ignored is heard of as well.
    accepted(&post_github(&gateway, "ping", b"{\"zen\":\"x\",\"hook_id\":1}"));
    assert!(gateway.admin_get("/sources").ok()["sources"][0]["last_seen"].is_string());
}
