//! What the door answers, and to whom.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use meshhook_testkit::http::{self, Answer};
use meshhook_testkit::{Gateway, Service};
use serde_json::{Value, json};

use super::{ROOM, ask, lonely, push, says, seen};

const PUSH: &str = "/_matrix/app/v1/transactions/1";
const PING: &str = "/_matrix/app/v1/ping";

fn errcode(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["errcode"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn each_path_is_answered_as_the_api_says() {
    let (service, _gateway) = lonely("each_path");
    let ask = |method, path: &str| ask(&service, method, path, service.hs_token(), b"{\"events\":[]}");
    for (method, path) in [
        ("PUT", PUSH),
        ("PUT", "/below/_matrix/app/v1/transactions/2"),
        ("PUT", "//_matrix/app/v1/transactions/3"),
        ("PUT", "/transactions/4"),
        ("POST", PING),
        ("POST", "/below/_matrix/app/v1/ping"),
    ] {
        let answer = ask(method, path);
        assert_eq!((answer.status, answer.json()), (200, json!({})), "{method} {path}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    for path in [
        "/_matrix/app/v1/users/%40buildbot_x%3Ax",
        "/_matrix/app/v1/rooms/%23x%3Ax",
        "/_matrix/app/v1/thirdparty/protocol/irc",
        "/users/%40buildbot_x%3Ax",
        "/rooms/%23x%3Ax",
    ] {
        assert_eq!(errcode(&ask("GET", path)), (404, "M_NOT_FOUND".to_owned()), "{path}");
        let wrong = ask("POST", path);
        assert_eq!(errcode(&wrong), (405, "M_UNRECOGNIZED".to_owned()), "{path}");
        assert_eq!(wrong.header("allow"), Some("GET"));
    }
    assert_eq!(errcode(&ask("POST", PUSH)), (405, "M_UNRECOGNIZED".to_owned()));
    assert_eq!(errcode(&ask("GET", PING)), (405, "M_UNRECOGNIZED".to_owned()));
    for path in ["/", "/_matrix/app/v1/other", "/hooks/matrix/build-status/builds"] {
        assert_eq!(errcode(&ask("POST", path)), (404, "M_UNRECOGNIZED".to_owned()), "{path}");
    }
}

/// Whatever is asked for, and whatever is wrong with the token.
#[test]
fn a_stranger_is_told_one_thing() {
    let (service, gateway) = lonely("a_stranger");
    let right = format!("Bearer {}", service.hs_token());
    let shorter = &right[..right.len() - 1];
    let as_token = format!("Bearer {}", service.as_token());
    let mut told = Vec::new();
    for (method, path) in
        [("PUT", PUSH), ("POST", PING), ("GET", "/users/x"), ("GET", "/nothing"), ("POST", PUSH)]
    {
        for headers in [
            &[][..],
            &[("Authorization", "")],
            &[("Authorization", shorter)],
            &[("Authorization", &as_token)],
            &[("Authorization", service.hs_token())],
            &[("Authorization", &right), ("Authorization", &right)],
        ] {
            let url = format!("http://127.0.0.1:{}{path}", service.port());
            let answer = http::send(method, &url, headers, b"{}").unwrap();
            assert_eq!(errcode(&answer), (403, "M_FORBIDDEN".to_owned()), "{method} {path} {headers:?}");
            told.push(answer.text());
        }
    }
    told.dedup();
    assert_eq!(told.len(), 1, "{told:?}");
    let url = format!("http://127.0.0.1:{}{PUSH}?access_token={}", service.port(), service.hs_token());
    assert_eq!(http::send("PUT", &url, &[], b"{}").unwrap().status, 403);
    let seen = seen(&gateway);
    assert_eq!((&seen["transactions"], &seen["refused"]), (&json!(0), &json!(31)));
}

/// The body of who has no token is not waited for, however long it is said to be.
#[test]
fn a_strangers_body_is_not_read() {
    let (service, _gateway) = lonely("unread");
    let mut stream = TcpStream::connect(("127.0.0.1", service.port())).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let head = "PUT /_matrix/app/v1/transactions/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 16000000\r\n\r\n";
    let asked = Instant::now();
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 403");
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
}

#[test]
fn whatever_is_pushed_is_answered_well_and_counted() {
    let (service, gateway) = lonely("whatever");
    let mut unreadable = 0;
    for body in [&b""[..], b"null", b"[]", b"{", b"\xff\xfe", b"{\"events\":7}", &b"[".repeat(1 << 20)] {
        let answer = ask(&service, "PUT", PUSH, service.hs_token(), body);
        assert_eq!((answer.status, answer.json()), (200, json!({})));
        unreadable += 1;
    }
    let good = says(ROOM, "$good", "m.text", "hello", 0);
    push(&service, &[json!(null), good, json!({"event_id": 1.5})]);
    let seen = seen(&gateway);
    assert_eq!((&seen["unreadable"], &seen["events"]), (&json!(unreadable + 2), &json!(1)));
    assert_eq!(seen["transactions"], unreadable + 1);
    assert!(seen["last_transaction"].is_string(), "{seen}");
}

#[test]
fn a_transaction_may_have_sixteen_mebibytes_and_one_that_is_longer_is_answered_well() {
    const MOST: usize = 16 << 20;
    let (service, gateway) = lonely("long");
    let of = |bytes: usize| {
        let event = says(ROOM, &format!("$of-{bytes}"), "m.text", "", 0).to_string();
        let (before, after) = (format!("{{\"events\":[{event}],\"x\":\""), "\"}");
        format!("{before}{}{after}", "x".repeat(bytes - before.len() - after.len()))
    };
    for (bytes, [events, unreadable]) in [(MOST, [1, 0]), (MOST + 1, [1, 1])] {
        let answer = ask(&service, "PUT", PUSH, service.hs_token(), of(bytes).as_bytes());
        assert_eq!((answer.status, answer.json()), (200, json!({})), "{bytes}");
        let seen = seen(&gateway);
        assert_eq!([&seen["events"], &seen["unreadable"]], [&json!(events), &json!(unreadable)], "{bytes}");
    }
}

/// The numbers of transactions begin anew when Synapse does; its events do not.
#[test]
fn an_event_is_heard_once_under_whatever_number() {
    let (service, gateway) = lonely("twice");
    let events = [says(ROOM, "$one", "m.text", "hi", 0), says(ROOM, "$two", "m.text", "hi", 0)];
    push(&service, &events);
    push(&service, &events[..1]);
    let body = json!({ "events": [says(ROOM, "$three", "m.text", "hi", 0)] }).to_string();
    for _ in 0..2 {
        assert_eq!(ask(&service, "PUT", PUSH, service.hs_token(), body.as_bytes()).status, 200);
    }
    let seen = seen(&gateway);
    assert_eq!([&seen["events"], &seen["duplicates"]], [&json!(3), &json!(2)]);
}

fn ping(service: &Service, token: &str, id: &str) -> u16 {
    let body = json!({ "transaction_id": id }).to_string();
    ask(service, "POST", PING, token, body.as_bytes()).status
}

fn pings(gateway: &Gateway) -> Vec<(Value, Value)> {
    let seen = seen(gateway);
    let pings = seen["pings"].as_array().unwrap().iter();
    pings.map(|ping| (ping["transaction_id"].clone(), ping["token"].clone())).collect()
}

#[test]
fn a_ping_is_remembered_with_what_it_showed() {
    let (service, gateway) = lonely("pinged");
    assert_eq!(ping(&service, service.hs_token(), "p1"), 200);
    assert_eq!(ping(&service, "another-token-than-ours", "p2"), 403);
    let url = format!("http://127.0.0.1:{}{PING}", service.port());
    assert_eq!(http::send("POST", &url, &[], b"{\"transaction_id\":\"p3\"}").unwrap().status, 403);
    let mut found = pings(&gateway);
    found.sort_by_key(|(id, _)| id.to_string());
    let expected =
        [("p1", "right"), ("p2", "wrong"), ("p3", "none")].map(|(id, token)| (json!(id), json!(token)));
    assert_eq!(found, expected);
}

#[test]
fn a_reload_takes_another_hs_token_over() {
    let (service, mut gateway) = lonely("reloaded");
    let other = service.clone().with("hs_token", "another-hs-token-from-now-on");
    gateway.write_service(&other);
    let _ = gateway.admin_post("/reload", &json!({})).ok();
    assert_eq!(ping(&other, service.hs_token(), "p1"), 403);
    assert_eq!(ping(&other, other.hs_token(), "p2"), 200);
}

#[test]
fn a_bot_has_no_door_and_says_so() {
    let (_homeserver, gateway) = crate::rig::started();
    let answer = gateway.admin_get("/appservice");
    assert!(answer.status == 404 && answer.text().contains("sends as a bot"), "{answer:?}");
}

#[test]
fn what_the_door_saw_is_the_operators_alone() {
    let (_service, gateway) = lonely("seen");
    assert_eq!(http::get(&(gateway.admin_url() + "/appservice"), &[]).unwrap().status, 401);
    let seen = seen(&gateway);
    assert_eq!((&seen["user"], &seen["ping"]), (&Value::Null, &Value::Null));
}
