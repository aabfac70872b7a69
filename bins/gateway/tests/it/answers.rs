//! What a sender is told.

use meshhook_testkit::http::{self, Answer};
use meshhook_testkit::signed;
use meshhook_testkit::{Gateway, Homeserver};
use serde_json::{Value, json};

use crate::rig::{BUILDS, GITHUB, accepted, build, build_headers, now, post_build, scripted, started, with};

fn send(gateway: &Gateway, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    http::send(method, &(gateway.url() + path), headers, body).unwrap()
}

/// Checks what holds for every error, and gives the document without the request's id.
#[track_caller]
fn problem(gateway: &Gateway, answer: &Answer) -> Value {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let mut document = answer.json();
    assert_eq!(document["status"], answer.status);
    let id = document["request_id"].take().as_str().unwrap().to_owned();
    assert_eq!(answer.header("x-request-id"), Some(id.as_str()));
    assert!(gateway.log().contains(&format!("request_id=\"{id}\"")), "{id} is not in the log");
    document
}

const HOOKS: &str = "/hooks/matrix/build-status";

#[test]
fn every_error_is_a_problem_document() {
    let homeserver = Homeserver::start();
    let gateway = scripted(&homeserver).line("server", "max_body_bytes = 1024").start().unwrap();
    let github = format!("{HOOKS}/github");
    let post = |headers: &[(&str, &str)], body: &[u8]| send(&gateway, "POST", &github, headers, body);
    let mut seen = Vec::new();
    let mut see = |what: &str, answer: Answer| seen.push((what.to_owned(), problem(&gateway, &answer)));
    see("no hook", send(&gateway, "POST", "/elsewhere", &[], b""));
    let got = http::get(&(gateway.url() + &github), &[]).unwrap();
    assert_eq!(got.header("allow"), Some("POST"));
    see("not by POST", got);
    see("too long", post(&[], &[b'x'; 1025]));
    see("coded", post(&[("Content-Encoding", "br")], b"{}"));
    see("not signed", post(&[], b"{}"));
    let signed = |body: &[u8]| gateway.post("github", &signed::github(GITHUB, "push", "1", body), body);
    see("empty", signed(b""));
    see("no JSON", signed(b"{\"a\":"));
    see("neither form", signed(b"<xml>"));
    see("not text", signed(b"{\"\xff\":1}"));
    see("too deep", signed("[".repeat(200).as_bytes()));
    see("no run", post_build(&gateway, &json!({ "workflow": "nightly", "state": "failed" })));
    see("no state of ours", post_build(&gateway, &build("1", "exploded")));
    let text: String = seen.iter().map(|(what, document)| format!("{what}: {document:#}\n")).collect();
    insta::assert_snapshot!(text);
}

#[test]
fn whatever_is_wrong_the_stranger_is_told_one_thing() {
    let homeserver = Homeserver::start();
    let gateway = scripted(&homeserver)
        .source("elsewhere", "standard", "whsec_YW5vdGhlciBzZWNyZXQgb2YgYW5vdGhlciBzb3VyY2U=")
        .in_source("allow_from = [\"192.0.2.0/24\"]")
        .start()
        .unwrap();
    let body = build("1", "failed").to_string();
    let good = || build_headers(body.as_bytes());
    let stale = signed::standard(BUILDS, "msg_1", now() - 1000, body.as_bytes());
    let future = signed::standard(BUILDS, "msg_1", now() + 1000, body.as_bytes());
    let mut twice = good();
    twice.push(("webhook-id", "msg_2".to_owned()));
    let attempts = [
        ("unknown_source", "nowhere", good()),
        ("unknown_source", "BUILDS", good()),
        ("address", "elsewhere", good()),
        ("unsigned", "builds", vec![]),
        ("unknown_source", "nowhere", vec![]),
        ("header_missing", "github", good()),
        ("header_repeated", "builds", twice),
        ("header_empty", "builds", with(good(), "webhook-id", "")),
        ("signature_mismatch", "builds", with(good(), "webhook-id", "msg_other")),
        ("signature_malformed", "builds", with(good(), "webhook-signature", "v1,short")),
        ("unknown_version", "builds", with(good(), "webhook-signature", "v9,AAAA")),
        ("timestamp_malformed", "builds", with(good(), "webhook-timestamp", "-9223372036854775808")),
        ("timestamp_malformed", "builds", with(good(), "webhook-timestamp", &"9".repeat(400))),
        ("message_id_malformed", "builds", with(good(), "webhook-id", "msg_1.1")),
        ("stale", "builds", stale),
        ("future", "builds", future),
    ];
    let mut told = Vec::new();
    for (reason, source, headers) in attempts {
        let answer = gateway.post(source, &headers, body.as_bytes());
        assert_eq!(answer.status, 401, "{reason}: {answer:?}");
        let id = answer.json()["request_id"].as_str().unwrap().to_owned();
        let log = gateway.log();
        let line = log.lines().find(|line| line.contains(&id)).unwrap();
        assert!(line.contains(&format!("reason=\"{reason}\"")), "{reason}: {line}");
        let mut headers = answer.headers.clone();
        headers.retain(|(name, _)| !matches!(name.as_str(), "date" | "x-request-id"));
        told.push((problem(&gateway, &answer), headers));
    }
    assert!(told.iter().all(|one| *one == told[0]), "{told:#?}");
}

