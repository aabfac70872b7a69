//! Requests byte by byte.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use meshhook_testkit::Gateway;

/// A connection to the door for CI systems.
pub(crate) fn connect(gateway: &Gateway) -> TcpStream {
    to(&gateway.url())
}

/// A connection to a URL's server.
pub(crate) fn to(url: &str) -> TcpStream {
    let stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// Sends bytes and reads until the other side closes.
pub(crate) fn exchange(gateway: &Gateway, request: &[u8]) -> String {
    let mut stream = connect(gateway);
    stream.write_all(request).unwrap();
    rest(&mut stream)
}

/// All that still comes.
pub(crate) fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(e) if e.kind() != ErrorKind::ConnectionReset => panic!("{e}"),
        _ => String::from_utf8_lossy(&bytes).into_owned(),
    }
}

/// How long the other side keeps the connection open, and what it says until then.
pub(crate) fn closes_after(stream: &mut TcpStream) -> (Duration, String) {
    let start = Instant::now();
    let said = rest(stream);
    (start.elapsed(), said)
}

/// The head of a POST to a source with those header lines.
pub(crate) fn head(source: &str, lines: &[(&str, &str)]) -> String {
    let mut head = format!("POST /hooks/matrix/build-status/{source} HTTP/1.1\r\nHost: ci\r\n");
    for (name, value) in lines {
        head += &format!("{name}: {value}\r\n");
    }
    head + "\r\n"
}
