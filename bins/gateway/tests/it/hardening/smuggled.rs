//! One byte stream, two readings: what a proxy and a server could take for different requests.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::Shutdown;

use meshhook_testkit::Gateway;

use crate::rig::{accepted, build, build_headers, post_build, started};
use crate::wire::{connect, rest};

const HOOK: &str = "/hooks/matrix/build-status/builds";

/// A whole genuine POST; `line` is its first one, and these header lines come after the signed ones.
fn genuine(line: &str, run: &str, more: &str) -> String {
    let body = build(run, "running").to_string();
    let mut request = format!("{line}\r\nHost: ci\r\n");
    for (name, value) in build_headers(body.as_bytes()) {
        write!(request, "{name}: {value}\r\n").unwrap();
    }
    request + more + &format!("Content-Length: {}\r\n\r\n{body}", body.len())
}

/// One that must not be found anywhere.
fn smuggled() -> String {
    genuine(&format!("POST {HOOK} HTTP/1.1"), "smuggled", "")
}

/// The status lines of all that is answered to these bytes.
fn statuses(gateway: &Gateway, bytes: &[u8]) -> Vec<String> {
    let mut stream = connect(gateway);
    // What is refused early is reset.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let said = rest(&mut stream);
    said.match_indices("HTTP/1.").map(|(at, _)| said[at + 9..at + 12].to_owned()).collect()
}

/// What is answered to each: bytes in which some reader might find the smuggled request.
fn told(gateway: &Gateway, cases: &[(&str, String)]) -> String {
    let mut told = String::new();
    for (name, bytes) in cases {
        let statuses = statuses(gateway, bytes.as_bytes());
        // What is left over may be refused as no request, which ends the connection.
        let again: Vec<_> = statuses.iter().skip(1).collect();
        assert!(again.is_empty() || again == ["400"], "{name}: {statuses:?}");
        let found = gateway.admin_get("/deliveries?run=smuggled").ok();
        assert_eq!(found["deliveries"].as_array().unwrap().len(), 0, "{name}: {found}");
        let statuses = if statuses.is_empty() { "-".to_owned() } else { statuses.join(" ") };
        writeln!(told, "{name:<42} {statuses}").unwrap();
    }
    accepted(&post_build(gateway, &build("after", "running")));
    assert!(!gateway.log().contains("panic"));
    told
}

/// A POST with these framing lines, unsigned, and what follows its head.
fn framed(lines: &str, rest: &str) -> String {
    format!("POST {HOOK} HTTP/1.1\r\nHost: ci\r\n{lines}\r\n{rest}")
}

