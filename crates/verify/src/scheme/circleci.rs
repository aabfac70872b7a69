//! CircleCI: `circleci-signature: v1=<64 hex digits>[,v2=…]`, an HMAC-SHA256 over the body.
//!
//! Versions to come are passed over, as the documentation wants; no time is signed. Source: CircleCI documentation,
//! "Outbound webhooks".

use super::{Claim, Kinds, Needs, Rules, SignedHeaders};
use crate::key::{self, Key};
use crate::lock::Lock;
use crate::mac::{Hash, Mac};
use crate::sign::Draft;
use crate::tag::{Tag, Tags};
use crate::{Headers, KeyError, Refusal, SignError, headers};

const SIGNATURE: &str = "circleci-signature";
const VERSION: &[u8] = b"v1";
const MAX_LIST_BYTES: usize = 4096;

pub(super) struct Circleci;

impl Rules for Circleci {
    fn name(&self) -> &'static str {
        "circleci"
    }

    fn needs(&self) -> Needs {
        Needs::All(&[SIGNATURE])
    }

    fn lock(&self, secret: &[u8]) -> Result<Lock, KeyError> {
        key::text(secret).map(|text| Lock::Mac(Mac::new(Hash::Sha256, text.as_bytes())))
    }

    fn claim<'h>(&self, headers: &'h dyn Headers, _: Kinds) -> Result<Claim<'h>, Refusal> {
        signature(headers::only(headers, SIGNATURE)?).map(Claim::over_body)
    }

    fn sign(&self, key: &Key, draft: &Draft<'_>) -> Result<SignedHeaders, SignError> {
        Ok(vec![(SIGNATURE, format!("v1={}", key.mac()?.tag([draft.body]).hex()))])
    }
}

/// The one signature of version 1. The caps count every entry, so that what is passed over is bounded too.
fn signature(list: &[u8]) -> Result<Tag, Refusal> {
    if list.len() > MAX_LIST_BYTES || list.split(|b| *b == b',').nth(Tags::MAX).is_some() {
        return Err(Refusal::TooManySignatures);
    }
    let mut only = None;
    for entry in list.split(|b| *b == b',') {
        let equals = entry.iter().position(|b| *b == b'=').ok_or(Refusal::SignatureMalformed)?;
        if &entry[..equals] == VERSION && only.replace(&entry[equals + 1..]).is_some() {
            return Err(Refusal::SignatureMalformed);
        }
    }
    let only = only.ok_or(Refusal::UnknownVersion)?;
    Tag::from_hex(only, Hash::Sha256.bytes()).ok_or(Refusal::SignatureMalformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(list: &str) -> Option<&'static str> {
        signature(list.as_bytes()).err().map(|refusal| refusal.code())
    }

    #[test]
    fn version_1_is_taken_once() {
        let v1 = format!("v1={}", "ab".repeat(32));
        assert_eq!(code(&v1), None);
        assert_eq!(code(&format!("v2=whatever,{v1},v3=")), None);
        assert_eq!(code("v2=whatever"), Some("unknown_version"));
        for bad in [&v1[3..], "v1=", &format!("{v1},{v1}"), &format!("{v1},"), &format!(",{v1}"), &v1[..66]] {
            assert_eq!(code(bad), Some("signature_malformed"), "{bad}");
        }
    }

    #[test]
    fn a_list_is_short() {
        let v1 = format!("v1={}", "ab".repeat(32));
        assert_eq!(code(&format!("{v1}{}", ",v2=".repeat(7))), None);
        assert_eq!(code(&format!("{v1}{}", ",v2=".repeat(8))), Some("too_many_signatures"));
        assert_eq!(code(&format!("{v1},v2={}", "x".repeat(4096 - 71))), None);
        assert_eq!(code(&format!("{v1},v2={}", "x".repeat(4096 - 70))), Some("too_many_signatures"));
        assert_eq!(code(&",".repeat(1 << 20)), Some("too_many_signatures"));
    }
}
