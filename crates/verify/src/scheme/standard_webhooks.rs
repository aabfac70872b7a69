//! Standard Webhooks 1.0.0, symmetric: `webhook-signature` holds `v1,<base64>` entries, parted by blanks, each an
//! HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}`.
//!
//! Entries of other versions, `v1a` (ed25519) among them, are passed over, as the specification wants.
//!
//! Nothing but the dots keeps the three signed parts apart. With a dot inside an id or a body that begins with
//! digits and a dot, one signature would hold for two different requests. So an id has no dot here, and a
//! timestamp has one spelling. A sender that itself signs dotted ids is refused; a piece cut from its requests
//! may fit, but its body would begin with the rest of the id or the time, which is neither JSON nor a form.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::{Claim, Rules, SignedHeaders};
use crate::mac::{Mac, Tag, Tags};
use crate::message_id::MessageId;
use crate::sign::Draft;
use crate::{Headers, KeyError, Refusal, SignError, headers, timestamp};

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";

const SECRET_PREFIX: &[u8] = b"whsec_";
const VERSION: &str = "v1";
const MAX_LIST_BYTES: usize = 4096;

pub(super) const RULES: Rules =
    Rules { name: "standard-webhooks", security_headers: &[ID, TIMESTAMP, SIGNATURE], mac, claim, sign };

fn mac(secret: &[u8]) -> Result<Mac, KeyError> {
    if secret.is_empty() {
        return Err(KeyError::Empty);
    }
    let encoded = secret.strip_prefix(SECRET_PREFIX).unwrap_or(secret);
    let mut buffer = Zeroizing::new(vec![0; encoded.len()]);
    let decoded = Base64::decode(encoded, &mut buffer).map_err(|_| KeyError::NotBase64)?;
    match decoded.len() {
        24..=64 => Ok(Mac::new(decoded)),
        bytes => Err(KeyError::Length { bytes }),
    }
}

fn claim(headers: &dyn Headers) -> Result<Claim<'_>, Refusal> {
    let id = headers::only(headers, ID)?;
    let time = headers::only(headers, TIMESTAMP)?;
    let list = headers::only(headers, SIGNATURE)?;
    Ok(Claim {
        message_id: Some(MessageId::new(id).ok_or(Refusal::MessageIdMalformed)?),
        signed_at: Some(timestamp::read(time).ok_or(Refusal::TimestampMalformed)?),
        tags: signatures(list)?,
        signed_before_body: [id, b".", time, b"."],
    })
}

fn sign(mac: &Mac, draft: &Draft<'_>) -> Result<SignedHeaders, SignError> {
    let id = MessageId::new(draft.message_id.as_bytes()).ok_or(SignError::MessageId)?;
    let time = draft.now.to_string();
    timestamp::read(time.as_bytes()).ok_or(SignError::Time)?;
    let tag = mac.tag([id.as_str().as_bytes(), b".", time.as_bytes(), b".", draft.body]);
    let signature = format!("{VERSION},{}", Base64::encode_string(&tag));
    Ok(vec![(ID, id.as_str().to_owned()), (TIMESTAMP, time), (SIGNATURE, signature)])
}

/// The tags of all `v1` entries. The caps count every entry, so that what is passed over is bounded too.
fn signatures(list: &[u8]) -> Result<Tags, Refusal> {
    if list.len() > MAX_LIST_BYTES || list.split(|b| *b == b' ').nth(Tags::MAX).is_some() {
        return Err(Refusal::TooManySignatures);
    }
    let mut tags = Tags::new();
    for entry in list.split(|b| *b == b' ') {
        let (version, value) = split_entry(entry).ok_or(Refusal::SignatureMalformed)?;
        if version == VERSION.as_bytes() {
            tags.push(tag(value).ok_or(Refusal::SignatureMalformed)?)?;
        }
    }
    if tags.is_empty() { Err(Refusal::UnknownVersion) } else { Ok(tags) }
}

