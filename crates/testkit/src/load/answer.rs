//! Just enough of HTTP to know when an answer is whole.

use std::io;

const MAX_HEADERS: usize = 64;

/// A whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The server closes the connection after it.
    pub(super) closes: bool,
}

/// The answer in these bytes, once it is whole. Nothing can follow it: the next request has not been made.
pub(super) fn read(bytes: &[u8]) -> io::Result<Option<Answer>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = response.parse(bytes).map_err(io::Error::other)? else {
        return Ok(None);
    };
    let header = |name: &str| {
        let found = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.and_then(|header| std::str::from_utf8(header.value).ok())
    };
    let status = response.code.unwrap_or_default();
    let body = &bytes[head..];
    let is_whole = match (header("content-length"), header("transfer-encoding")) {
        (Some(length), _) => body.len() >= length.parse().map_err(io::Error::other)?,
        (None, Some(_)) => body.ends_with(b"0\r\n\r\n"),
        (None, None) => true,
    };
    let closes = header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    Ok(is_whole.then_some(Answer { status, closes }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_at_its_last_byte_and_not_before() {
        for (whole, status, closes) in [
            (&b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\n{}"[..], 202, false),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, false),
            (b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", 204, true),
        ] {
            (0..whole.len()).for_each(|at| assert_eq!(read(&whole[..at]).unwrap(), None, "at {at}"));
            assert_eq!(read(whole).unwrap(), Some(Answer { status, closes }));
        }
        assert!(read(b"SSH-2.0-OpenSSH\r\n\r\n").is_err());
    }
}
