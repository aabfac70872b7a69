//! Pages in the operator's browser, and names that were pointed at loopback.

use std::io::Write;

use meshhook_testkit::http::{self, Answer};
use meshhook_testkit::{Endpoint, Fault, Gateway, Homeserver, eventually};

use crate::rig::{SOON, accepted, build, post_build, scripted, started};
use crate::wire;

/// An order that would give up a delivery of that gateway, with all that it takes but for these header lines.
fn order(gateway: &Gateway, delivery: &str, more: &[(&str, &str)]) -> Answer {
    let bearer = format!("Bearer {}", gateway.admin_token());
    let all = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let headers: Vec<_> = all.into_iter().chain(more.iter().copied()).collect();
    http::send("POST", &format!("{}/deliveries/{delivery}/drop", gateway.admin_url()), &headers, b"{}")
        .unwrap()
}

/// A gateway with a delivery that an order could drop.
fn with_a_delivery() -> (Homeserver, Gateway, String) {
    let homeserver = Homeserver::start();
    homeserver.fail_once(Endpoint::Send, Fault::error(400, "M_BAD_JSON", "Nothing like this"));
    let gateway = scripted(&homeserver).start().unwrap();
    let answer = accepted(&post_build(&gateway, &build("1", "failed")));
    let delivery = answer["delivery"].as_str().unwrap().to_owned();
    eventually(SOON, || (status(&gateway, &delivery) == "parked").then_some(()));
    (homeserver, gateway, delivery)
}

fn status(gateway: &Gateway, delivery: &str) -> String {
    let life = gateway.admin_get(&format!("/deliveries/{delivery}")).ok();
    life["status"].as_str().unwrap().to_owned()
}

#[test]
fn no_page_of_another_site_gives_orders_even_with_the_token() {
    let (_homeserver, gateway, delivery) = with_a_delivery();
    for more in [
        &[("Host", "rebound.example.org")][..],
        &[("Host", "rebound.example.org:8788"), ("Origin", "http://rebound.example.org:8788")],
        &[("Origin", "https://evil.example.org")],
        &[("Origin", "null")],
        &[("Origin", "http://127.0.0.1")],
        &[("Origin", "http://127.0.0.1.evil.example.org")],
        &[("Origin", "")],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Sec-Fetch-Site", "")],
        &[("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")],
    ] {
        let answer = order(&gateway, &delivery, more);
        assert_eq!((answer.status, &answer.json()["code"]), (403, &"forbidden".into()), "{more:?}");
        assert!(!answer.headers.iter().any(|(name, _)| name.starts_with("access-control-")));
    }
    assert_eq!(status(&gateway, &delivery), "parked");
    assert_eq!(order(&gateway, &delivery, &[("Sec-Fetch-Site", "same-origin")]).status, 200);
}

/// What a form, an image or a link can do in any browser, without asking first.
#[test]
fn what_a_page_can_send_without_asking_is_no_order() {
    let (_homeserver, gateway, delivery) = with_a_delivery();
    let bearer = format!("Bearer {}", gateway.admin_token());
    let path = format!("{}/deliveries/{delivery}/drop", gateway.admin_url());
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
    ] {
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", content_type)];
        assert_eq!(http::send("POST", &path, &headers, b"{}").unwrap().status, 415, "{content_type}");
    }
    for (name, value) in [
        ("X-HTTP-Method-Override", "POST"),
        ("X-Method-Override", "POST"),
        ("X-HTTP-Method", "POST"),
        ("X-Original-Method", "POST"),
    ] {
        let headers = [("Authorization", bearer.as_str()), (name, value)];
        assert_eq!(http::get(&path, &headers).unwrap().status, 405, "{name}");
    }
    assert_eq!(
        http::get(&format!("{path}?_method=POST"), &[("Authorization", &bearer)]).unwrap().status,
        405
    );
    assert_eq!(status(&gateway, &delivery), "parked");
}

#[test]
fn a_browser_that_asks_first_is_told_no() {
    let (_homeserver, gateway, delivery) = with_a_delivery();
    let path = format!("{}/deliveries/{delivery}/drop", gateway.admin_url());
    let asks =
        [("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "authorization")];
    for (origin, status) in [("https://evil.example.org", 403), (&*gateway.admin_url(), 405)] {
        let headers: Vec<_> = asks.into_iter().chain([("Origin", origin)]).collect();
        let answer = http::send("OPTIONS", &path, &headers, b"").unwrap();
        assert_eq!(answer.status, status, "{origin}");
        assert!(!answer.headers.iter().any(|(name, _)| name.starts_with("access-control-")), "{origin}");
    }
}

/// A browser sends these along by itself; the token it does not.
#[test]
fn nothing_but_the_header_proves_an_operator() {
    let (_homeserver, gateway) = started();
    let token = gateway.admin_token();
    let url = gateway.admin_url();
    let cookie = format!("token={token}; Authorization=Bearer {token}");
    for (path, header) in [
        (format!("/deliveries?token={token}"), None),
        (format!("/deliveries?access_token={token}"), None),
        ("/deliveries".to_owned(), Some(("Cookie", &cookie))),
        ("/deliveries".to_owned(), Some(("X-Admin-Token", &token))),
        ("/deliveries".to_owned(), Some(("Proxy-Authorization", &cookie))),
    ] {
        let headers: Vec<_> = header.into_iter().map(|(name, value)| (name, value.as_str())).collect();
        assert_eq!(http::get(&(url.clone() + &path), &headers).unwrap().status, 401, "{path} {header:?}");
    }
    assert!(!gateway.log().contains(&token));
}

#[test]
fn a_name_is_told_once_and_is_ours() {
    let (_homeserver, gateway) = started();
    for (request, status) in [
        ("GET /livez HTTP/1.1\r\nHost: localhost\r\n", 200),
        ("GET http://localhost/livez HTTP/1.1\r\nHost: localhost\r\n", 200),
        ("GET /livez HTTP/1.1\r\n", 403),
        ("GET /livez HTTP/1.1\r\nHost:\r\n", 403),
        ("GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: evil.example.org\r\n", 403),
        ("GET /livez HTTP/1.1\r\nHost: evil.example.org\r\nX-Forwarded-Host: localhost\r\n", 403),
        ("GET /livez HTTP/1.1\r\nHost: localhost, evil.example.org\r\n", 403),
        ("GET /livez HTTP/1.1\r\nHost: localhost@evil.example.org\r\n", 403),
        ("GET /livez HTTP/1.1\r\nHost: 2130706433\r\n", 403),
        ("GET /livez HTTP/1.1\r\nHost: 0\r\n", 403),
        ("GET http://evil.example.org/livez HTTP/1.1\r\nHost: localhost\r\n", 403),
        ("GET http://localhost/livez HTTP/1.1\r\nHost: evil.example.org\r\n", 403),
    ] {
        let mut stream = wire::to(&gateway.admin_url());
        stream.write_all(format!("{request}Connection: close\r\n\r\n").as_bytes()).unwrap();
        let said = wire::rest(&mut stream);
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {said}");
    }
}
