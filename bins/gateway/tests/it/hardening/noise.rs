//! Many requests that nobody signed, from one address and from very many.

use std::fs;
use std::io::{Read, Write};
use std::process::Command;
use std::thread::scope;
use std::time::Instant;

use meshhook_testkit::Gateway;

use crate::rig::{SOON, accepted, build, build_headers, post_build, started, with};
use crate::wire::{connect, head};

/// Unsigned requests of these addresses on one connection, as a proxy sends them; the statuses of the answers.
fn unsigned(gateway: &Gateway, addresses: impl Iterator<Item = String>) -> Vec<String> {
    let mut stream = connect(gateway);
    let mut requests: Vec<_> = addresses
        .map(|address| head("builds", &[("X-Forwarded-For", &address), ("Content-Length", "0")]))
        .collect();
    requests.push(head("builds", &[("Connection", "close"), ("Content-Length", "0")]));
    let mut writing = stream.try_clone().unwrap();
    let said = scope(|scope| {
        scope.spawn(move || {
            requests.iter().for_each(|request| writing.write_all(request.as_bytes()).unwrap());
        });
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        said
    });
    let mut statuses: Vec<_> =
        said.match_indices("HTTP/1.1 ").map(|(at, _)| said[at + 9..at + 12].to_owned()).collect();
    statuses.pop();
    statuses
}

#[test]
fn a_flood_of_bad_signatures_keeps_no_good_one_of_the_same_address_out() {
    let (_homeserver, gateway) = started();
    const ADDRESS: &str = "198.51.100.7";
    let forged =
        || gateway.post("builds", &with(build_headers(b"{}"), "X-Forwarded-For", ADDRESS), b"{ }").status;
    let genuine = |run: u32| {
        let body = build(&run.to_string(), "running").to_string();
        let start = Instant::now();
        accepted(&gateway.post(
            "builds",
            &with(build_headers(body.as_bytes()), "X-Forwarded-For", ADDRESS),
            body.as_bytes(),
        ));
        start.elapsed()
    };
    scope(|scope| {
        let floods: Vec<_> =
            (0..4).map(|_| scope.spawn(|| (0..200).map(|_| forged()).collect::<Vec<_>>())).collect();
        let slowest = (0..30).map(genuine).max().unwrap();
        assert!(slowest < SOON, "{slowest:?}");
        let statuses: Vec<_> = floods.into_iter().flat_map(|flood| flood.join().unwrap()).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 20);
        assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 780);
    });
}

/// The resident memory of the gateway, in KiB. A system has either of the two for sure.
fn memory(gateway: &Gateway) -> i64 {
    let pid = gateway.pid().to_string();
    let said = match fs::read_to_string(format!("/proc/{pid}/status")) {
        Ok(status) => status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap().replace("kB", ""),
        Err(_) => {
            let output = Command::new("ps").args(["-o", "rss=", "-p", &pid]).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        }
    };
    said.trim().parse().unwrap()
}

#[test]
fn a_hundred_thousand_addresses_take_no_memory_and_fill_no_log() {
    let (_homeserver, gateway) = started();
    let (before, start) = (memory(&gateway), Instant::now());
    scope(|scope| {
        for part in 0..4_u32 {
            let gateway = &gateway;
            // A network of IPv6 each.
            let of = move |n: u32| format!("2001:db8:{part:x}:{n:x}::1");
            scope.spawn(move || assert_eq!(unsigned(gateway, (0..25_000).map(of)).len(), 25_000));
        }
    });
    let grown = memory(&gateway) - before;
    assert!(grown < 24 << 10, "{grown} KiB");
    let refusals = gateway.log().matches("request refused").count();
    let minutes = 2 + usize::try_from(start.elapsed().as_secs() / 60).unwrap();
    assert!(
        (100..=600 * minutes).contains(&refusals),
        "{refusals} lines: up to 600 in each of {minutes} minutes"
    );
    assert!(gateway.log().contains("many requests are refused"));
    accepted(&post_build(&gateway, &build("1", "running")));
}

#[test]
fn a_network_of_ipv6_is_one_stranger() {
    let (_homeserver, gateway) = started();
    let statuses = unsigned(&gateway, (0..1000).map(|n| format!("2001:db8:0:1:{n:x}::{n:x}")));
    assert_eq!(statuses.iter().filter(|status| **status == "401").count(), 20);
    assert_eq!(statuses.iter().filter(|status| **status == "429").count(), 980);
    assert_eq!(unsigned(&gateway, std::iter::once("2001:db8:0:2::1".to_owned())), ["401"]);
}