#[test]
fn a_length_is_read_in_one_way_or_not_at_all() {
    let (_homeserver, gateway) = started();
    let inner = smuggled();
    let chunk = format!("{:x}\r\n{inner}\r\n0\r\n\r\n", inner.len());
    let after_end = format!("0\r\n\r\n{inner}");
    let cases = [
        (
            "length, then chunks that end at once",
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            &after_end,
        ),
        (
            "chunks that end at once, then length",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            &after_end,
        ),
        ("short length, one chunk", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", &chunk),
        ("one chunk, short length", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", &chunk),
        ("two lengths, the first none", "Content-Length: 0\r\nContent-Length: 999\r\n", &inner),
        ("two lengths, the last none", "Content-Length: 999\r\nContent-Length: 0\r\n", &inner),
        ("lengths in a list", "Content-Length: 0, 999\r\n", &inner),
        ("length with a sign", "Content-Length: +0\r\n", &inner),
        ("length below none", "Content-Length: -1\r\n", &inner),
        ("length in hex", "Content-Length: 0x0\r\n", &inner),
        ("length of nothing", "Content-Length:\r\n", &inner),
        ("length beyond 64 bits", "Content-Length: 18446744073709551616\r\n", &inner),
        ("chunked, identity", "Transfer-Encoding: chunked, identity\r\n", &after_end),
        ("identity", "Transfer-Encoding: identity\r\n", &after_end),
        (
            "chunked, then identity",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            &after_end,
        ),
        ("gzip", "Transfer-Encoding: gzip\r\n", &after_end),
        ("xchunked", "Transfer-Encoding: xchunked\r\n", &after_end),
        ("chunked in quotes", "Transfer-Encoding: \"chunked\"\r\n", &after_end),
        ("chunked with a parameter", "Transfer-Encoding: chunked;q=1\r\n", &after_end),
        ("vertical tab before chunked", "Transfer-Encoding: \x0bchunked\r\n", &after_end),
        ("NUL after chunked", "Transfer-Encoding: chunked\0\r\n", &after_end),
        ("space before the colon", "Transfer-Encoding : chunked\r\n", &after_end),
        ("tab before the colon", "Content-Length\t: 0\r\n", &inner),
        ("a folded line", "X-A: b\r\n Transfer-Encoding: chunked\r\n", &after_end),
        ("a folded value", "Transfer-Encoding:\r\n chunked\r\n", &after_end),
        ("a line that begins with a blank", " Transfer-Encoding: chunked\r\n", &after_end),
        ("a line without a colon", "Transfer-Encoding\r\n", &after_end),
        ("a line without a name", ": chunked\r\n", &after_end),
        ("a bare CR in a value", "X-A: b\rTransfer-Encoding: chunked\r\n", &after_end),
        ("NUL in a value", "X-A: b\0c\r\n", &inner),
        ("NUL in a name", "X-\0A: b\r\n", &inner),
    ];
    let cases = cases.map(|(name, lines, rest)| (name, framed(lines, rest)));
    insta::assert_snapshot!(told(&gateway, &cases));
}

#[test]
fn chunks_are_read_in_one_way_or_not_at_all() {
    let (_homeserver, gateway) = started();
    let inner = smuggled();
    let cases = [
        ("a size beyond 64 bits", format!("10000000000000000\r\n{inner}")),
        ("the largest size", format!("FFFFFFFFFFFFFFFF\r\n{inner}")),
        ("the largest but two", format!("FFFFFFFFFFFFFFFD\r\n{inner}")),
        ("a size with a sign", format!("+0\r\n\r\n{inner}")),
        ("a size below none", format!("-1\r\n\r\n{inner}")),
        ("a size in C's hex", format!("0x0\r\n\r\n{inner}")),
        ("no size", format!("\r\n\r\n{inner}")),
        ("blanks in a size", format!("0 0\r\n\r\n{inner}")),
        ("a size's line that ends in LF", format!("0\n\r\n{inner}")),
        ("a last line that ends in LF", format!("0\r\n\n{inner}")),
        ("an extension with LF", format!("0;a\n\r\n\r\n{inner}")),
        ("an extension with CR", format!("0;a\rb\r\n\r\n{inner}")),
        ("an extension of 20 KB", format!("0;{}\r\n\r\n{inner}", "a".repeat(20_000))),
        ("data longer than its size", format!("2\r\nabcd\r\n0\r\n\r\n{inner}")),
        ("data without its end", format!("2\r\nab0\r\n\r\n{inner}")),
        ("trailers of 40 KB", format!("0\r\nX-A: {}\r\n\r\n{inner}", "a".repeat(40_000))),
        ("2,000 trailers", format!("0\r\n{}\r\n{inner}", "X-A: b\r\n".repeat(2000))),
        ("a trailer with NUL", format!("0\r\nX-A: \0\r\n\r\n{inner}")),
    ];
    let body = |rest: String| genuine_in_chunks("outer", &rest);
    let cases = cases.map(|(name, rest)| (name, body(rest)));
    insta::assert_snapshot!(told(&gateway, &cases));
}

/// A genuine body in one chunk, and what comes where its last chunk should.
fn genuine_in_chunks(run: &str, rest: &str) -> String {
    let body = build(run, "running").to_string();
    let headers = build_headers(body.as_bytes());
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = framed(&(lines + "Transfer-Encoding: chunked\r\n"), "");
    format!("{head}{:x}\r\n{body}\r\n{rest}", body.len())
}

#[test]
fn a_request_line_is_read_in_one_way_or_not_at_all() {
    let (_homeserver, gateway) = started();
    let with = |line: &str| genuine(line, "smuggled", "");
    let cases = [
        ("HTTP/0.9", format!("POST {HOOK}\r\n\r\n{}", smuggled())),
        ("HTTP/0.9 by its number", with(&format!("POST {HOOK} HTTP/0.9"))),
        ("HTTP/1.2", with(&format!("POST {HOOK} HTTP/1.2"))),
        ("HTTP/2.0", with(&format!("POST {HOOK} HTTP/2.0"))),
        ("HTTP/11", with(&format!("POST {HOOK} HTTP/11"))),
        ("the preface of HTTP/2", format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{}", smuggled())),
        ("two blanks before the target", with(&format!("POST  {HOOK} HTTP/1.1"))),
        ("two blanks after the target", with(&format!("POST {HOOK}  HTTP/1.1"))),
        ("a tab", with(&format!("POST\t{HOOK} HTTP/1.1"))),
        ("a blank in front", with(&format!(" POST {HOOK} HTTP/1.1"))),
        ("a blank in the target", with("POST /hooks/matrix/build-status /builds HTTP/1.1")),
        ("a method in lower case", with(&format!("post {HOOK} HTTP/1.1"))),
        ("a target without its slash", with(&format!("POST {} HTTP/1.1", &HOOK[1..]))),
        ("the target of CONNECT", with("CONNECT ci:443 HTTP/1.1")),
        ("the form of CONNECT", with("POST ci:443 HTTP/1.1")),
        ("an asterisk", with("POST * HTTP/1.1")),
        ("a fragment", with(&format!("POST {HOOK}x#/../builds HTTP/1.1"))),
        ("dots", with("POST /hooks/matrix/build-status/x/../builds HTTP/1.1")),
        ("a coded slash", with("POST /hooks/matrix/build-status%2fbuilds HTTP/1.1")),
        ("a coded letter", with("POST /hooks/matrix/build-status/%62uilds HTTP/1.1")),
        ("chunks in HTTP/1.0", {
            let chunked = format!("POST {HOOK} HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
            chunked + &smuggled()
        }),
    ];
    insta::assert_snapshot!(told(&gateway, &cases));
}

#[test]
fn what_a_refused_request_left_unread_is_no_request() {
    let (_homeserver, gateway) = started();
    let inner = smuggled();
    let long = format!("Content-Length: {}\r\n", 100 << 20);
    let asks = format!("Content-Length: {}\r\nExpect: 100-continue\r\n", inner.len());
    let filler = " ".repeat(26 << 20);
    let cases = [
        ("longer than is taken", framed(&long, &inner)),
        ("longer than is drained", framed(&long, &(filler + &inner))),
        ("shorter than announced", framed("Content-Length: 99999\r\n", &inner)),
        ("whoever asks whether to go on, and does", framed(&asks, &inner)),
        (
            "an upgrade to HTTP/2",
            framed(
                "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 9999\r\n",
                &inner,
            ),
        ),
        (
            "a websocket",
            framed("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 9999\r\n", &inner),
        ),
    ];
    insta::assert_snapshot!(told(&gateway, &cases));
}

#[test]
fn what_is_clear_is_taken_one_after_the_other() {
    let (_homeserver, gateway) = started();
    let line = format!("POST {HOOK} HTTP/1.1");
    let refused = |lines: &str, rest: &str| framed(lines, rest);
    let inner = smuggled();
    let whole = format!("Content-Length: {}\r\n", inner.len());
    for (name, bytes, expected) in [
        ("two", genuine(&line, "1", "") + &genuine(&line, "2", ""), &["202", "202"][..]),
        ("one after a refused one", refused(&whole, &inner) + &genuine(&line, "3", ""), &["401", "202"]),
        (
            "one after a wrong method",
            format!("PUT {HOOK} HTTP/1.1\r\nHost: ci\r\n{whole}\r\n{inner}") + &genuine(&line, "4", ""),
            &["405", "202"],
        ),
        ("an empty line in front", "\r\n".to_owned() + &genuine(&line, "5", ""), &["202"]),
        (
            "the same length twice",
            framed(&whole.repeat(2), &inner) + &genuine(&line, "6", ""),
            &["401", "202"],
        ),
        ("the whole address", genuine(&format!("POST http://other{HOOK} HTTP/1.1"), "7", ""), &["202"]),
        (
            "blanks around chunked",
            framed("Transfer-Encoding: \t chunked \r\n", "0\r\n\r\n") + &genuine(&line, "8", ""),
            &["401", "202"],
        ),
        (
            "an extension",
            genuine_in_chunks("9", "0;a=\"b\"\r\n\r\n") + &genuine(&line, "10", ""),
            &["202", "202"],
        ),
        ("lines that end in LF", genuine(&line, "11", "").replace("\r\n", "\n"), &["202"]),
    ] {
        assert_eq!(statuses(&gateway, bytes.as_bytes()), expected, "{name}");
    }
    let found = gateway.admin_get("/deliveries?run=smuggled").ok();
    assert_eq!(found["deliveries"].as_array().unwrap().len(), 0, "a refused body is no request: {found}");
}

#[test]
fn what_comes_after_a_body_signs_nothing() {
    let (_homeserver, gateway) = started();
    let body = build("smuggled", "running").to_string();
    let signed = build_headers(body.as_bytes());
    let lines: String = signed.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let names: Vec<_> = signed.iter().map(|(name, _)| *name).collect();
    let trailer = format!("Trailer: {}\r\nTransfer-Encoding: chunked\r\n", names.join(", "));
    let bytes = framed(&trailer, &format!("{:x}\r\n{body}\r\n0\r\n{lines}\r\n", body.len()));
    assert_eq!(statuses(&gateway, bytes.as_bytes()), ["401"]);
}
