//! GitHub: `X-Hub-Signature-256: sha256=<64 hex digits>` over the raw body, JSON and form alike.
//!
//! Neither the event's name nor the delivery's id nor any time is signed. The SHA-1 of `X-Hub-Signature` is not
//! read. Source: GitHub documentation, "Validating webhook deliveries" and "Webhook events and payloads".

use std::fmt::Write as _;

use super::{Claim, Rules, SignedHeaders};
use crate::mac::{Mac, Tag, Tags};
use crate::sign::Draft;
use crate::{Headers, KeyError, Refusal, SignError, headers};

const SIGNATURE: &str = "X-Hub-Signature-256";
const PREFIX: &str = "sha256=";

pub(super) const RULES: Rules = Rules { name: "github", security_headers: &[SIGNATURE], mac, claim, sign };

fn mac(secret: &[u8]) -> Result<Mac, KeyError> {
    match std::str::from_utf8(secret) {
        Err(_) => Err(KeyError::NotText),
        Ok("") => Err(KeyError::Empty),
        Ok(text) => Ok(Mac::new(text.as_bytes())),
    }
}

fn claim(headers: &dyn Headers) -> Result<Claim<'_>, Refusal> {
    let value = headers::only(headers, SIGNATURE)?;
    let mut tags = Tags::new();
    tags.push(signature(value).ok_or(Refusal::SignatureMalformed)?)?;
    Ok(Claim { signed_before_body: [b""; 4], tags, message_id: None, signed_at: None })
}

fn sign(mac: &Mac, draft: &Draft<'_>) -> Result<SignedHeaders, SignError> {
    let mut value = String::from(PREFIX);
    for byte in mac.tag([draft.body]) {
        write!(value, "{byte:02x}").expect("a String takes all");
    }
    Ok(vec![(SIGNATURE, value)])
}

fn signature(value: &[u8]) -> Option<Tag> {
    let (pairs, []) = value.strip_prefix(PREFIX.as_bytes())?.as_chunks::<2>() else { return None };
    let pairs: &[[u8; 2]; 32] = pairs.try_into().ok()?;
    let mut tag = [0; 32];
    for (byte, [high, low]) in tag.iter_mut().zip(pairs) {
        *byte = hex_digit(*high)? << 4 | hex_digit(*low)?;
    }
    Some(tag)
}

/// Lower case only, as GitHub writes it: one signature has one spelling.
const fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_read_digit_by_digit() {
        let tag =
            signature(b"sha256=00ff10a9bcdef0123456789abcdef0123456789abcdef0123456789abcdef012").unwrap();
        assert_eq!(tag[..6], [0x00, 0xff, 0x10, 0xa9, 0xbc, 0xde]);
        assert_eq!(tag[31], 0x12);
    }

    #[test]
    fn what_is_no_signature_is_told_by_its_form() {
        let digits = "ab".repeat(32);
        assert!(signature(format!("sha256={digits}").as_bytes()).is_some());
        for value in [
            "sha256=".to_owned(),
            digits.clone(),
            format!("sha1={digits}"),
            format!("SHA256={digits}"),
            format!("sha256= {digits}"),
            format!("sha256={digits} "),
            format!("sha256={digits}00"),
            format!("sha256={}", &digits[1..]),
            format!("sha256={}", &digits[2..]),
            format!("sha256={}", digits.to_uppercase()),
            format!("sha256={}+1", &digits[2..]),
            format!("sha256={}é", &digits[2..]),
            format!("sha256={}", "ab".repeat(1 << 16)),
        ] {
            assert_eq!(signature(value.as_bytes()), None, "{value:.90}");
        }
    }

    #[test]
    fn a_secret_is_text_and_not_empty() {
        assert_eq!(mac(b"").err(), Some(KeyError::Empty));
        assert_eq!(mac(b"\xff\xfe").err(), Some(KeyError::NotText));
        assert!(mac("It's a Secret to Everybody, Grüße".as_bytes()).is_ok());
    }
}
