//! What a stranger could draw out, and what is too much.

use std::io::Write;
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use meshhook_testkit::Gateway;
use meshhook_testkit::http::Answer;
use meshhook_testkit::signed::Headers;

use crate::rig::{accepted, build, build_headers, post_build, scripted, started, with};
use crate::wire::{closes_after, connect, exchange, head, rest};

fn lines(headers: &Headers) -> Vec<(&str, &str)> {
    headers.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// Closed between `from` and `to` seconds from `start`.
#[track_caller]
fn was_closed(start: Instant, from: u64, to: u64) {
    let took = start.elapsed();
    assert!(took >= Duration::from_secs(from) && took <= Duration::from_secs(to), "closed after {took:?}");
}

#[test]
fn a_connection_that_says_nothing_is_closed() {
    let (_homeserver, gateway) = started();
    let start = Instant::now();
    assert_eq!(rest(&mut connect(&gateway)), "");
    was_closed(start, 9, 15);
}

#[test]
fn a_header_that_drips_in_is_cut_off() {
    let (_homeserver, gateway) = started();
    let mut stream = connect(&gateway);
    let start = Instant::now();
    let mut dripping = stream.try_clone().unwrap();
    let drip = std::thread::spawn(move || {
        for byte in head("builds", &[("X-Padding", &"x".repeat(200))]).bytes() {
            if dripping.write_all(&[byte]).is_err() {
                return;
            }
            sleep(Duration::from_millis(200));
        }
    });
    closes_after(&mut stream);
    was_closed(start, 9, 15);
    drip.join().unwrap();
}

#[test]
fn a_connection_that_idles_after_an_answer_is_closed() {
    let (_homeserver, gateway) = started();
    let body = build("1", "running").to_string();
    let mut headers = build_headers(body.as_bytes());
    headers.push(("Content-Length", body.len().to_string()));
    let mut stream = connect(&gateway);
    // Twice on the same connection, with most of the time between: the time begins anew with each answer.
    for wait in [7, 0] {
        stream.write_all(head("builds", &lines(&headers)).as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        sleep(Duration::from_secs(wait));
    }
    let start = Instant::now();
    let (_, said) = closes_after(&mut stream);
    assert_eq!(said.matches("HTTP/1.1 202 Accepted").count(), 2, "{said}");
    was_closed(start, 9, 15);
}

#[test]
fn a_body_that_stalls_is_given_up() {
    let (_homeserver, gateway) = started();
    let body = build("1", "running").to_string();
    let mut headers = build_headers(body.as_bytes());
    headers.push(("Content-Length", body.len().to_string()));
    let mut stream = connect(&gateway);
    stream.write_all(head("builds", &lines(&headers)).as_bytes()).unwrap();
    stream.write_all(&body.as_bytes()[..10]).unwrap();
    let start = Instant::now();
    let (_, said) = closes_after(&mut stream);
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    was_closed(start, 9, 15);
}

#[test]
fn a_body_that_drips_in_is_given_up() {
    let (_homeserver, gateway) = started();
    let body = build("1", "running").to_string();
    let mut headers = build_headers(body.as_bytes());
    headers.push(("Content-Length", body.len().to_string()));
    let mut stream = connect(&gateway);
    stream.write_all(head("builds", &lines(&headers)).as_bytes()).unwrap();
    let mut dripping = stream.try_clone().unwrap();
    let drip = std::thread::spawn(move || {
        for byte in body.bytes() {
            if dripping.write_all(&[byte]).is_err() {
                return;
            }
            sleep(Duration::from_secs(1));
        }
    });
    let start = Instant::now();
    let (_, said) = closes_after(&mut stream);
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    was_closed(start, 29, 36);
    drip.join().unwrap();
}

#[test]
fn a_body_that_is_too_long_is_refused_by_its_length_and_by_its_bytes() {
    let homeserver = meshhook_testkit::Homeserver::start();
    let gateway = scripted(&homeserver).line("server", "max_body_bytes = 100000").start().unwrap();
    let fits = padded(100_000);
    accepted(&gateway.post("builds", &build_headers(&fits), &fits));
    for length in [100_001, 5_000_000] {
        let long = padded(length);
        let answer = gateway.post("builds", &build_headers(&long), &long);
        assert_eq!(answer.status, 413, "{answer:?}");
        assert_eq!(answer.json()["code"], "body_too_large");
    }
    let chunk = format!("186A1\r\n{}\r\n0\r\n\r\n", "x".repeat(100_001));
    let mut headers = build_headers(chunk.as_bytes());
    headers.push(("Transfer-Encoding", "chunked".to_owned()));
    let said = exchange(&gateway, (head("builds", &lines(&headers)) + &chunk).as_bytes());
    assert!(said.starts_with("HTTP/1.1 413 "), "{said}");
}

/// A body in our own format, blown up by blanks.
fn padded(length: usize) -> Vec<u8> {
    let mut body = build(&length.to_string(), "running").to_string().into_bytes();
    body.resize(length, b' ');
    body
}

/// What is answered to a chunked body under these header lines, and a second request after it.
fn framed(gateway: &Gateway, framing: &[(&str, &str)]) -> String {
    let body = build("1", "running").to_string();
    let headers = build_headers(body.as_bytes());
    let all: Vec<_> = lines(&headers).into_iter().chain(framing.iter().copied()).collect();
    let second = "GET /second HTTP/1.1\r\nHost: ci\r\n\r\n";
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n{second}", body.len());
    exchange(gateway, (head("builds", &all) + &chunked).as_bytes())
}

#[test]
fn of_two_lengths_the_chunks_count_and_the_connection_ends() {
    let (_homeserver, gateway) = started();
    let (length, chunked) = (("Content-Length", "93"), ("Transfer-Encoding", "chunked"));
    for framing in [[length, chunked], [chunked, length]] {
        // As RFC 9112, section 6.3, has it: nothing after the chunks is a request.
        let said = framed(&gateway, &framing);
        assert!(said.starts_with("HTTP/1.1 202 "), "{framing:?}: {said}");
        assert_eq!(said.matches("HTTP/1.1").count(), 1, "{framing:?}: {said}");
    }
}

#[test]
fn who_asks_whether_to_go_on_is_told() {
    let (_homeserver, gateway) = started();
    let body = build("1", "running").to_string();
    let mut headers = build_headers(body.as_bytes());
    headers.extend([("Content-Length", body.len().to_string()), ("Expect", "100-continue".to_owned())]);
    let mut stream = connect(&gateway);
    stream.write_all(head("builds", &lines(&headers)).as_bytes()).unwrap();
    let mut first = [0; 25];
    std::io::Read::read_exact(&mut stream, &mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let said = rest(&mut stream);
    assert!(said.starts_with("HTTP/1.1 202 "), "{said}");
    // Who has no right to go on is told that instead.
    let unsigned = head("builds", &[("Content-Length", "100"), ("Expect", "100-continue")]);
    let start = Instant::now();
    let said = exchange(&gateway, unsigned.as_bytes());
    assert!(said.starts_with("HTTP/1.1 401 "), "{said}");
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[test]
fn who_has_said_all_still_hears_the_answer() {
    let (_homeserver, gateway) = started();
    let body = build("1", "running").to_string();
    let mut headers = build_headers(body.as_bytes());
    headers.push(("Content-Length", body.len().to_string()));
    let mut stream = connect(&gateway);
    stream.write_all((head("builds", &lines(&headers)) + &body).as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let said = rest(&mut stream);
    assert!(said.starts_with("HTTP/1.1 202 "), "{said}");
    // Who has not is told so, or nothing.
    let mut stream = connect(&gateway);
    stream.write_all((head("builds", &lines(&headers)) + &body[..9]).as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let said = rest(&mut stream);
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 400 "), "{said}");
    assert!(gateway.log().contains("body_broken"), "{}", gateway.log());
}

#[test]
fn a_client_that_leaves_does_not_take_its_delivery_along() {
    let (_homeserver, gateway) = started();
    for run in 0..20 {
        let body = build(&run.to_string(), "running").to_string();
        let mut headers = build_headers(body.as_bytes());
        headers.push(("Content-Length", body.len().to_string()));
        let mut stream = connect(&gateway);
        stream.write_all((head("builds", &lines(&headers)) + &body).as_bytes()).unwrap();
    }
    meshhook_testkit::eventually(Duration::from_secs(10), || {
        let list = gateway.admin_get("/deliveries?state=running").ok();
        (list["deliveries"].as_array().unwrap().len() == 20).then_some(())
    });
}

#[test]
fn who_does_not_take_the_answers_is_left() {
    let (_homeserver, gateway) = started();
    let mut stream = crate::wire::to(&gateway.admin_url());
    stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(100);
    while stream.write_all(&request).is_ok() {}
    let start = Instant::now();
    stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
    // The other side reads nothing more until it gives the connection up: writing ends when it does.
    while stream.write_all(&request).is_ok() {}
    was_closed(start, 25, 45);
}

/// So many bodies of 4 MiB of a client, of which each lacks its last byte.
fn unfinished(gateway: &Gateway, forwarded: &[(&str, &str)], count: usize) -> Vec<TcpStream> {
    let length = 4 << 20;
    let announced = length.to_string();
    let headers = build_headers(b"forged");
    let more = forwarded.iter().copied().chain([("Content-Length", announced.as_str())]);
    let all: Vec<_> = lines(&headers).into_iter().chain(more).collect();
    let begin = |_| {
        let mut stream = connect(gateway);
        stream.write_all(head("builds", &all).as_bytes()).unwrap();
        // What finds no room is reset.
        let _ = stream.write_all(&vec![b' '; length - 1]);
        stream
    };
    let streams = (0..count).map(begin).collect();
    // All of it has to be read before another body asks for room.
    sleep(Duration::from_secs(1));
    streams
}

/// Posts a genuine body from an address.
fn post_from(gateway: &Gateway, address: &str) -> Answer {
    let body = build("1", "running").to_string();
    let headers = with(build_headers(body.as_bytes()), "X-Forwarded-For", address);
    gateway.post("builds", &headers, body.as_bytes())
}

#[track_caller]
fn finds_no_room(gateway: &Gateway, answer: &Answer) {
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("10")));
    assert!(answer.json()["detail"].as_str().unwrap().contains("nothing of it was stored"), "{answer:?}");
    assert!(gateway.log().contains("bodies_full"));
    assert_eq!(gateway.admin_get("/readyz").status, 200, "the store is fine");
}

#[test]
fn no_client_fills_the_memory_for_all() {
    let (_homeserver, gateway) = started();
    // Four fill its quarter, and twelve more would fill the rest.
    let all = [4, 12].map(|count| unfinished(&gateway, &[("X-Forwarded-For", "198.51.100.7")], count));
    finds_no_room(&gateway, &post_from(&gateway, "198.51.100.7"));
    accepted(&post_from(&gateway, "198.51.100.8"));
    accepted(&post_build(&gateway, &build("1", "running")));
    drop(all);
    meshhook_testkit::eventually(Duration::from_secs(5), || {
        (post_from(&gateway, "198.51.100.7").status == 202).then_some(())
    });
}

#[test]
fn clients_without_an_address_do_not_fill_it_either() {
    let (_homeserver, gateway) = started();
    let _all = [12, 4].map(|count| unfinished(&gateway, &[], count));
    finds_no_room(&gateway, &post_build(&gateway, &build("1", "running")));
    accepted(&post_from(&gateway, "198.51.100.8"));
}

#[test]
fn bodies_fill_so_much_memory_and_no_more() {
    let (_homeserver, gateway) = started();
    let of = |n: usize| unfinished(&gateway, &[("X-Forwarded-For", &format!("198.51.100.{n}"))], 4);
    let all: Vec<_> = (1..=4).map(of).collect();
    finds_no_room(&gateway, &post_from(&gateway, "198.51.100.8"));
    drop(all);
    meshhook_testkit::eventually(Duration::from_secs(5), || {
        (post_from(&gateway, "198.51.100.8").status == 202).then_some(())
    });
}

#[test]
fn who_fails_too_often_is_not_read_at_length() {
    let (_homeserver, gateway) = started();
    let post = |address: &str, body: &[u8]| {
        gateway.post("builds", &with(build_headers(body), "X-Forwarded-For", address), body)
    };
    for _ in 0..21 {
        let forged = with(build_headers(b"{}"), "X-Forwarded-For", "198.51.100.7");
        assert_ne!(gateway.post("builds", &forged, b"{ }").status, 202);
    }
    let (short, long) = (padded(256 << 10), padded((256 << 10) + 1));
    accepted(&post("198.51.100.7", &short));
    accepted(&post("198.51.100.8", &long));
    let refused = post("198.51.100.7", &long);
    assert_eq!((refused.status, &refused.json()["code"]), (429, &"too_many_requests".into()));
    assert!(refused.header("retry-after").is_some());
    let chunk = format!("{:x}\r\n{}\r\n0\r\n\r\n", long.len(), String::from_utf8(long.clone()).unwrap());
    let more = [("X-Forwarded-For", "198.51.100.7"), ("Transfer-Encoding", "chunked")];
    let headers = build_headers(&long);
    let all: Vec<_> = lines(&headers).into_iter().chain(more).collect();
    let said = exchange(&gateway, (head("builds", &all) + &chunk).as_bytes());
    assert!(said.starts_with("HTTP/1.1 429 "), "{said}");
}

#[test]
fn noise_is_no_request_and_does_no_harm() {
    let (_homeserver, gateway) = started();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut noise = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        u8::try_from(state >> 56).unwrap()
    };
    for n in 0..200 {
        let mut request = if n % 2 == 0 { Vec::new() } else { head("builds", &[]).into_bytes() };
        request.truncate(n / 2);
        request.extend((0..n * 3).map(|_| noise()));
        let mut stream = connect(&gateway);
        let _ = stream.write_all(&request);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        rest(&mut stream);
    }
    for request in [
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: ci\r\nConnection: close\r\n\r\n",
        "CONNECT evil.example.org:443 HTTP/1.1\r\nHost: ci\r\nConnection: close\r\n\r\n",
        "GET http://evil.example.org/ HTTP/1.1\r\nHost: ci\r\nConnection: close\r\n\r\n",
        "POST /hooks/matrix/build-status/%00%0a HTTP/1.1\r\nHost: ci\r\nConnection: close\r\n\r\n",
        "GET / HTTP/0.9\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}",
    ] {
        let said = exchange(&gateway, request.as_bytes());
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{request:?}: {said}");
    }
    accepted(&post_build(&gateway, &build("1", "running")));
    assert!(!gateway.log().contains("panic"));
    let numbers = gateway.admin_get("/metrics").text();
    assert!(numbers.contains("meshhook_connections_failed_total{reason=\"not_http\"}"), "{numbers}");
}

#[test]
fn one_that_hangs_does_not_hold_up_the_others() {
    let (_homeserver, gateway) = started();
    let hanging: Vec<_> = (0..200).map(|_| half_a_request(&gateway)).collect();
    let start = Instant::now();
    accepted(&post_build(&gateway, &build("1", "running")));
    assert!(start.elapsed() < Duration::from_secs(2));
    drop(hanging);
}

fn half_a_request(gateway: &Gateway) -> TcpStream {
    let mut stream = connect(gateway);
    stream.write_all(b"POST /hooks/matrix/build-status/builds HTTP/1.1\r\n").unwrap();
    stream
}

#[test]
fn a_coded_body_is_not_taken() {
    let (_homeserver, gateway) = started();
    let body = build("1", "running").to_string();
    for (coding, status) in [
        ("identity", 202),
        ("Identity", 202),
        ("", 202),
        (", identity,", 202),
        ("gzip", 415),
        ("identity, gzip", 415),
        (",br", 415),
    ] {
        let headers = with(build_headers(body.as_bytes()), "Content-Encoding", coding);
        let answer = gateway.post("builds", &headers, body.as_bytes());
        assert_eq!(answer.status, status, "{coding}: {answer:?}");
    }
}
