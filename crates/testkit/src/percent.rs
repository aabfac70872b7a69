//! Percent-encoding of path segments and query values (RFC 3986).

use std::fmt::Write;

pub(crate) fn encode(segment: &str) -> String {
    segment.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => write!(out, "%{byte:02X}").expect("a String takes everything"),
        }
        out
    })
}

/// The text behind an encoded one; what is no encoding stays as it is.
pub(crate) fn decode(encoded: &str) -> String {
    let bytes = encoded.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(&byte) = bytes.get(at) {
        let code = encoded.get(at + 1..at + 3).filter(|_| byte == b'%');
        let decoded = code.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(decoded.unwrap_or(byte));
        at += if decoded.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        for text in ["!room:host", "a/b?c#d%25", "grüße 🍎", ""] {
            assert_eq!(decode(&encode(text)), text);
        }
        assert_eq!(encode("!a/ü"), "%21a%2F%C3%BC");
        assert_eq!(decode("100%"), "100%");
    }
}
