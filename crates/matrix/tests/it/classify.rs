//! What an answer proves, off the wire.

use std::time::Duration;

use meshhook_matrix::{Client, Failure, FailureKind, Fingerprint, Options, OptionsError, ProxyAddress};
use meshhook_testkit::{Endpoint, Fault, Homeserver};
use serde_json::json;

use crate::{client, token};

fn send(server: &Homeserver, fault: Fault) -> Failure {
    server.fail_once(Endpoint::Send, fault);
    let (client, token) = (client(&server.url()), token(&server.user().token));
    client.send(&token, Homeserver::ROOM, "t1", r#"{"msgtype":"m.notice","body":"x"}"#).unwrap_err()
}

#[test]
fn success_is_an_event_id_and_nothing_else() {
    let server = Homeserver::start();
    for (status, body) in [
        (200, json!({})),
        (200, json!({ "event_id": "no dollar" })),
        (200, json!({ "event_id": "$" })),
        (200, json!({ "event_id": 7 })),
        (200, json!({ "event_id": format!("${}", "x".repeat(255)) })),
        (200, json!(["$x"])),
        (201, json!({ "event_id": "$x" })),
        (202, json!({ "event_id": "$x" })),
        (204, json!("")),
    ] {
        let failure = send(&server, Fault::status(status, &body));
        assert_eq!(failure.kind, FailureKind::Unknown, "{status} {body}");
    }
}

#[test]
fn a_proxys_status_is_no_proof_of_anything() {
    let server = Homeserver::start();
    for status in [400, 401, 403, 404, 405, 413, 418, 500, 502, 503, 504] {
        let failure = send(&server, Fault::html(status));
        assert_eq!((failure.kind, failure.status), (FailureKind::Unknown, Some(status)), "{failure}");
    }
}

#[test]
fn a_limit_of_any_kind_is_one() {
    let server = Homeserver::start();
    let limited = |wait| FailureKind::Limited { retry_after: wait };
    let seconds = |n| Some(Duration::from_secs(n));
    // The header is preferred, and rounded up by the homeserver.
    assert_eq!(send(&server, Fault::rate_limited(Duration::from_millis(1500))).kind, limited(seconds(2)));
    assert_eq!(send(&server, Fault::html(429)).kind, limited(None));
    assert_eq!(send(&server, Fault::html(429).header("Retry-After", "3")).kind, limited(seconds(3)));
    assert_eq!(send(&server, Fault::html(429).header("Retry-After", "7200")).kind, limited(seconds(600)));
    let dated = Fault::html(429)
        .header("Date", "Mon, 23 Nov 2026 08:00:00 GMT")
        .header("Retry-After", "Mon, 23 Nov 2026 08:00:40 GMT");
    assert_eq!(send(&server, dated).kind, limited(seconds(40)));
}

#[test]
fn a_device_to_be_made_is_told_from_a_refusal() {
    let server = Homeserver::start();
    assert_eq!(send(&server, Fault::error(400, "M_UNKNOWN_DEVICE", "no")).kind, FailureKind::UnknownDevice);
    assert_eq!(send(&server, Fault::error(400, "M_UNKNOWN", "no")).kind, FailureKind::Refused);
}

#[test]
fn a_token_that_the_homeserver_repeats_is_not_shown() {
    let server = Homeserver::start();
    let secret = r#"syt_"quoted"_\token"#.to_owned();
    server.change_token(&secret);
    for status in [400, 401, 403, 500] {
        let failure = send(&server, Fault::error(status, "M_FORBIDDEN", &format!("no good: {secret}")));
        assert_eq!(failure.detail, "no good: [token]");
        assert!(!format!("{failure} {failure:?}").contains(&secret));
    }
    let failure = send(&server, Fault::html(302).header("Location", &format!("/login?token={secret}")));
    assert!(!format!("{failure} {failure:?}").contains(&secret) && failure.detail.contains("[token]"));
}

#[test]
fn options_that_cannot_work_are_told_at_once() {
    let with = |change: fn(&mut Options)| {
        let mut options = Options::new("https://matrix.example.org");
        change(&mut options);
        Client::new(options).map(|_| ())
    };
    assert_eq!(with(|_| ()), Ok(()));
    assert_eq!(with(|o| o.user_agent = "a\nb".into()), Err(OptionsError::UserAgent));
    assert_eq!(with(|o| o.ca_pem = Some(b"no pem".to_vec())), Err(OptionsError::Certificates));
    let broken = |o: &mut Options| {
        let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        o.ca_pem = Some(pem.into());
    };
    assert_eq!(with(broken), Err(OptionsError::Certificates));
    let plain = with(|o| o.homeserver = "http://matrix.example.org".into()).unwrap_err();
    assert!(matches!(plain, OptionsError::Homeserver(_)) && plain.to_string().contains("use https"));
    let pinned = |o: &mut Options| o.fingerprints = vec![Fingerprint::PublicKey([0; 32])];
    let proxied = |o: &mut Options| o.proxy = ProxyAddress::new("http://127.0.0.1:3128").ok();
    assert_eq!((with(pinned), with(proxied)), (Ok(()), Ok(())));
    let on_loopback = |change: fn(&mut Options)| {
        let mut options = Options::new("http://127.0.0.1:8008");
        change(&mut options);
        Client::new(options).map(|_| ())
    };
    assert_eq!(on_loopback(pinned), Err(OptionsError::FingerprintsOverHttp));
    assert_eq!(on_loopback(proxied), Err(OptionsError::ProxyOverHttp));
}
