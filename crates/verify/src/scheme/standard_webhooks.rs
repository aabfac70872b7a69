//! Standard Webhooks 1.0.0: `webhook-signature` holds entries parted by blanks, `v1,<base64>` with an HMAC-SHA256 and
//! `v1a,<base64>` with an Ed25519 signature, each over `{webhook-id}.{webhook-timestamp}.{body}`.
//!
//! Entries of other versions are passed over, as the specification wants; so are those of a kind that there is no key
//! for, `v1a` always without the feature `ed25519`.
//!
//! Nothing but the dots keeps the three signed parts apart. With a dot inside an id or a body that begins with
//! digits and a dot, one signature would hold for two different requests. So an id has no dot here, and a
//! timestamp has one spelling. A sender that itself signs dotted ids is refused; a piece cut from its requests
//! may fit, but its body would begin with the rest of the id or the time, which is neither JSON nor a form.

use base64ct::{Base64, Encoding as _};
use zeroize::Zeroizing;

use super::{Claim, Kinds, Needs, Rules, SignedHeaders};
use crate::key::Key;
use crate::lock::Lock;
use crate::mac::{Hash, Mac};
use crate::message_id::MessageId;
use crate::sign::Draft;
use crate::tag::{Tag, Tags};
use crate::{Headers, KeyError, Refusal, SignError, headers, timestamp};

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";

const SECRET_PREFIX: &[u8] = b"whsec_";
const PUBLIC_KEY_PREFIX: &[u8] = b"whpk_";
const PRIVATE_KEY_PREFIX: &[u8] = b"whsk_";
const VERSION: &[u8] = b"v1";
#[cfg(feature = "ed25519")]
const PUBLIC_KEY_VERSION: &[u8] = b"v1a";
const MAX_LIST_BYTES: usize = 4096;

pub(super) struct StandardWebhooks;

impl Rules for StandardWebhooks {
    fn name(&self) -> &'static str {
        "standard-webhooks"
    }

    fn needs(&self) -> Needs {
        Needs::All(&[ID, TIMESTAMP, SIGNATURE])
    }

    fn signs_time(&self) -> bool {
        true
    }

    fn lock(&self, secret: &[u8]) -> Result<Lock, KeyError> {
        if secret.is_empty() {
            Err(KeyError::Empty)
        } else if secret.starts_with(PRIVATE_KEY_PREFIX) {
            Err(KeyError::Private)
        } else if let Some(encoded) = secret.strip_prefix(PUBLIC_KEY_PREFIX) {
            public_key(encoded)
        } else {
            shared_key(secret.strip_prefix(SECRET_PREFIX).unwrap_or(secret)).map(Lock::Mac)
        }
    }

    fn claim<'h>(&self, headers: &'h dyn Headers, kinds: Kinds) -> Result<Claim<'h>, Refusal> {
        let id = headers::only(headers, ID)?;
        let time = headers::only(headers, TIMESTAMP)?;
        let list = headers::only(headers, SIGNATURE)?;
        let mut claim = Claim {
            message_id: Some(MessageId::new(id).ok_or(Refusal::MessageIdMalformed)?),
            signed_at: Some(timestamp::read(time).ok_or(Refusal::TimestampMalformed)?),
            before_body: [id, b".", time, b"."],
            ..Claim::default()
        };
        read_signatures(list, kinds, &mut claim)?;
        Ok(claim)
    }

    fn sign(&self, key: &Key, draft: &Draft<'_>) -> Result<SignedHeaders, SignError> {
        let id = MessageId::new(draft.message_id.as_bytes()).ok_or(SignError::MessageId)?;
        let time = timestamp::write(draft.now).ok_or(SignError::Time)?;
        let tag = key.mac()?.tag([id.as_str().as_bytes(), b".", time.as_bytes(), b".", draft.body]);
        let signature = format!("v1,{}", tag.base64());
        Ok(vec![(ID, id.as_str().to_owned()), (TIMESTAMP, time), (SIGNATURE, signature)])
    }
}

fn shared_key(encoded: &[u8]) -> Result<Mac, KeyError> {
    let mut buffer = Zeroizing::new(vec![0; encoded.len()]);
    let decoded = Base64::decode(encoded, &mut buffer).map_err(|_| KeyError::NotBase64)?;
    match decoded.len() {
        24..=64 => Ok(Mac::new(Hash::Sha256, decoded)),
        bytes => Err(KeyError::Length { bytes }),
    }
}

#[cfg(feature = "ed25519")]
fn public_key(encoded: &[u8]) -> Result<Lock, KeyError> {
    let key = Tag::from_base64(encoded, 32).ok_or(KeyError::NotAPublicKey)?;
    let key = key.as_bytes().try_into().map_err(|_| KeyError::NotAPublicKey)?;
    Ok(Lock::Ed25519(crate::ed25519::PublicKey::new(key)))
}

#[cfg(not(feature = "ed25519"))]
fn public_key(_: &[u8]) -> Result<Lock, KeyError> {
    Err(KeyError::NotBuiltIn { feature: "ed25519" })
}

