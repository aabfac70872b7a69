//! Clients that hang up in the middle: what they sent is refused or delivered, never half.

use std::io::Write;
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use meshhook_testkit::Gateway;
use rusqlite::Connection;
use rustix::net::sockopt::set_socket_linger;

use crate::ledger::Ledger;
use crate::rig::{build, build_headers, started};
use crate::wire::{connect, head, rest};

/// A whole POST of a build that has failed, its body blown up to that length by blanks, and where its body begins.
fn request(run: &str, length: usize) -> (Vec<u8>, usize) {
    let mut body = build(run, "failed").to_string().into_bytes();
    body.resize(length.max(body.len()), b' ');
    let mut headers = build_headers(&body);
    headers.push(("Content-Length", body.len().to_string()));
    let lines: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let head = head("builds", &lines).into_bytes();
    let begin = head.len();
    ([head, body].concat(), begin)
}

/// The same in chunks of at most seven bytes.
fn chunked(run: &str) -> Vec<u8> {
    let body = build(run, "failed").to_string().into_bytes();
    let mut headers = build_headers(&body);
    headers.push(("Transfer-Encoding", "chunked".to_owned()));
    let lines: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut bytes = head("builds", &lines).into_bytes();
    for chunk in body.chunks(7) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).bytes().chain(chunk.iter().copied()).chain(*b"\r\n"));
    }
    [bytes, b"0\r\n\r\n".to_vec()].concat()
}

/// Sends that much of a request and hangs up.
fn hang_up_after(gateway: &Gateway, request: &[u8], length: usize) {
    let mut stream = connect(gateway);
    stream.write_all(&request[..length]).unwrap();
}

/// How many deliveries there are, once there are that many or more.
#[track_caller]
fn stored(gateway: &Gateway, count: usize) -> usize {
    let all = || gateway.admin_get("/deliveries?limit=500").ok()["deliveries"].as_array().unwrap().len();
    let there = meshhook_testkit::try_for(Duration::from_secs(10), || Some(all()).filter(|n| *n >= count));
    assert!(there.is_some(), "{} of {count}; {}", all(), gateway.log());
    // What should not be there would come now.
    sleep(Duration::from_millis(500));
    all()
}

#[test]
fn what_is_cut_off_anywhere_is_not_there_at_all() {
    let (homeserver, gateway) = started();
    let mut ledger = Ledger::default();
    let mut whole = 0;
    for n in 0..=40 {
        let run = format!("cut-{n}");
        let (length, chunks) = (request(&run, 0).0.len(), chunked(&run));
        let cut = |length: usize| length * n / 40;
        hang_up_after(&gateway, &request(&run, 0).0, cut(length));
        hang_up_after(&gateway, &chunks, cut(chunks.len()));
        ledger.posted(&run);
        whole += usize::from(cut(length) == length);
    }
    // The last byte, and the border of head and body, on both sides.
    let (request, body) = request("border", 0);
    ledger.posted("border");
    for length in [body - 2, body - 1, body, body + 1, request.len() - 1] {
        hang_up_after(&gateway, &request, length);
    }
    assert_eq!(stored(&gateway, whole), whole, "only what came whole");
    ledger.redeliver(&gateway);
    assert_eq!(ledger.balance(&gateway, &homeserver).len(), 42);
}

#[test]
fn who_leaves_after_the_last_byte_leaves_a_delivery() {
    let (homeserver, gateway) = started();
    let mut ledger = Ledger::default();
    // What is longer than 64 KiB is judged on another thread.
    for (n, length) in [0, 70 << 10, 1 << 20, 4 << 20].into_iter().enumerate() {
        for pause in [0, 1, 5, 20] {
            let run = format!("left-{n}-{pause}");
            let mut stream = connect(&gateway);
            stream.write_all(&request(&run, length).0).unwrap();
            sleep(Duration::from_millis(pause));
            ledger.posted(&run);
        }
    }
    assert_eq!(stored(&gateway, 16), 16);
    assert_eq!(ledger.balance(&gateway, &homeserver).len(), 16);
    ledger.redeliver(&gateway);
    assert_eq!(ledger.balance(&gateway, &homeserver).len(), 16);
}

#[test]
fn who_leaves_while_the_disk_is_waited_for_takes_nothing_along() {
    let (homeserver, gateway) = started();
    let mut ledger = Ledger::default();
    ledger.take(&gateway, "first");
    let other = Connection::open(gateway.store_dir().join("meshhook.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for (n, (length, pause)) in
        [(0, 0), (70 << 10, 0), (0, 100), (70 << 10, 100), (0, 500)].into_iter().enumerate()
    {
        let run = format!("left-{n}");
        let mut stream = connect(&gateway);
        stream.write_all(&request(&run, length).0).unwrap();
        sleep(Duration::from_millis(pause));
        ledger.posted(&run);
    }
    drop(other);
    assert_eq!(stored(&gateway, 6), 6);
    ledger.redeliver(&gateway);
    assert_eq!(ledger.balance(&gateway, &homeserver).len(), 6);
}

/// Where the client's system resets the connection, what had come and was not read yet is gone.
#[test]
fn a_reset_is_all_or_nothing() {
    let (homeserver, gateway) = started();
    let mut ledger = Ledger::default();
    for n in 0..40 {
        let run = format!("reset-{n}");
        let (request, _) = request(&run, if n % 2 == 0 { 0 } else { 100 << 10 });
        let mut stream = connect(&gateway);
        stream.write_all(&request).unwrap();
        sleep(Duration::from_micros(100 * n));
        set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
        ledger.posted(&run);
    }
    let there = stored(&gateway, 1);
    assert_eq!(ledger.balance(&gateway, &homeserver).len(), there);
    ledger.redeliver(&gateway);
    assert_eq!(ledger.balance(&gateway, &homeserver).len(), 40);
}

/// As a TLS proxy sends it that does not buffer what a slow sender sends.
fn drip(stream: &mut TcpStream, request: &[u8], until: usize) {
    for piece in request[..until].chunks(24) {
        stream.write_all(piece).unwrap();
        sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_slow_body_is_all_or_nothing() {
    let (homeserver, gateway) = started();
    let mut ledger = Ledger::default();
    for (run, is_whole) in [("half", false), ("whole", true), ("almost", false)] {
        let (request, body) = request(run, 0);
        let until = match run {
            "half" => body + (request.len() - body) / 2,
            "almost" => request.len() - 1,
            _ => request.len(),
        };
        let mut stream = connect(&gateway);
        drip(&mut stream, &request, until);
        ledger.posted(run);
        if is_whole {
            assert!(rest(&mut finished(stream)).starts_with("HTTP/1.1 202 "));
        }
    }
    assert_eq!(stored(&gateway, 1), 1);
    ledger.redeliver(&gateway);
    assert_eq!(ledger.balance(&gateway, &homeserver).len(), 3);
}

fn finished(stream: TcpStream) -> TcpStream {
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    stream
}
