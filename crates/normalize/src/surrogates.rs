//! Half characters in JSON escapes.

use std::borrow::Cow;

/// `text` with each lone surrogate escape replaced by `\ufffd`.
///
/// A title cut after so many UTF-16 units ends in half an emoji, which `JSON.stringify` writes as `\ud83d`. RFC
/// 8259, section 8.2, has a name for it and no rule; serde_json refuses the whole body. A report is not lost for
/// that.
pub(crate) fn mend(text: &str) -> Cow<'_, str> {
    let mut mended = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = text.as_bytes().get(at..).and_then(|rest| rest.iter().position(|&b| b == b'\\')) {
        at += found;
        let (length, lone) = escape(&text.as_bytes()[at..]);
        if lone {
            mended.push_str(&text[copied..at]);
            mended.push_str("\\ufffd");
            copied = at + length;
        }
        at += length;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    mended.push_str(&text[copied..]);
    Cow::Owned(mended)
}

/// How long the escape at the start of `bytes` is, and whether it is half a character.
fn escape(bytes: &[u8]) -> (usize, bool) {
    match unit(bytes) {
        Some(0xD800..=0xDBFF) => match unit(&bytes[6..]) {
            Some(0xDC00..=0xDFFF) => (12, false),
            _ => (6, true),
        },
        Some(0xDC00..=0xDFFF) => (6, true),
        Some(_) => (6, false),
        None => (2, false),
    }
}

/// The UTF-16 unit of a `\uXXXX` at the start of `bytes`.
fn unit(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.strip_prefix(b"\\u")?.first_chunk::<4>()?;
    digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whole_characters_stay() {
        for text in [r#"{"a":"\ud83d\ude00\n\\ud83d"}"#, "{}", r"\", r"\u", r"\u12", r"\\"] {
            assert!(matches!(mend(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn halves_are_replaced() {
        for (text, mended) in [
            (r#"["\ud83d"]"#, r#"["\ufffd"]"#),
            (r#"["\uDE00x"]"#, r#"["\ufffdx"]"#),
            (r#"["\ud83d\ud83d\ude00"]"#, r#"["\ufffd\ud83d\ude00"]"#),
            (r#"["\\\ud83dü"]"#, r#"["\\\ufffdü"]"#),
            (r#"["\ud83d\n\ud83"]"#, r#"["\ufffd\n\ud83"]"#),
        ] {
            assert_eq!(mend(text), mended);
        }
    }

    proptest! {
        #[test]
        fn any_string_of_units_becomes_json(units in prop::collection::vec(0xD7F0u16..0xE010, 0..20)) {
            let escapes: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let json = format!("\"{escapes}\"");
            let read: String = serde_json::from_str(&mend(&json)).unwrap();
            prop_assert_eq!(read, String::from_utf16_lossy(&units));
        }

        #[test]
        fn any_text_is_taken(text in any::<String>(), more in "[\\\\ud8cü0]{0,40}") {
            mend(&text);
            mend(&more);
        }
    }
}
