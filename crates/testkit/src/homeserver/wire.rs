//! HTTP/1.1 on a socket, as much of it as a client with short JSON bodies needs.

use std::io::{self, BufRead, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::fault::RawAnswer;
use crate::percent::decode;

const MAX_LINE: u64 = 16 << 10;
const MAX_BODY: usize = 4 << 20;

/// A request as it came over the wire.
#[derive(Debug, Clone)]
pub struct Request {
    /// GET, PUT, …
    pub method: String,
    /// The path and query as they were sent, still percent-encoded.
    pub target: String,
    /// The headers, names in lower case, in their order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The number of its connection, from 0: the same number is a connection used again.
    pub connection: usize,
    /// When its headers were there.
    pub at: SystemTime,
    /// What was done with it, in a word or two: `answered`, `fault`, or the name that a [`Weather`](super::Weather) has
    /// for its fault.
    pub fate: &'static str,
}

impl Request {
    /// The first header of that name (in lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether its path names that room.
    #[must_use]
    pub fn is_about(&self, room: &str) -> bool {
        self.target.split('/').any(|segment| decode(segment) == room)
    }

    /// The body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Reads the next request up to its body; `None` at the end of the connection.
pub(super) fn read_head(from: &mut impl BufRead, connection: usize) -> io::Result<Option<Request>> {
    let first = line(from)?;
    let mut words = first.split(' ');
    let (Some(method), Some(target), Some("HTTP/1.1")) = (words.next(), words.next(), words.next()) else {
        return Ok(None);
    };
    Ok(Some(Request {
        method: method.into(),
        target: target.into(),
        headers: headers(from)?,
        body: Vec::new(),
        connection,
        at: SystemTime::now(),
        fate: "",
    }))
}

/// Reads a request's body.
pub(super) fn read_body(from: &mut impl BufRead, request: &mut Request) -> io::Result<()> {
    request.body = vec![0; length(request)?];
    from.read_exact(&mut request.body)
}

/// Reads a request's body up to its middle.
pub(super) fn read_half(from: &mut impl BufRead, request: &mut Request) -> io::Result<()> {
    request.body = vec![0; length(request)? / 2];
    from.read_exact(&mut request.body)
}

fn headers(from: &mut impl BufRead) -> io::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let line = line(from)?;
        match line.split_once(':') {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.trim().to_owned())),
            None => return Ok(headers),
        }
    }
}

fn line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    from.take(MAX_LINE).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

fn length(request: &Request) -> io::Result<usize> {
    if request.header("transfer-encoding").is_some() {
        return Err(io::Error::other("a body without a length is not read here"));
    }
    let length = request.header("content-length").map_or(Ok(0), str::parse).map_err(io::Error::other)?;
    if length > MAX_BODY { Err(io::Error::other("a body too long")) } else { Ok(length) }
}

/// Writes a whole answer.
pub(super) fn write(answer: &RawAnswer, mut to: &TcpStream) -> io::Result<()> {
    to.write_all(&bytes(answer))
}

/// Writes an answer up to the middle of its body.
pub(super) fn write_half(answer: &RawAnswer, mut to: &TcpStream) -> io::Result<()> {
    let all = bytes(answer);
    to.write_all(&all[..all.len() - answer.body.len().div_ceil(2)])
}

/// Makes the close to come a reset on the wire: one that lingers for no time at all.
pub(super) fn reset_at_close(stream: &TcpStream) -> io::Result<()> {
    Ok(rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO))?)
}

fn bytes(answer: &RawAnswer) -> Vec<u8> {
    let mut head =
        format!("HTTP/1.1 {} Scripted\r\nContent-Length: {}\r\n", answer.status, answer.body.len());
    for (name, value) in &answer.headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    (head + "\r\n" + &answer.body).into_bytes()
}
