//! What an `X-Forwarded-For` may say, and from whom.

use meshhook_testkit::signed::Headers;
use meshhook_testkit::{Gateway, Homeserver};

use crate::rig::{build, build_headers, scripted, with};

/// A gateway whose source `builds` may be posted from 192.0.2.0/24 alone, and these proxies.
fn gateway(trusted: &str) -> (Homeserver, Gateway) {
    let homeserver = Homeserver::start();
    let gateway = scripted(&homeserver)
        .line("server", &format!("trusted_proxies = {trusted}"))
        .in_source("allow_from = [\"192.0.2.0/24\"]")
        .start()
        .unwrap();
    (homeserver, gateway)
}

/// What a genuine request is answered under these lines.
fn answered(gateway: &Gateway, lines: &[String]) -> u16 {
    let body = build("1", "running").to_string();
    let mut headers: Headers = build_headers(body.as_bytes());
    headers.extend(lines.iter().map(|line| ("X-Forwarded-For", line.clone())));
    gateway.post("builds", &headers, body.as_bytes()).status
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

/// Each claims an address that is let in.
fn claims() -> Vec<Vec<String>> {
    let thousand = vec!["192.0.2.1"; 1000].join(", ");
    let mut claims: Vec<_> = [
        &["192.0.2.1"][..],
        &["192.0.2.1", "192.0.2.2"],
        &["192.0.2.1, 127.0.0.1"],
        &["127.0.0.1, 192.0.2.1"],
        &["::ffff:192.0.2.1"],
        &["192.0.2.1:443"],
        &["[::ffff:192.0.2.1]:443"],
        &["\"192.0.2.1\""],
        &["for=192.0.2.1"],
        &["192.0.2.1", ""],
        &["", "192.0.2.1"],
    ]
    .map(lines)
    .into();
    claims.push(vec![thousand]);
    claims.push(vec!["192.0.2.1".to_owned(); 80]);
    claims
}

#[test]
fn nobody_but_a_trusted_proxy_is_believed() {
    for trusted in ["[]", "[\"10.0.0.0/8\"]"] {
        let (_homeserver, gateway) = gateway(trusted);
        for claim in claims() {
            let status = answered(&gateway, &claim);
            assert!(matches!(status, 401 | 429), "{claim:?}: {status}");
        }
    }
}

#[test]
fn failures_are_counted_of_who_connects_whatever_it_claims() {
    let homeserver = Homeserver::start();
    let gateway = scripted(&homeserver).line("server", "trusted_proxies = []").start().unwrap();
    let forged = |n: u32| {
        let headers = with(build_headers(b"{}"), "X-Forwarded-For", &format!("198.51.100.{n}"));
        gateway.post("builds", &headers, b"{ }").status
    };
    let statuses: Vec<_> = (0..30).map(forged).collect();
    assert_eq!(statuses, [[401; 20].as_slice(), &[429; 10]].concat());
}

#[test]
fn behind_a_trusted_proxy_the_last_that_is_none_counts() {
    let (_homeserver, gateway) = gateway("[\"127.0.0.1/32\", \"10.0.0.0/8\"]");
    let thousand = vec!["203.0.113.9"; 1000].join(", ");
    let all_trusted = vec!["10.0.0.1"; 1000].join(", ");
    for (claim, status) in [
        (vec![format!("{thousand}, 192.0.2.1")], 202),
        (vec![format!("192.0.2.1, {all_trusted}")], 202),
        (vec![thousand, "192.0.2.1".to_owned()], 202),
        (vec![all_trusted.clone()], 401),
        (lines(&["192.0.2.1", "10.0.0.1, 10.0.0.2"]), 202),
        (lines(&["nonsense, 192.0.2.1"]), 202),
        (lines(&["192.0.2.1, nonsense"]), 401),
        (lines(&["192.0.2.1, 192.168.0.1"]), 401),
        (lines(&["192.0.2.1, 172.16.0.1"]), 401),
        (lines(&["192.0.2.1, ::ffff:10.0.0.1"]), 202),
        (lines(&["192.0.2.1:443"]), 401),
        (lines(&["[192.0.2.1]"]), 401),
        (lines(&["192.0.2.1%eth0"]), 401),
        (lines(&["3221225985"]), 401),
        (lines(&["0xC0.0.2.1"]), 401),
        (lines(&["192.0.2.1", ""]), 401),
        (lines(&["192.0.2.1,"]), 401),
        (lines(&["192.0.2.1; 203.0.113.9"]), 401),
    ] {
        assert_eq!(answered(&gateway, &claim), status, "{claim:?}");
    }
}