/// `version,value`.
fn split_entry(entry: &[u8]) -> Option<(&[u8], &[u8])> {
    let comma = entry.iter().position(|b| *b == b',')?;
    Some((&entry[..comma], &entry[comma + 1..]))
}

/// Padded base64 of 32 bytes, without a bit left over: one signature has one spelling.
fn tag(encoded: &[u8]) -> Option<Tag> {
    let mut tag = Tag::default();
    let bytes = Base64::decode(encoded, &mut tag).ok()?.len();
    (bytes == tag.len()).then_some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(version: &str, byte: u8) -> String {
        format!("{version},{}", Base64::encode_string(&[byte; 32]))
    }

    fn code(list: &str) -> Option<&'static str> {
        signatures(list.as_bytes()).err().map(|refusal| refusal.code())
    }

    #[test]
    fn other_versions_are_passed_over() {
        let list = format!("v2,what-ever v1a,{} {} ,", "A".repeat(88), entry("v1", 7));
        let tags = signatures(list.as_bytes()).unwrap();
        assert!(bool::from(tags.contains(&[7; 32])));
        assert_eq!(code(&entry("v1a", 7)), Some("unknown_version"));
        assert_eq!(code(&entry("V1", 7)), Some("unknown_version"));
        assert_eq!(code(&entry("v01", 7)), Some("unknown_version"));
        assert_eq!(code(","), Some("unknown_version"));
    }

    #[test]
    fn a_list_is_short() {
        let eight = [entry("v1", 1).as_str(); 8].join(" ");
        assert_eq!(code(&eight), None);
        assert_eq!(code(&format!("{eight} v9,")), Some("too_many_signatures"));
        let longest = format!("{} v9,", entry("v1", 1));
        let longest = format!("{longest}{}", "x".repeat(4096 - longest.len()));
        assert_eq!(code(&longest), None);
        assert_eq!(code(&format!("{longest}x")), Some("too_many_signatures"));
        assert_eq!(code(&" ".repeat(1 << 20)), Some("too_many_signatures"));
    }

    #[test]
    fn an_entry_out_of_form_spoils_the_list() {
        let good = entry("v1", 1);
        let encoded = &good[3..];
        for bad in [
            "v1".to_owned(),
            "v1,".to_owned(),
            String::new(),
            "v1,tZ1I4".to_owned(),
            format!("v1,{}", encoded.trim_end_matches('=')),
            format!("v1,{encoded}="),
            format!("v1,{encoded},"),
            format!("v1,{encoded}\t"),
            format!("v1,{}F=", &encoded[..42]),
            format!("v1,{}", encoded.replace('A', "-")),
            format!("v1,{}", Base64::encode_string(&[1; 31])),
            format!("v1,{}", Base64::encode_string(&[1; 33])),
            "v1,\u{e9}".to_owned(),
        ] {
            assert_eq!(code(&bad), Some("signature_malformed"), "{bad}");
            assert_eq!(code(&format!("{good} {bad}")), Some("signature_malformed"), "{bad}");
        }
    }

    #[test]
    fn a_secret_is_24_to_64_bytes() {
        for bytes in [24, 32, 64] {
            let encoded = Base64::encode_string(&vec![7; bytes]);
            assert!(mac(encoded.as_bytes()).is_ok());
            assert!(mac(format!("whsec_{encoded}").as_bytes()).is_ok());
        }
        for bytes in [0, 1, 23, 65, 4096] {
            let encoded = format!("whsec_{}", Base64::encode_string(&vec![7; bytes]));
            assert_eq!(mac(encoded.as_bytes()).err(), Some(KeyError::Length { bytes }));
        }
        for secret in ["whsec_whsec_AAAA", "not base64!", "whsec_A", "\u{e9}"] {
            assert_eq!(mac(secret.as_bytes()).err(), Some(KeyError::NotBase64), "{secret}");
        }
        assert_eq!(mac(b"").err(), Some(KeyError::Empty));
    }
}
