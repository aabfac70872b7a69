//! Buildkite: `X-Buildkite-Signature: timestamp=<seconds>,signature=<64 hex digits>`, an HMAC-SHA256 over
//! `<timestamp>.<body>`.
//!
//! The dot keeps time and body apart, since the time is digits only. Source: Buildkite documentation, "Webhooks", its
//! sample code, and the go-buildkite client; the documentation's prose leaves the timestamp out.

use super::{Claim, Kinds, Needs, Rules, SignedHeaders};
use crate::key::{self, Key};
use crate::lock::Lock;
use crate::mac::{Hash, Mac};
use crate::sign::Draft;
use crate::tag::{Tag, Tags};
use crate::{Headers, KeyError, Refusal, SignError, headers, timestamp};

const SIGNATURE: &str = "X-Buildkite-Signature";

pub(super) struct Buildkite;

impl Rules for Buildkite {
    fn name(&self) -> &'static str {
        "buildkite"
    }

    fn needs(&self) -> Needs {
        Needs::All(&[SIGNATURE])
    }

    fn signs_time(&self) -> bool {
        true
    }

    fn lock(&self, secret: &[u8]) -> Result<Lock, KeyError> {
        key::text(secret).map(|text| Lock::Mac(Mac::new(Hash::Sha256, text.as_bytes())))
    }

    fn claim<'h>(&self, headers: &'h dyn Headers, _: Kinds) -> Result<Claim<'h>, Refusal> {
        let value = headers::only(headers, SIGNATURE)?;
        let (time, signature) = parts(value).ok_or(Refusal::SignatureMalformed)?;
        let tag = Tag::from_hex(signature, Hash::Sha256.bytes()).ok_or(Refusal::SignatureMalformed)?;
        Ok(Claim {
            before_body: [time, b".", b"", b""],
            tags: Tags::one(tag),
            signed_at: Some(timestamp::read(time).ok_or(Refusal::TimestampMalformed)?),
            ..Claim::default()
        })
    }

    fn sign(&self, key: &Key, draft: &Draft<'_>) -> Result<SignedHeaders, SignError> {
        let time = timestamp::write(draft.now).ok_or(SignError::Time)?;
        let tag = key.mac()?.tag([time.as_bytes(), b".", draft.body]);
        Ok(vec![(SIGNATURE, format!("timestamp={time},signature={}", tag.hex()))])
    }
}

/// The two parts, in the order in which Buildkite writes them.
fn parts(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let value = value.strip_prefix(b"timestamp=")?;
    let comma = value.iter().position(|b| *b == b',')?;
    Some((&value[..comma], value[comma..].strip_prefix(b",signature=")?))
}
