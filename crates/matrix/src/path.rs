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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_are_encoded_once() {
        assert_eq!(
            in_room("!a:h.example", &format!("event/{}", encode("$x/+%25"))),
            "/_matrix/client/v3/rooms/%21a%3Ah.example/event/%24x%2F%2B%2525"
        );
    }

    proptest! {
        #[test]
        fn a_segment_stays_one_segment(segment: String) {
            let encoded = encode(&segment);
            prop_assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
            let mut decoded = Vec::new();
            for part in encoded.split('%').enumerate() {
                match part {
                    (0, plain) => decoded.extend_from_slice(plain.as_bytes()),
                    (_, rest) => {
                        decoded.push(u8::from_str_radix(&rest[..2], 16).unwrap());
                        decoded.extend_from_slice(&rest.as_bytes()[2..]);
                    }
                }
            }
            prop_assert_eq!(decoded, segment.into_bytes());
        }
    }
}
