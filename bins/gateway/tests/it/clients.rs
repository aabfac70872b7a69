//! From where a source may post, with and without proxies in between.

use meshhook_testkit::Homeserver;

use crate::rig::{BUILDS, build, build_headers, scripted};

/// A source that may post from 192.0.2.0/24 only.
fn answered(trusted: &str, forwarded: &[&str]) -> u16 {
    let homeserver = Homeserver::start();
    let gateway = scripted(&homeserver)
        .line("server", &format!("trusted_proxies = {trusted}"))
        .source("elsewhere", "standard", &BUILDS.replace("bWVz", "bWVt"))
        .in_source("allow_from = [\"192.0.2.0/24\"]")
        .start()
        .unwrap();
    let body = build("1", "running").to_string();
    let mut headers = signed(body.as_bytes());
    headers.extend(forwarded.iter().map(|line| ("X-Forwarded-For", (*line).to_owned())));
    gateway.post("elsewhere", &headers, body.as_bytes()).status
}

fn signed(body: &[u8]) -> meshhook_testkit::signed::Headers {
    meshhook_testkit::signed::standard(&BUILDS.replace("bWVz", "bWVt"), "msg_1", crate::rig::now(), body)
}

const LOOPBACK: &str = "[\"127.0.0.1/32\", \"10.0.0.0/8\"]";

#[test]
fn an_address_in_the_list_is_let_in_and_no_other() {
    for (forwarded, status) in [
        (&["192.0.2.1"][..], 202),
        (&["203.0.113.1, 192.0.2.1"], 202),
        (&["203.0.113.1", "192.0.2.1, 10.0.0.1"], 202),
        (&["::ffff:192.0.2.1"], 202),
        (&["192.0.2.1, 203.0.113.1"], 401),
        (&["192.0.2.1", "203.0.113.1"], 401),
        (&["192.0.2.1, garbage"], 401),
        (&[], 401),
    ] {
        assert_eq!(answered(LOOPBACK, forwarded), status, "{forwarded:?}");
    }
}

#[test]
fn nobody_is_believed_about_others_who_is_no_trusted_proxy() {
    assert_eq!(answered("[\"10.0.0.0/8\"]", &["192.0.2.1"]), 401);
    assert_eq!(answered("[]", &["192.0.2.1"]), 401);
}

#[test]
fn no_other_header_names_the_client() {
    let homeserver = Homeserver::start();
    let gateway = scripted(&homeserver).in_source("allow_from = [\"192.0.2.0/24\"]").start().unwrap();
    let body = build("1", "running").to_string();
    let mut headers = build_headers(body.as_bytes());
    headers.push(("Forwarded", "for=192.0.2.1".to_owned()));
    headers.push(("X-Real-IP", "192.0.2.1".to_owned()));
    assert_eq!(gateway.post("builds", &headers, body.as_bytes()).status, 401);
}
