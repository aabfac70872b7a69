//! One call is one request, whatever becomes of it.

use std::thread;
use std::time::{Duration, Instant};

use meshhook_matrix::{Client, FailureKind, Options};
use meshhook_testkit::{Endpoint, Fault, Homeserver};

use crate::{client, token};

const HELLO: &str = "{ \"msgtype\": \"m.notice\",\n \"body\": \"gr\u{fc}\u{df}e\" }";
const ROOM: &str = Homeserver::ROOM;

#[test]
fn a_send_is_one_request_as_it_is_specified() {
    let server = Homeserver::start();
    server.add_room("!old:host.example");
    let token = token(&server.user().token);
    client(&server.url()).send(&token, "!old:host.example", "a/b", HELLO).unwrap();

    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    let mut shown = format!("{} {}\n", requests[0].method, requests[0].target);
    for (name, value) in requests[0].headers.iter().filter(|(name, _)| name != "host") {
        shown += &format!("{name}: {value}\n");
    }
    insta::assert_snapshot!(shown, @r"
    PUT /_matrix/client/v3/rooms/%21old%3Ahost.example/send/m.room.message/a%2Fb
    accept-encoding: identity
    content-length: 45
    user-agent: meshhook-matrix/0.1.0
    accept: */*
    authorization: Bearer syt_scripted_token_1
    content-type: application/json
    ");
    assert_eq!(requests[0].body, HELLO.as_bytes());
}

#[test]
fn no_fault_makes_a_second_request() {
    let server = Homeserver::start();
    let (client, token) = (client(&server.url()), token(&server.user().token));
    let faults = [
        Fault::dropped(),
        Fault::dropped().after_commit(),
        Fault::truncated(),
        Fault::html(502),
        Fault::html(504).after_commit(),
        Fault::captive_portal(),
        Fault::error(503, "M_UNKNOWN", "busy"),
        Fault::html(301).header("Location", "/_matrix/client/v3/account/whoami"),
        Fault::html(307).header("Location", &server.url()),
        Fault::html(401).header("WWW-Authenticate", "Basic"),
        Fault::html(408),
        Fault::html(417),
        Fault::html(425),
    ];
    let mut sent = 0;
    for fault in faults {
        // On a connection that has served before: a stale one is where clients repeat.
        client.whoami(&token).unwrap();
        server.fail_once(Endpoint::Send, fault.clone());
        let failure = client.send(&token, ROOM, &format!("t{sent}"), HELLO).unwrap_err();
        sent += 1;
        assert_eq!(failure.kind, FailureKind::Unknown, "{fault:?}");
        assert_eq!(server.requests_for(Endpoint::Send).len(), sent, "{fault:?}");
    }
    let all = server.requests_for(Endpoint::Send).len() + server.requests_for(Endpoint::Whoami).len();
    assert_eq!(server.requests().len(), all);
}

#[test]
fn a_connection_is_used_again_for_a_moment_only() {
    let server = Homeserver::start();
    let (client, token) = (client(&server.url()), token(&server.user().token));
    client.send(&token, ROOM, "t1", HELLO).unwrap();
    client.send(&token, ROOM, "t2", HELLO).unwrap();
    thread::sleep(Duration::from_millis(3200));
    client.send(&token, ROOM, "t3", HELLO).unwrap();
    let connections: Vec<_> = server.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [0, 0, 1]);
}

#[test]
fn the_deadline_is_for_everything_together() {
    let server = Homeserver::start();
    let mut options = Options::new(server.url());
    options.deadline = Duration::from_millis(400);
    let (client, token) = (Client::new(options).unwrap(), token(&server.user().token));

    for fault in [Fault::slow(Duration::from_secs(60)), Fault::stalled(Duration::from_secs(60))] {
        server.fail_once(Endpoint::Send, fault);
        let start = Instant::now();
        let failure = client.send(&token, ROOM, "t1", HELLO).unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(5));
        assert_eq!((failure.kind, failure.status), (FailureKind::Unknown, None));
        assert!(failure.detail.contains("in time"), "{failure}");
    }
    // The message is in the room all the same: the same transaction id gives its event.
    client.send(&token, ROOM, "t1", HELLO).unwrap();
    assert_eq!(server.events(ROOM).len(), 1);
}

#[test]
fn an_answer_is_not_read_without_end() {
    let server = Homeserver::start();
    let (client, token) = (client(&server.url()), token(&server.user().token));
    let padding = " ".repeat(70_000);
    server.fail_once(
        Endpoint::Send,
        Fault::text(200, "application/json", &format!(r#"{{"event_id":"$x"}}{padding}"#)),
    );
    assert_eq!(client.send(&token, ROOM, "t1", HELLO).unwrap_err().kind, FailureKind::Unknown);
    // What a status alone proves it proves with a long body too.
    server.fail_once(Endpoint::Send, Fault::text(429, "text/html", &padding));
    assert_eq!(
        client.send(&token, ROOM, "t1", HELLO).unwrap_err().kind,
        FailureKind::Limited { retry_after: None }
    );
}

#[test]
fn a_path_before_the_api_is_kept() {
    let server = Homeserver::start();
    let failure = client(&format!("{}/hs/", server.url())).versions().unwrap_err();
    assert_eq!((failure.status, failure.kind), (Some(404), FailureKind::Unknown));
    assert_eq!(server.requests()[0].target, "/hs/_matrix/client/versions");
}
