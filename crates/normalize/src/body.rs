//! From the bytes of a body to its JSON text, by nothing but the bytes.
//!
//! A signature covers the body and no header. Were the `Content-Type` to choose the reader, somebody with one
//! captured request could flip it and have `&payload={…}` read out of a commit message under a good signature.

use std::borrow::Cow;

/// Why a body cannot be read at all: the sender's mistake, not an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// Nothing but white space.
    #[error("the body is empty")]
    Empty,
    /// Bytes that are no UTF-8, in the body or in the form's decoded value.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// It begins neither with `{` or `[` nor with `payload=`.
    #[error("the body is neither a JSON object or array nor a form with the one key `payload`")]
    UnknownFormat,
    /// A form with more than the key `payload`.
    #[error("the form has more than the one key `payload`")]
    SecondFormKey,
    /// A `%` in the form that two hexadecimal digits do not follow.
    #[error("the form has a broken percent-escape")]
    FormEscape,
    /// It begins like JSON and is none.
    #[error("the body is not valid JSON")]
    NotJson,
    /// Arrays and objects within each other, more than 100 of them.
    #[error("the JSON is nested more than 100 levels deep")]
    TooDeep,
    /// More than 262,144 values.
    #[error("the JSON has more than 262,144 values")]
    TooManyValues,
}

const FORM_KEY: &[u8] = b"payload=";

/// The JSON text of a body: the body itself, or the value of a form's one key.
pub(crate) fn text(body: &[u8]) -> Result<Cow<'_, str>, BodyError> {
    if begins_like_json(body)? {
        return std::str::from_utf8(body).map(Cow::Borrowed).map_err(|_| BodyError::NotUtf8);
    }
    let value = body.strip_prefix(FORM_KEY).ok_or(BodyError::UnknownFormat)?;
    if value.contains(&b'&') {
        return Err(BodyError::SecondFormKey);
    }
    let json = String::from_utf8(decode(value)?).map_err(|_| BodyError::NotUtf8)?;
    if begins_like_json(json.as_bytes())? { Ok(Cow::Owned(json)) } else { Err(BodyError::NotJson) }
}

fn begins_like_json(bytes: &[u8]) -> Result<bool, BodyError> {
    let first = bytes.iter().find(|b| !matches!(b, b' ' | b'\t' | b'\n' | b'\r')).ok_or(BodyError::Empty)?;
    Ok(matches!(first, b'{' | b'['))
}

/// `application/x-www-form-urlencoded`, strictly: a lenient reader would accept what no sender writes.
fn decode(value: &[u8]) -> Result<Vec<u8>, BodyError> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        out.push(match first {
            b'+' => b' ',
            b'%' => {
                let (byte, tail) = escaped(tail).ok_or(BodyError::FormEscape)?;
                rest = tail;
                byte
            }
            plain => plain,
        });
    }
    Ok(out)
}

fn escaped(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (&[high, low], rest) = bytes.split_first_chunk()?;
    Some((hex(high)? << 4 | hex(low)?, rest))
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_byte_decides() {
        assert_eq!(text(b" \r\n\t{}").unwrap(), " \r\n\t{}");
        assert_eq!(text(b"[1]").unwrap(), "[1]");
        assert_eq!(text(b"payload=%7B%22a%22%3A+1%7d").unwrap(), r#"{"a": 1}"#);
    }

    #[test]
    fn what_is_neither_says_why() {
        for (body, why) in [
            (&b""[..], BodyError::Empty),
            (b" \n", BodyError::Empty),
            (b"payload=", BodyError::Empty),
            (b"payload=++", BodyError::Empty),
            (b"\"text\"", BodyError::UnknownFormat),
            (b"\xef\xbb\xbf{}", BodyError::UnknownFormat),
            (b" payload=%7B%7D", BodyError::UnknownFormat),
            (b"Payload=%7B%7D", BodyError::UnknownFormat),
            (b"p%61yload=%7B%7D", BodyError::UnknownFormat),
            (b"a=1&payload=%7B%7D", BodyError::UnknownFormat),
            (b"payload=%7B%7D&a=1", BodyError::SecondFormKey),
            (b"payload=%7B%7D&payload=%7B%7D", BodyError::SecondFormKey),
            (b"payload=%7B%7D&", BodyError::SecondFormKey),
            (b"payload=%7B%7", BodyError::FormEscape),
            (b"payload=%7B%7G", BodyError::FormEscape),
            (b"payload=%7B%+7", BodyError::FormEscape),
            (b"payload=payload%3D%7B%7D", BodyError::NotJson),
            (b"payload=%7B%FF%7D", BodyError::NotUtf8),
            (b"{\xff}", BodyError::NotUtf8),
        ] {
            assert_eq!(text(body), Err(why), "{}", body.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn a_form_holds_what_was_put_in(inner in "[\\PC\n&+%=]{0,80}") {
            let json = format!("{{{inner}");
            let encoded: String = json.bytes().map(|b| format!("%{b:02X}")).collect();
            let form = format!("payload={encoded}");
            prop_assert_eq!(text(form.as_bytes()).unwrap(), json);
        }
    }
}
