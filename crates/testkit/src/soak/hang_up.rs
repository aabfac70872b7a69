//! Clients that hang up.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::TcpStream;

use super::build::Post;

/// Sends the headers and half of the body, and closes the connection.
pub(super) fn in_the_body(address: &str, path: &str, post: &Post) -> io::Result<()> {
    send(address, path, post, post.body.len() / 2)
}

/// Sends the whole request, and closes the connection without reading an answer.
pub(super) fn before_the_answer(address: &str, path: &str, post: &Post) -> io::Result<()> {
    send(address, path, post, post.body.len())
}

fn send(address: &str, path: &str, post: &Post, bytes: usize) -> io::Result<()> {
    let mut head =
        format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n", post.body.len());
    for (name, value) in &post.headers {
        write!(head, "{name}: {value}\r\n").expect("a String takes everything");
    }
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    stream.write_all(&post.body[..bytes])
}
