//! More than is needed: codings, header lines, targets.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::rig::{accepted, build, build_headers, post_build, started};
use crate::wire::{connect, exchange, head};

/// A body that does not come is given up after so long.
const STALLED: Duration = Duration::from_secs(10);

/// The head of a signed POST of so many bytes with more header lines.
fn signed(body: &[u8], more: &[(&str, &str)]) -> String {
    let length = body.len().to_string();
    let headers = build_headers(body);
    let lines = headers.iter().map(|(name, value)| (*name, value.as_str()));
    let all: Vec<_> = lines.chain(more.iter().copied()).chain([("Content-Length", &*length)]).collect();
    head("builds", &all)
}

#[test]
fn a_coded_body_is_refused_before_a_byte_of_it() {
    let (_homeserver, gateway) = started();
    let body = build("1", "running").to_string();
    let gzip = ("Content-Encoding", "gzip");
    for codings in [
        &[gzip][..],
        &[("content-encoding", "DEFLATE")],
        &[("Content-Encoding", "br")],
        &[("Content-Encoding", "zstd")],
        &[("Content-Encoding", "identity, gzip")],
        &[("Content-Encoding", "gzip, identity")],
        &[("Content-Encoding", "identity"), gzip],
        &[gzip, ("Content-Encoding", "identity")],
        &[("Content-Encoding", "x-unknown")],
        &[("Content-Encoding", "\"identity\"")],
        &[("Content-Encoding", "identity;q=1")],
        &[("Content-Encoding", "\u{ff}")],
    ] {
        let more: Vec<_> = codings.iter().copied().chain([("Expect", "100-continue")]).collect();
        let start = Instant::now();
        let mut stream = connect(&gateway);
        stream.write_all(signed(body.as_bytes(), &more).as_bytes()).unwrap();
        // Nothing of the body is ever sent.
        let mut first = [0; 12];
        std::io::Read::read_exact(&mut stream, &mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 415", "{codings:?}");
        assert!(start.elapsed() < STALLED, "{codings:?}");
    }
    accepted(&post_build(&gateway, &build("1", "running")));
}

#[test]
fn heads_have_bounds() {
    let (_homeserver, gateway) = started();
    let post = "POST /hooks/matrix/build-status";
    let line = |target: &str| format!("{post}{target} HTTP/1.1\r\nHost: ci\r\n");
    let hook = line("/builds");
    let name = "x".repeat(40_000);
    for (what, request, status) in [
        ("100 lines more than one", hook.clone() + &"A: b\r\n".repeat(100) + "\r\n", "431"),
        ("1,000 lines", hook.clone() + &"A: b\r\n".repeat(1000) + "\r\n", "431"),
        ("1,000 lines of one that counts", hook.clone() + &"webhook-id: b\r\n".repeat(1000) + "\r\n", "431"),
        ("a value of 40 KB", format!("{hook}A: {name}\r\n\r\n"), "431"),
        ("a name of 40 KB", format!("{hook}{name}: a\r\n\r\n"), "431"),
        ("a name without end", format!("{hook}{name}"), "431"),
        ("an address of 40 KB", line(&format!("/{name}")) + "\r\n", "431"),
        ("a query of 40 KB", line(&format!("/builds?{name}")) + "\r\n", "431"),
        ("a method of 40 KB", format!("{name} / HTTP/1.1\r\nHost: ci\r\n\r\n"), "431"),
        ("an address of 30 KB", line(&format!("/{}", &name[..30_000])) + "Connection: close\r\n\r\n", "401"),
        ("30 KB of empty lines", "\r\n".repeat(15_000), "-"),
    ] {
        let said = exchange(&gateway, request.as_bytes());
        let told = said.get(9..12).unwrap_or("-");
        assert_eq!(told, status, "{what}: {said}");
        assert!(said.len() < 2000, "{what}: nothing is sent back at length: {said}");
    }
    accepted(&post_build(&gateway, &build("1", "running")));
    assert!(gateway.log().len() < 100_000, "what is long is not logged: {}", gateway.log().len());
}