#[test]
fn the_path_of_all_hooks_takes_what_fits_one_source_alone() {
    let homeserver = Homeserver::start();
    let gateway = scripted(&homeserver)
        .source("more", "standard", "whsec_YW5vdGhlciBzZWNyZXQgb2YgYW5vdGhlciBzb3VyY2U=")
        .start()
        .unwrap();
    let post = |headers: &signed::Headers, body: &[u8]| {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        send(&gateway, "POST", HOOKS, &headers, body)
    };
    let body = b"{\"zen\":\"x\",\"hook_id\":1}";
    accepted(&post(&signed::github(GITHUB, "ping", "1", body), body));
    let body = build("1", "failed").to_string();
    assert_eq!(post(&build_headers(body.as_bytes()), body.as_bytes()).status, 401);
    assert!(gateway.log().contains("no_one_source"));
    let mut both = signed::github(GITHUB, "ping", "1", body.as_bytes());
    both.extend(build_headers(body.as_bytes()));
    assert_eq!(post(&both, body.as_bytes()).status, 401);
}

#[test]
fn other_paths_are_no_hooks() {
    let (_homeserver, gateway) = started();
    for path in [
        "/",
        "//",
        "/hooks",
        HOOKS.trim_end_matches('s'),
        "/hooks/matrix/build-statuses",
        "/hooks/matrix/build-status/",
        "/hooks/matrix/build-status/builds/",
        "/hooks/matrix/build-status/builds/more",
        "/hooks/matrix/build-status//builds",
        "/HOOKS/matrix/build-status/builds",
        "/hooks/matrix/build-status%2Fbuilds",
        "/livez",
        "/metrics",
    ] {
        assert_eq!(send(&gateway, "POST", path, &[], b"").status, 404, "{path}");
    }
    let body = build("1", "failed").to_string();
    let headers = build_headers(body.as_bytes());
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let path = format!("{HOOKS}/builds?token=a-query-that-nobody-reads");
    accepted(&send(&gateway, "POST", &path, &headers, body.as_bytes()));
    assert!(!gateway.log().contains("nobody-reads"));
}

#[test]
fn a_senders_request_id_is_taken_over_if_it_is_plain() {
    let (_homeserver, gateway) = started();
    let answer = send(&gateway, "POST", "/", &[("X-Request-Id", "a.b_c-1")], b"");
    assert_eq!(answer.header("x-request-id"), Some("a.b_c-1"));
    let answer = send(&gateway, "POST", "/", &[("X-Request-Id", "a b=\"c\"")], b"");
    assert!(answer.header("x-request-id").unwrap().starts_with("r_"));
    let body = build("1", "running").to_string();
    let answer = gateway.post(
        "builds",
        &with(build_headers(body.as_bytes()), "X-Request-Id", "theirs-1"),
        body.as_bytes(),
    );
    assert_eq!((answer.status, answer.header("x-request-id")), (202, Some("theirs-1")));
    assert!(gateway.log().contains("request_id=\"theirs-1\""));
}

#[test]
fn who_fails_too_often_is_told_to_wait_and_a_genuine_request_still_passes() {
    let homeserver = Homeserver::start();
    let gateway = scripted(&homeserver).line("log", "level = \"debug\"").start().unwrap();
    let forged = |address: &str| {
        let headers = with(build_headers(b"{}"), "X-Forwarded-For", address);
        gateway.post("builds", &headers, b"{ }")
    };
    let statuses: Vec<_> = (0..25).map(|_| forged("198.51.100.7").status).collect();
    assert_eq!(statuses, [[401; 20].as_slice(), &[429; 5]].concat());
    let limited = forged("198.51.100.7");
    let wait: u64 = limited.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    insta::assert_json_snapshot!(problem(&gateway, &limited));
    assert_eq!(forged("198.51.100.8").status, 401);
    let body = build("1", "running").to_string();
    let genuine = with(build_headers(body.as_bytes()), "X-Forwarded-For", "198.51.100.7");
    accepted(&gateway.post("builds", &genuine, body.as_bytes()));
}

#[test]
fn who_fails_too_often_does_not_fill_the_log() {
    let (_homeserver, gateway) = started();
    let forged = build_headers(b"{}");
    let limited = (0..50).filter(|_| gateway.post("builds", &forged, b"{ }").status == 429).count();
    assert_eq!(limited, 30);
    let log = gateway.log();
    let lines = log.lines().filter(|line| line.contains("request refused"));
    assert_eq!(lines.filter(|line| line.contains("WARN")).count(), 20, "{log}");
    assert_eq!(log.matches("request refused").count(), 20, "{log}");
    let counted = "meshhook_refusals_total{source=\"builds\",reason=\"signature_mismatch\"} 50";
    let numbers = gateway.admin_get("/metrics").text();
    assert!(numbers.contains(counted), "{numbers}");
}

#[test]
fn what_is_accepted_says_where_it_went() {
    let (_homeserver, gateway) = started();
    let body = json!({ "workflow": "nightly", "state": "running", "run_id": "1", "correlation_id": "c-1" });
    let mut first = accepted(&post_build(&gateway, &body));
    let delivery = first["delivery"].take();
    insta::assert_json_snapshot!(first);
    let again = meshhook_testkit::eventually(crate::rig::SOON, || {
        let again = accepted(&post_build(&gateway, &body));
        (again["status"] == "sent").then_some(again)
    });
    assert_eq!((&again["delivery"], &again["outcome"]), (&delivery, &json!("duplicate")));
    assert_eq!(again["event_id"], "$scripted-1");
}

#[test]
fn a_store_in_memory_says_that_it_promises_less() {
    let homeserver = Homeserver::start();
    let gateway = scripted(&homeserver).in_memory().start().unwrap();
    assert_eq!(accepted(&post_build(&gateway, &build("1", "running")))["durable"], false);
    assert_eq!(gateway.admin_get("/readyz").ok()["durable"], false);
}
