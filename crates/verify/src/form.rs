//! A form whose one field is the JSON text: `payload=<urlencoded>`.

use crate::Refusal;

const KEY: &[u8] = b"payload=";

/// The text of the form's only field.
///
/// A second field, a percent sign without two hex digits: two readers of such a form could see different texts, so it
/// is none. JSON never begins like one.
pub(crate) fn payload(body: &[u8]) -> Result<Vec<u8>, Refusal> {
    body.strip_prefix(KEY).and_then(decoded).ok_or(Refusal::NotAForm)
}

fn decoded(mut value: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(value.len());
    while let [first, rest @ ..] = value {
        let (byte, rest) = match (first, rest) {
            (b'&', _) => return None,
            (b'+', _) => (b' ', rest),
            (b'%', [high, low, rest @ ..]) => (hex_digit(*high)? << 4 | hex_digit(*low)?, rest),
            (b'%', _) => return None,
            _ => (*first, rest),
        };
        text.push(byte);
        value = rest;
    }
    Some(text)
}

/// Of either case: senders' libraries differ, and what is signed is the text.
fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_field_is_read() {
        assert_eq!(
            payload(b"payload=%7B%22a%22%3a+%22%C3%A9%2B%22%7d").unwrap(),
            "{\"a\": \"é+\"}".as_bytes()
        );
        assert_eq!(payload(b"payload=").unwrap(), b"");
        assert_eq!(payload(b"payload=a=b;c\xff").unwrap(), b"a=b;c\xff");
    }

    #[test]
    fn all_else_is_no_form() {
        for body in [
            "",
            "{}",
            "payload",
            "Payload=1",
            " payload=1",
            "a=1&payload=2",
            "payload=1&a=2",
            "payload=1&",
            "payload=%",
            "payload=%7",
            "payload=%7g",
            "payload=%+1",
            "payload=%%41",
        ] {
            assert_eq!(payload(body.as_bytes()), Err(Refusal::NotAForm), "{body}");
        }
    }
}
