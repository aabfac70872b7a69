//! The operator's door.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use meshhook_testkit::http::{self, Answer};
use meshhook_testkit::{Endpoint, Fault, Gateway, Homeserver, eventually};
use serde_json::{Value, json};

use crate::rig::{SOON, accepted, build, github_body, now, post_build, post_github, scripted, started};
use crate::wire;

fn ask(gateway: &Gateway, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let url = gateway.admin_url() + path;
    match method {
        "GET" => http::get(&url, headers).unwrap(),
        _ => http::send(method, &url, headers, b"{}").unwrap(),
    }
}

fn bearer(gateway: &Gateway) -> String {
    format!("Bearer {}", gateway.admin_token())
}

#[test]
fn what_is_open_is_open() {
    let (_homeserver, gateway) = started();
    assert_eq!(ask(&gateway, "GET", "/livez", &[]).text(), "ok\n");
    let ready = eventually(SOON, || {
        let ready = ask(&gateway, "GET", "/readyz", &[]).ok();
        ready["sending"]["user"].is_string().then_some(ready)
    });
    insta::assert_json_snapshot!(ready);
    let metrics = ask(&gateway, "GET", "/metrics", &[]);
    assert!(metrics.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    assert!(metrics.text().ends_with("# EOF\n"));
}

#[test]
fn the_rest_wants_the_token_and_says_the_same_to_whoever_has_it_not() {
    let (_homeserver, gateway) = started();
    let token = gateway.admin_token();
    let (right, wrong) = (bearer(&gateway), format!("Bearer {}x", token));
    let short = format!("Bearer {}", &token[..token.len() - 1]);
    let basic = format!("Basic {token}");
    let mut told = Vec::new();
    for path in
        ["/deliveries", "/deliveries/d_1", "/deliveries?limit=0", "/deliveries/audit", "/nodes", "/sources"]
    {
        for authorization in
            [None, Some(&wrong), Some(&short), Some(&basic), Some(&token), Some(&"Bearer ".to_owned())]
        {
            let headers: Vec<_> =
                authorization.iter().map(|value| ("Authorization", value.as_str())).collect();
            let answer = ask(&gateway, "GET", path, &headers);
            assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")), "{path}");
            let mut document = answer.json();
            document["request_id"].take();
            told.push(document);
        }
    }
    assert!(told.iter().all(|document| *document == told[0]));
    let twice = [("Authorization", right.as_str()), ("Authorization", right.as_str())];
    assert_eq!(ask(&gateway, "GET", "/deliveries", &twice).status, 401);
    for order in ["/deliveries/d_1/retry", "/deliveries/d_1/drop", "/reload"] {
        assert_eq!(ask(&gateway, "POST", order, &[("Content-Type", "application/json")]).status, 401);
    }
    assert_eq!(ask(&gateway, "GET", "/deliveries", &[("Authorization", &right)]).status, 200);
    assert_eq!(
        ask(&gateway, "GET", "/deliveries", &[("Authorization", &right.replace("Bearer", "bearer"))]).status,
        200
    );
}

#[test]
fn other_names_and_pages_are_not_answered() {
    let homeserver = Homeserver::start();
    let gateway =
        scripted(&homeserver).line("server", "admin_hosts = [\"gateway.example.org\"]").start().unwrap();
    let right = bearer(&gateway);
    for (headers, status) in [
        (vec![("Host", "gateway.example.org:8788")], 200),
        (vec![("Host", "localhost")], 200),
        (vec![("Host", "[::1]:8788")], 200),
        (vec![("Host", "evil.example.org")], 403),
        (vec![("Host", "gateway.example.org.evil.example.org")], 403),
        (vec![("Host", "localhost"), ("Origin", "http://localhost")], 200),
        (vec![("Host", "localhost"), ("Origin", "https://evil.example.org")], 403),
        (vec![("Host", "localhost"), ("Origin", "null")], 403),
        (vec![("Sec-Fetch-Site", "cross-site")], 403),
        (vec![("Sec-Fetch-Site", "same-site")], 403),
        (vec![("Sec-Fetch-Site", "same-origin")], 200),
    ] {
        for path in ["/livez", "/readyz", "/metrics", "/deliveries"] {
            let all: Vec<_> = headers.iter().copied().chain([("Authorization", right.as_str())]).collect();
            let answer = ask(&gateway, "GET", path, &all);
            assert_eq!(answer.status, status, "{path} {headers:?}");
            assert!(answer.header("access-control-allow-origin").is_none());
        }
    }
    let mut stream = wire::to(&gateway.admin_url());
    stream.write_all(b"GET /livez HTTP/1.0\r\n\r\n").unwrap();
    assert!(
        wire::rest(&mut stream).starts_with("HTTP/1.0 403 "),
        "without a Host nobody knows who was meant"
    );
}

#[test]
fn orders_are_json_and_posts() {
    let (_homeserver, gateway) = started();
    let right = bearer(&gateway);
    let order = |path: &str, content_type: &str, body: &[u8]| {
        let headers = [("Authorization", right.as_str()), ("Content-Type", content_type)];
        http::send("POST", &(gateway.admin_url() + path), &headers, body).unwrap()
    };
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        assert_eq!(order("/deliveries/d_1/retry", content_type, b"{}").status, 415, "{content_type}");
    }
    for body in [&b""[..], b"[]", b"{\"force\":1}", b"{\"forced\":true}", b"{}x", &[b' '; 5000]] {
        assert_eq!(order("/deliveries/d_1/retry", "application/json", body).status, 400);
    }
    assert_eq!(order("/deliveries/d_1/drop", "application/json", b"{\"force\":true}").status, 400);
    for path in ["/deliveries/d_1/retry", "/deliveries/d_1/drop"] {
        assert_eq!(order(path, "application/json; charset=utf-8", b"{}").status, 404);
        assert_eq!(ask(&gateway, "GET", path, &[("Authorization", &right)]).header("allow"), Some("POST"));
    }
    assert_eq!(order("/deliveries", "application/json", b"{}").header("allow"), Some("GET, HEAD"));
    for path in ["/", "/deliveries/", "/deliveries/d_1/", "/deliveries/d_1/forget", "/nodes/", "/readyz/"] {
        assert_eq!(ask(&gateway, "GET", path, &[("Authorization", &right)]).status, 404, "{path}");
    }
}

