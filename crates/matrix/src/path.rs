//! Paths of the client-server API.

use std::fmt::Write;

/// `/_matrix/client/v3/rooms/{room}/{rest}`; `rest` is encoded already.
pub(crate) fn in_room(room: &str, rest: &str) -> String {
    format!("/_matrix/client/v3/rooms/{}/{rest}", encode(room))
}

/// One segment of a path or value of a query, percent-encoded once: all but the unreserved characters of RFC 3986.
pub(crate) fn encode(segment: &str) -> String {
    let mut out = String::with_capacity(segment.len() * 3);
    for byte in segment.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => write!(out, "%{byte:02X}").expect("a String takes everything"),
        }
    }
    out
}