/// The signatures of all entries that there are keys for. The caps count every entry, so that what is passed over is
/// bounded too.
fn read_signatures(list: &[u8], kinds: Kinds, claim: &mut Claim<'_>) -> Result<(), Refusal> {
    if list.len() > MAX_LIST_BYTES || list.iter().filter(|b| **b == b' ').count() >= Tags::MAX {
        return Err(Refusal::TooManySignatures);
    }
    let mut is_known = false;
    for entry in list.split(|b| *b == b' ') {
        let (version, value) = split_entry(entry).ok_or(Refusal::SignatureMalformed)?;
        let (tags, bytes) = match version {
            VERSION if kinds.shared => (&mut claim.tags, Hash::Sha256.bytes()),
            #[cfg(feature = "ed25519")]
            PUBLIC_KEY_VERSION if kinds.public => (&mut claim.signatures, crate::ed25519::SIGNATURE_BYTES),
            _ => continue,
        };
        tags.push(Tag::from_base64(value, bytes).ok_or(Refusal::SignatureMalformed)?)?;
        is_known = true;
    }
    if is_known { Ok(()) } else { Err(Refusal::UnknownVersion) }
}

/// `version,value`.
fn split_entry(entry: &[u8]) -> Option<(&[u8], &[u8])> {
    let comma = entry.iter().position(|b| *b == b',')?;
    Some((&entry[..comma], &entry[comma + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARED: Kinds = Kinds { shared: true, public: false };

    fn entry(version: &str, byte: u8) -> String {
        format!("{version},{}", Base64::encode_string(&[byte; 32]))
    }

    fn read(list: &str, kinds: Kinds) -> Result<Claim<'_>, Refusal> {
        let mut claim = Claim::default();
        read_signatures(list.as_bytes(), kinds, &mut claim).map(|()| claim)
    }

    fn code(list: &str) -> Option<&'static str> {
        read(list, SHARED).err().map(|refusal| refusal.code())
    }

    #[test]
    fn other_versions_are_passed_over() {
        let list = format!("v2,what-ever v1a,{} {} ,", "A".repeat(88), entry("v1", 7));
        let claim = read(&list, SHARED).unwrap();
        assert_eq!(claim.tags.as_slice(), [Tag::new(&[7; 32]).unwrap()]);
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

    #[cfg(feature = "ed25519")]
    #[test]
    fn entries_that_there_is_no_key_for_are_passed_over() {
        let (public, both) = (Kinds { shared: false, public: true }, Kinds { shared: true, public: true });
        let v1a = format!("v1a,{}", Base64::encode_string(&[9; 64]));
        let list = format!("{} {v1a}", entry("v1", 7));
        for (kinds, tags, signatures) in [(SHARED, 1, 0), (public, 0, 1), (both, 1, 1)] {
            let claim = read(&list, kinds).unwrap();
            assert_eq!(claim.tags.as_slice().len(), tags);
            assert_eq!(claim.signatures.as_slice().len(), signatures);
        }
        assert_eq!(read(&v1a, SHARED).err(), Some(Refusal::UnknownVersion));
        assert_eq!(read(&entry("v1", 7), public).err(), Some(Refusal::UnknownVersion));
        assert_eq!(read(&entry("v1a", 7), public).err(), Some(Refusal::SignatureMalformed));
        assert!(read(&format!("{} {}", entry("v1", 7), entry("v1a", 7)), SHARED).is_ok());
    }

    fn error(secret: &str) -> Option<KeyError> {
        StandardWebhooks.lock(secret.as_bytes()).err()
    }

    #[test]
    fn a_secret_is_24_to_64_bytes() {
        for bytes in [24, 32, 64] {
            let encoded = Base64::encode_string(&vec![7; bytes]);
            assert_eq!(error(&encoded), None);
            assert_eq!(error(&format!("whsec_{encoded}")), None);
        }
        for bytes in [0, 1, 23, 65, 4096] {
            let encoded = format!("whsec_{}", Base64::encode_string(&vec![7; bytes]));
            assert_eq!(error(&encoded), Some(KeyError::Length { bytes }));
        }
        for secret in ["whsec_whsec_AAAA", "not base64!", "whsec_A", "\u{e9}"] {
            assert_eq!(error(secret), Some(KeyError::NotBase64), "{secret}");
        }
        assert_eq!(error(""), Some(KeyError::Empty));
    }

    #[test]
    fn a_public_key_is_32_bytes_and_a_private_one_is_refused() {
        let encoded = |bytes| Base64::encode_string(&vec![7; bytes]);
        assert_eq!(error(&format!("whsk_{}", encoded(64))), Some(KeyError::Private));
        if cfg!(feature = "ed25519") {
            assert_eq!(error(&format!("whpk_{}", encoded(32))), None);
            for wrong in
                ["whpk_", "whpk_!", &format!("whpk_{}", encoded(31)), &format!("whpk_{}", encoded(33))]
            {
                assert_eq!(error(wrong), Some(KeyError::NotAPublicKey), "{wrong}");
            }
        } else {
            let feature = "ed25519";
            assert_eq!(error(&format!("whpk_{}", encoded(32))), Some(KeyError::NotBuiltIn { feature }));
        }
    }
}