#[test]
fn a_head_is_a_get_without_a_body() {
    let (_homeserver, gateway) = started();
    for path in ["/livez", "/readyz", "/metrics"] {
        let mut stream = wire::to(&gateway.admin_url());
        write!(stream, "HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let said = wire::rest(&mut stream);
        assert!(said.starts_with("HTTP/1.1 200 OK\r\n") && said.ends_with("\r\n\r\n"), "{said}");
    }
}

/// Replaces what differs from run to run.
fn redacted(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                let varies = matches!(
                    name.as_str(),
                    "id" | "received_at"
                        | "last_seen"
                        | "expires_at"
                        | "frozen_at"
                        | "at"
                        | "took_ms"
                        | "request_id"
                        | "correlation_id"
                        | "delivery"
                        | "txn"
                        | "keys"
                        | "next"
                        | "started_at"
                        | "finished_at"
                        | "members"
                );
                *field = if varies { json!(format!("[{name}]")) } else { redacted(field.take()) };
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = redacted(item.take())),
        Value::String(text) => {
            if let Some(place) = text.find("\u{2068}d_") {
                text.replace_range(place + 3..place + 31, "[id]");
            }
        }
        _ => {}
    }
    value
}

#[test]
fn a_delivery_tells_its_whole_life() {
    let (_homeserver, gateway) = started();
    let body = github_body("workflow_run-completed-failure").to_string();
    let answer = accepted(&post_github(&gateway, "workflow_run", body.as_bytes()));
    let path = format!("/deliveries/{}", answer["delivery"].as_str().unwrap());
    let life = eventually(SOON, || {
        let life = gateway.admin_get(&path).ok();
        (life["status"] == "sent").then_some(life)
    });
    assert_eq!(life["event_id"], "$scripted-1");
    insta::assert_json_snapshot!("life_sent", redacted(life));
    insta::assert_json_snapshot!("list", redacted(gateway.admin_get("/deliveries").ok()));
    assert_eq!(gateway.admin_get("/deliveries/d_none").status, 404);
}

