//! The scripted homeserver keeps its promises, and breaks them exactly as it is told.

use std::io;
use std::time::{Duration, Instant};

use meshhook_testkit::http::{self, Answer};
use meshhook_testkit::{Endpoint, Fault, Homeserver, Weather};
use serde_json::{Value, json};

fn url(server: &Homeserver, rest: &str) -> String {
    format!("{}/_matrix/client/v3/{rest}", server.url())
}

fn put(server: &Homeserver, txn: &str) -> io::Result<Answer> {
    let url = url(server, &format!("rooms/{}/send/m.room.message/{txn}", Homeserver::ROOM));
    let bearer = format!("Bearer {}", server.user().token);
    http::send("PUT", &url, &[("authorization", &bearer)], br#"{"msgtype":"m.notice","body":"x"}"#)
}

fn get(server: &Homeserver, rest: &str) -> Answer {
    let bearer = format!("Bearer {}", server.user().token);
    http::get(&url(server, rest), &[("authorization", &bearer)]).unwrap()
}

fn messages(server: &Homeserver, rest: &str) -> Value {
    get(server, &format!("rooms/{}/messages?dir=b{rest}", Homeserver::ROOM)).ok()
}

fn ids(page: &Value) -> Vec<&str> {
    page["chunk"].as_array().unwrap().iter().map(|event| event["event_id"].as_str().unwrap()).collect()
}

fn count(server: &Homeserver) -> usize {
    server.events(Homeserver::ROOM).len()
}

#[test]
fn a_transaction_id_is_one_event_on_one_device() {
    let server = Homeserver::start();
    let first = put(&server, "t1").unwrap().ok();
    assert_eq!(put(&server, "t1").unwrap().ok(), first);
    assert_ne!(put(&server, "t2").unwrap().ok(), first);
    server.change_device("OTHER", "syt_other");
    assert_ne!(put(&server, "t1").unwrap().ok(), first);
    assert_eq!(count(&server), 3);
    // The transaction id is shown to its own device only.
    let page = messages(&server, "");
    let txns: Vec<_> =
        page["chunk"].as_array().unwrap().iter().map(|e| &e["unsigned"]["transaction_id"]).collect();
    assert_eq!(txns, [&json!("t1"), &Value::Null, &Value::Null]);
}

#[test]
fn only_its_token_is_good() {
    let server = Homeserver::start();
    let whoami = get(&server, "account/whoami").ok();
    assert_eq!(whoami, json!({ "user_id": server.user().id, "device_id": server.user().device }));
    assert_eq!(http::get(&url(&server, "account/whoami"), &[]).unwrap().json()["errcode"], "M_MISSING_TOKEN");

    let old = format!("Bearer {}", server.user().token);
    server.change_token("syt_new");
    let refused = http::get(&url(&server, "account/whoami"), &[("authorization", &old)]).unwrap();
    assert_eq!((refused.status, refused.json()["errcode"].as_str()), (401, Some("M_UNKNOWN_TOKEN")));
    assert_eq!(get(&server, "account/whoami").status, 200);
}

#[test]
fn a_room_is_read_backwards_in_pages() {
    let server = Homeserver::start();
    let own = put(&server, "t1").unwrap().ok()["event_id"].clone();
    let foreign: Vec<_> =
        (0..5).map(|n| server.post_as("@other:h", Homeserver::ROOM, json!({ "body": n }))).collect();

    let first = messages(&server, "&limit=4");
    assert_eq!(ids(&first), [&foreign[4], &foreign[3], &foreign[2], &foreign[1]]);
    let second = messages(&server, &format!("&limit=4&from={}", first["end"].as_str().unwrap()));
    assert_eq!(ids(&second), [&foreign[0], own.as_str().unwrap()]);
    assert!(second.get("end").is_none());

    let filter = "%7B%22senders%22%3A%5B%22%40gateway%3Ascripted.localhost%22%5D%7D";
    assert_eq!(ids(&messages(&server, &format!("&filter={filter}"))), [own.as_str().unwrap()]);
    server.redact(own.as_str().unwrap());
    assert_eq!(server.events(Homeserver::ROOM)[0].content(), &json!({}));
}

#[test]
fn state_events_and_rooms_are_answered() {
    let server = Homeserver::start();
    server.add_room("!second");
    assert_eq!(
        get(&server, "joined_rooms").ok()["joined_rooms"],
        json!(["!scriptedroomwithanidofroomversion12andnoserver", "!second"])
    );
    let state = format!("rooms/{}/state/m.room.encryption", Homeserver::ROOM);
    assert_eq!(get(&server, &state).status, 404);
    server.set_state(Homeserver::ROOM, "m.room.encryption", json!({ "algorithm": "m.megolm.v1.aes-sha2" }));
    assert_eq!(get(&server, &state).ok()["algorithm"], "m.megolm.v1.aes-sha2");

    let id = server.post_as("@other:h", "!second", json!({}));
    assert_eq!(get(&server, &format!("rooms/!second/event/{id}")).ok()["sender"], "@other:h");
    assert_eq!(get(&server, "rooms/!second/event/$none").json()["errcode"], "M_NOT_FOUND");
    server.remove_room("!second");
    assert_eq!(get(&server, "rooms/!second/messages?dir=b").json()["errcode"], "M_FORBIDDEN");
}

#[test]
fn answers_are_replaced_once_and_in_order() {
    let server = Homeserver::start();
    server.fail_once(Endpoint::Send, Fault::rate_limited(Duration::from_millis(1500)));
    server.fail_once(Endpoint::Send, Fault::html(502));
    server.fail_once(Endpoint::Send, Fault::captive_portal());
    server.fail_once(Endpoint::Send, Fault::error(400, "M_BAD_JSON", "no"));

    let limited = put(&server, "t").unwrap();
    assert_eq!((limited.status, limited.header("retry-after")), (429, Some("2")));
    assert_eq!(limited.json()["retry_after_ms"], 1500);
    let page = put(&server, "t").unwrap();
    assert_eq!((page.status, page.header("content-type")), (502, Some("text/html")));
    let portal = put(&server, "t").unwrap();
    assert!(portal.status == 200 && portal.text().contains("WiFi"));
    assert_eq!(put(&server, "t").unwrap().json(), json!({ "errcode": "M_BAD_JSON", "error": "no" }));
    assert_eq!(count(&server), 0);
    put(&server, "t").unwrap().ok();
    assert_eq!(count(&server), 1);
    assert_eq!(server.requests_for(Endpoint::Send).len(), 5);
}

#[test]
fn a_standing_fault_stays_until_it_is_mended() {
    let server = Homeserver::start();
    server.fail(Endpoint::Send, Fault::forbidden());
    server.fail_once(Endpoint::Send, Fault::html(500));
    let statuses: Vec<_> = (0..3).map(|_| put(&server, "t").unwrap().status).collect();
    assert_eq!(statuses, [500, 403, 403]);
    assert_eq!(get(&server, "account/whoami").status, 200);
    server.mend(Endpoint::Send);
    put(&server, "t").unwrap().ok();
}

#[test]
fn a_lost_answer_is_not_a_lost_message() {
    let server = Homeserver::start();
    for fault in [Fault::dropped(), Fault::dropped().after_commit(), Fault::truncated()] {
        server.fail_once(Endpoint::Send, fault);
    }
    put(&server, "lost").unwrap_err();
    assert_eq!(count(&server), 0);
    put(&server, "dropped").unwrap_err();
    put(&server, "truncated").unwrap_err();
    assert_eq!(count(&server), 2);

    server.fail_once(Endpoint::Send, Fault::html(504).after_commit());
    assert_eq!(put(&server, "late").unwrap().status, 504);
    let before = count(&server);
    put(&server, "late").unwrap().ok();
    assert_eq!((before, count(&server)), (3, 3));
}

#[test]
fn truncated_is_a_reset_in_the_middle_of_the_body() {
    use std::io::{Read, Write};

    let server = Homeserver::start();
    server.fail_once(Endpoint::Versions, Fault::truncated());
    let mut stream = std::net::TcpStream::connect(server.url().trim_start_matches("http://")).unwrap();
    stream.write_all(b"GET /_matrix/client/versions HTTP/1.1\r\n\r\n").unwrap();
    let mut got = Vec::new();
    let error = loop {
        let mut part = [0; 1024];
        match stream.read(&mut part) {
            Ok(0) => panic!("closed, not reset"),
            Ok(n) => got.extend_from_slice(&part[..n]),
            Err(e) => break e,
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    let got = String::from_utf8(got).unwrap();
    assert!(got.starts_with("HTTP/1.1 200") && got.ends_with("\r\n\r\n{\"versions\":[\"v"), "{got}");
}

#[test]
fn time_passes_before_a_slow_answer_and_none_after_a_hang() {
    let server = Homeserver::start();
    let wait = Duration::from_millis(300);
    for fault in [Fault::slow(wait), Fault::hang(wait)] {
        server.fail_once(Endpoint::Send, fault);
    }
    let start = Instant::now();
    put(&server, "slow").unwrap().ok();
    assert!(start.elapsed() >= wait);
    put(&server, "hang").unwrap_err();
    assert!(start.elapsed() >= 2 * wait);
    assert_eq!(count(&server), 1);
}

#[test]
fn a_hanging_server_still_ends_at_once() {
    let server = Homeserver::start();
    server.fail_once(Endpoint::Versions, Fault::hang(Duration::from_secs(600)));
    let versions = format!("{}/_matrix/client/versions", server.url());
    let client = std::thread::spawn(move || http::get(&versions, &[]));
    meshhook_testkit::eventually(Duration::from_secs(5), || server.requests().pop());
    drop(server);
    client.join().unwrap().unwrap_err();
}

#[test]
fn requests_are_kept_as_they_came() {
    let server = Homeserver::start();
    put(&server, "a%2Fb").unwrap().ok();
    let request = server.requests_for(Endpoint::Send).remove(0);
    assert!(request.target.ends_with("/send/m.room.message/a%2Fb"));
    assert_eq!(request.method, "PUT");
    assert_eq!(request.header("authorization"), Some("Bearer syt_scripted_token_1"));
    assert_eq!(request.json()["body"], "x");
    assert_eq!(request.connection, 0);
}

#[test]
fn a_stalled_answer_stops_in_the_middle() {
    let server = Homeserver::start();
    let wait = Duration::from_millis(300);
    server.fail_once(Endpoint::Send, Fault::stalled(wait));
    let start = Instant::now();
    put(&server, "stalled").unwrap_err();
    assert!(start.elapsed() >= wait);
    assert_eq!(count(&server), 1);
}

#[test]
fn a_limit_is_said_in_each_of_the_two_places() {
    let server = Homeserver::start();
    let wait = Duration::from_millis(1500);
    server.fail_once(Endpoint::Send, Fault::rate_limited_in_body(wait));
    server.fail_once(Endpoint::Send, Fault::rate_limited_in_header(wait).after_commit());
    let in_body = put(&server, "t").unwrap();
    assert_eq!((in_body.status, in_body.header("retry-after")), (429, None));
    assert_eq!(in_body.json()["retry_after_ms"], 1500);
    let in_header = put(&server, "t").unwrap();
    assert_eq!((in_header.status, in_header.header("retry-after")), (429, Some("2")));
    assert!(in_header.text().contains("<html>"));
    assert_eq!(count(&server), 1);
}

#[test]
fn what_is_stored_later_is_one_event_all_the_same() {
    let server = Homeserver::start();
    let time = Duration::from_millis(200);
    server.fail_once(Endpoint::Send, Fault::dropped().commits_later(time));
    server.fail_once(Endpoint::Send, Fault::html(504).commits_later(Duration::from_secs(600)));
    put(&server, "dropped").unwrap_err();
    assert_eq!(count(&server), 0);
    meshhook_testkit::eventually(Duration::from_secs(5), || (count(&server) == 1).then_some(()));

    assert_eq!(put(&server, "proxy").unwrap().status, 504);
    let now = put(&server, "proxy").unwrap().ok();
    server.let_arrive();
    assert_eq!((count(&server), put(&server, "proxy").unwrap().ok()), (2, now));
}

#[test]
fn nothing_stored_is_refused() {
    let server = Homeserver::start();
    let refused = || Fault::refused(413, "M_TOO_LARGE", "event too large");
    server.fail_once(Endpoint::Send, Fault::html(504).commits_later(Duration::from_secs(600)));
    server.fail(Endpoint::Send, refused());
    assert_eq!(put(&server, "late").unwrap().status, 504);
    put(&server, "late").unwrap().ok();
    assert_eq!(put(&server, "new").unwrap().json()["errcode"], "M_TOO_LARGE");
    server.mend(Endpoint::Send);
    put(&server, "new").unwrap().ok();
    server.fail(Endpoint::Send, refused());
    put(&server, "new").unwrap().ok();
    assert_eq!(count(&server), 2);
}

#[test]
fn a_forgotten_transaction_id_is_another_event() {
    let server = Homeserver::start();
    let first = put(&server, "t").unwrap().ok();
    server.forget_transactions();
    assert_ne!(put(&server, "t").unwrap().ok(), first);
    let page = messages(&server, "");
    assert!(page["chunk"].as_array().unwrap().iter().all(|event| event["unsigned"]["transaction_id"] == "t"));
}

#[test]
fn what_was_committed_outlives_a_redaction() {
    let server = Homeserver::start();
    let id = put(&server, "t").unwrap().ok()["event_id"].as_str().unwrap().to_owned();
    server.redact(&id);
    server.redact(&id);
    assert_eq!(server.events(Homeserver::ROOM)[0].content(), &json!({}));
    assert_eq!(server.committed(Homeserver::ROOM)[0].body(), Some("x"));
}

#[test]
fn a_connection_ends_with_its_last_answer_or_in_the_middle_of_an_upload() {
    use std::io::{Read, Write};

    let server = Homeserver::start();
    let connect = || std::net::TcpStream::connect(server.url().trim_start_matches("http://")).unwrap();
    server.fail_once(Endpoint::Versions, Fault::last_answer());
    let mut stream = connect();
    stream.write_all(b"GET /_matrix/client/versions HTTP/1.1\r\n\r\n").unwrap();
    let mut whole = String::new();
    stream.read_to_string(&mut whole).unwrap();
    assert!(whole.ends_with('}'), "{whole}");

    server.fail_once(Endpoint::Send, Fault::reset_upload());
    let mut stream = connect();
    let head = format!("PUT /_matrix/client/v3/rooms/{}/send/m.room.message/t HTTP/1.1", Homeserver::ROOM);
    stream.write_all(format!("{head}\r\nContent-Length: 100\r\n\r\n{}", "x".repeat(60)).as_bytes()).unwrap();
    let reset = stream.read(&mut [0; 8]).unwrap_err();
    assert_eq!(reset.kind(), io::ErrorKind::ConnectionReset);
    assert_eq!((server.requests_for(Endpoint::Send)[0].body.len(), count(&server)), (50, 0));
}

#[test]
fn weather_ends_and_tells_what_it_did() {
    let server = Homeserver::start();
    server.set_weather(Weather::new(5).with_longest_hang(Duration::from_millis(120)));
    for n in 0..60 {
        while put(&server, &n.to_string()).ok().is_none_or(|answer| !answer.text().contains("event_id")) {}
    }
    let weather = server.calm().unwrap();
    let faults = server.requests_for(Endpoint::Send).iter().filter(|r| r.fate != "answered").count();
    assert_eq!(weather.counts().values().sum::<u64>(), faults as u64);
    assert!(faults > 10, "{faults}");
    server.let_arrive();
    assert_eq!(count(&server), 60, "each transaction id is one event, whatever the weather");
    put(&server, "calm").unwrap().ok();
    assert!(server.calm().is_none());
}

#[test]
fn it_comes_to_rest_when_its_clients_are_gone() {
    use std::io::Write;

    let server = Homeserver::start();
    let long = Duration::from_secs(600);
    server.fail_once(Endpoint::Send, Fault::hang(long).after_commit());
    server.fail_once(Endpoint::Send, Fault::dropped().commits_later(long));
    let address = server.url().trim_start_matches("http://").to_owned();
    for txn in ["hangs", "later"] {
        let room = Homeserver::ROOM;
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        let token = server.user().token;
        let head = format!("PUT /_matrix/client/v3/rooms/{room}/send/m.room.message/{txn} HTTP/1.1");
        let request = format!("{head}\r\nAuthorization: Bearer {token}\r\nContent-Length: 2\r\n\r\n{{}}");
        stream.write_all(request.as_bytes()).unwrap();
    }
    server.come_to_rest();
    assert_eq!(count(&server), 2);
}