#[test]
fn a_delivery_that_waits_shows_what_it_will_say() {
    let homeserver = Homeserver::start();
    homeserver.fail(Endpoint::Send, Fault::error(500, "M_UNKNOWN", "Internal server error"));
    let gateway = scripted(&homeserver).start().unwrap();
    let mut body = build("1", "failed");
    body["correlation_id"] = json!("c-1");
    let answer = accepted(&post_build(&gateway, &body));
    let path = format!("/deliveries/{}", answer["delivery"].as_str().unwrap());
    let life = eventually(SOON, || {
        let life = gateway.admin_get(&path).ok();
        life["message"]["attempts"].get(0).is_some().then_some(life)
    });
    insta::assert_json_snapshot!("life_waiting", redacted(life));
}

#[test]
fn lists_are_filtered_and_paged() {
    let (_homeserver, gateway) = started();
    for run in 1..=5 {
        accepted(&post_build(&gateway, &build(&run.to_string(), "running")));
    }
    accepted(&post_github(&gateway, "ping", b"{\"zen\":\"x\",\"hook_id\":1}"));
    let runs = |query: &str| -> Vec<String> {
        let list = gateway.admin_get(&format!("/deliveries{query}")).ok();
        let runs = list["deliveries"].as_array().unwrap().iter();
        runs.map(|delivery| delivery["run_id"].as_str().unwrap_or("-").to_owned()).collect()
    };
    assert_eq!(runs(""), ["-", "5", "4", "3", "2", "1"]);
    assert_eq!(runs("?source=builds&limit=2"), ["5", "4"]);
    assert_eq!(runs("?run=3"), ["3"]);
    assert_eq!(runs("?status=ignored"), ["-"]);
    assert_eq!(runs("?state=running&node=mac-01").len(), 5);
    assert_eq!(runs("?state=failed").len(), 0);
    let page = gateway.admin_get("/deliveries?limit=4").ok();
    let next = page["next"].as_str().unwrap();
    assert_eq!(runs(&format!("?before={next}")), ["2", "1"]);
    assert!(gateway.admin_get(&format!("/deliveries?before={next}&limit=2")).ok().get("next").is_none());
    let correlation_id = page["deliveries"][1]["correlation_id"].as_str().unwrap();
    assert_eq!(runs(&format!("?correlation_id={correlation_id}")), ["5"]);
}

#[test]
fn what_a_list_cannot_be_asked_is_named() {
    let (_homeserver, gateway) = started();
    let mut told = String::new();
    for query in [
        "color=red",
        "status=happy",
        "state=lost",
        "limit=0",
        "limit=501",
        "limit=x",
        "before=x",
        "run=",
        "run=1&run=2",
    ] {
        let answer = gateway.admin_get(&format!("/deliveries?{query}"));
        assert_eq!(answer.status, 400, "{query}");
        told += &format!("{query}: {}\n", answer.json()["detail"].as_str().unwrap());
    }
    insta::assert_snapshot!(told);
}

#[test]
fn machines_are_told_by_when_they_were_heard_of() {
    let (_homeserver, gateway) = started();
    assert_eq!(gateway.admin_get("/nodes").ok(), json!([]));
    let of = |run: &str, node: &str| {
        let mut body = build(run, "running");
        body["mesh_node_id"] = json!(node);
        accepted(&post_build(&gateway, &body))["delivery"].clone()
    };
    of("1", "mac-02");
    let (last, other) = (of("2", "mac-02"), of("3", "mac-01"));
    accepted(&post_github(&gateway, "ping", b"{\"zen\":\"x\",\"hook_id\":1}"));
    let nodes = eventually(SOON, || {
        let nodes = gateway.admin_get("/nodes").ok();
        nodes.as_array().unwrap().iter().all(|node| node["status"] == "sent").then_some(nodes)
    });
    assert_eq!((&nodes[0]["delivery"], &nodes[1]["delivery"]), (&other, &last));
    let seen = nodes[1]["last_seen"].as_str().and_then(meshhook_model::Timestamp::parse_rfc3339).unwrap();
    assert!((now() - seen.unix()).abs() < 60, "{nodes}");
    insta::assert_json_snapshot!("nodes", redacted(nodes));
    let posted = ask(&gateway, "POST", "/nodes", &[("Authorization", &bearer(&gateway))]);
    assert_eq!((posted.status, posted.header("allow")), (405, Some("GET, HEAD")));
}

#[test]
fn a_parked_delivery_is_retried_or_given_up() {
    let homeserver = Homeserver::start();
    homeserver.fail_once(Endpoint::Send, Fault::error(400, "M_BAD_JSON", "Nothing like this"));
    let gateway = scripted(&homeserver).start().unwrap();
    let id = accepted(&post_build(&gateway, &build("1", "failed")))["delivery"].as_str().unwrap().to_owned();
    let status = |wanted: &str| {
        eventually(SOON, || {
            let life = gateway.admin_get(&format!("/deliveries/{id}")).ok();
            (life["status"] == wanted).then_some(life)
        })
    };
    status("parked");
    assert_eq!(gateway.admin_get("/readyz").ok()["parked"], 1);
    let order = |what: &str, body: &Value| gateway.admin_post(&format!("/deliveries/{id}/{what}"), body);
    let answer = order("retry", &json!({}));
    assert_eq!((answer.status, &answer.json()["id"]), (200, &json!(id)));
    status("sent");
    for (what, body) in [("retry", json!({})), ("retry", json!({ "force": true })), ("drop", json!({}))] {
        let refused = order(what, &body);
        assert_eq!(refused.status, 409, "{refused:?}");
        assert_eq!(refused.json()["detail"], "Not possible while the delivery is sent.");
        assert_eq!(
            refused.json()["hint"].as_str().unwrap().contains("force"),
            what == "retry",
            "{refused:?}"
        );
    }
    assert_eq!(homeserver.events(Homeserver::ROOM).len(), 1);
}

#[test]
fn the_token_is_made_once_for_its_owner_alone_and_kept() {
    let (_homeserver, mut gateway) = started();
    let token = gateway.admin_token();
    let file = gateway.store_dir().join("admin-token");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    gateway.restart().unwrap();
    assert_eq!(gateway.admin_token(), token);
    assert_eq!(gateway.admin_get("/deliveries").status, 200);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let failure = gateway.restart().unwrap_err();
    assert_eq!(failure.code(), Some(78), "{failure}");
    assert!(failure.said.contains("hint: "), "{failure}");
}

#[test]
fn the_numbers_tell_what_happened() {
    let homeserver = Homeserver::start();
    homeserver.fail_once(Endpoint::Send, Fault::rate_limited(std::time::Duration::from_millis(100)));
    let gateway = scripted(&homeserver).start().unwrap();
    accepted(&post_build(&gateway, &build("1", "failed")));
    assert_eq!(gateway.post("builds", &[], b"{}").status, 401);
    assert_eq!(gateway.post("a-name-that-nobody-has", &[], b"{}").status, 401);
    let numbers = eventually(SOON, || {
        let numbers = ask(&gateway, "GET", "/metrics", &[]).text();
        numbers.contains("meshhook_messages_sent_total 1").then_some(numbers)
    });
    for line in [
        "meshhook_requests_total{source=\"builds\",answer=\"accepted\"} 1",
        "meshhook_requests_total{source=\"builds\",answer=\"unauthorized\"} 1",
        "meshhook_requests_total{source=\"\",answer=\"unauthorized\"} 1",
        "meshhook_refusals_total{source=\"builds\",reason=\"unsigned\"} 1",
        // What there is none of yet begins at zero, for increase() to see the first.
        "meshhook_refusals_total{source=\"github\",reason=\"signature_mismatch\"} 0",
        "meshhook_refusals_total{source=\"github\",reason=\"stale\"} 0",
        "meshhook_store_failures_total{doing=\"accept\"} 0",
        "meshhook_store_failures_total{doing=\"deliver\"} 0",
        "meshhook_store_failures_total{doing=\"purge\"} 0",
        "meshhook_store_failures_total{doing=\"look\"} 0",
        "meshhook_store_failures_total{doing=\"probe\"} 0",
        "meshhook_config_reloads_total{result=\"needs_restart\"} 0",
        "meshhook_attempts_total{result=\"limited\"} 1",
        "meshhook_attempts_total{result=\"sent\"} 1",
        "meshhook_deliveries_committed_total 1",
        "meshhook_sending 1",
        "meshhook_accepting 1",
        "meshhook_parked 0",
        "meshhook_room_waiting{room=\"!scriptedroomwithanidofroomversion12andnoserver\"} 0",
    ] {
        assert!(numbers.lines().any(|have| have == line), "{line} is not in\n{numbers}");
    }
    assert!(!numbers.contains("nobody-has"));
}
