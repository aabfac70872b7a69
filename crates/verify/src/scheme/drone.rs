//! Drone: HTTP Signatures. `Signature` holds an HMAC-SHA256 over the lines `date: <Date>` and `digest: <Digest>`, and
//! `Digest` the body's SHA-256.
//!
//! A signature over fewer lines would leave the body or the time unproved, so both have to be listed, and nothing else:
//! Drone lists `date digest`. Source: draft-cavage-http-signatures-10, sections 2.1 and 2.3; RFC 3230 for `Digest`;
//! Drone's webhook service and its documentation, "Webhooks".

use sha2::{Digest as _, Sha256};

use super::{Claim, Kinds, Needs, Rules, SignedHeaders};
use crate::key::{self, Key};
use crate::lock::Lock;
use crate::mac::{Hash, Mac};
use crate::sign::Draft;
use crate::tag::{Tag, Tags};
use crate::{Headers, KeyError, Refusal, SignError, date, headers};

const SIGNATURE: &str = "Signature";
const DATE: &str = "Date";
const DIGEST: &str = "Digest";

const DIGEST_PREFIX: &[u8] = b"SHA-256=";
const KEY_ID: &[u8] = b"hmac-key";
const ALGORITHM: &[u8] = b"hmac-sha256";

pub(super) struct Drone;

impl Rules for Drone {
    fn name(&self) -> &'static str {
        "drone"
    }

    fn needs(&self) -> Needs {
        Needs::All(&[SIGNATURE, DATE, DIGEST])
    }

    fn signs_time(&self) -> bool {
        true
    }

    fn lock(&self, secret: &[u8]) -> Result<Lock, KeyError> {
        key::text(secret).map(|text| Lock::Mac(Mac::new(Hash::Sha256, text.as_bytes())))
    }

    fn claim<'h>(&self, headers: &'h dyn Headers, _: Kinds) -> Result<Claim<'h>, Refusal> {
        let signature = headers::only(headers, SIGNATURE)?;
        let date = headers::only(headers, DATE)?;
        let digest = headers::only(headers, DIGEST)?;
        let Parameters { tag, order } = parameters(signature).ok_or(Refusal::SignatureMalformed)?;
        Ok(Claim {
            before_body: match order {
                Order::DateDigest => [b"date: ", date, b"\ndigest: ", digest],
                Order::DigestDate => [b"digest: ", digest, b"\ndate: ", date],
            },
            digest: Some(body_digest(digest).ok_or(Refusal::DigestMalformed)?),
            tags: Tags::one(tag),
            signed_at: Some(date::read(date).ok_or(Refusal::DateMalformed)?),
            ..Claim::default()
        })
    }

    fn sign(&self, key: &Key, draft: &Draft<'_>) -> Result<SignedHeaders, SignError> {
        let date = date::write(draft.now).ok_or(SignError::Time)?;
        let digest = Tag::new(&Sha256::digest(draft.body)).expect("32 bytes are a tag");
        let digest = format!("SHA-256={}", digest.base64());
        let tag = key.mac()?.tag([b"date: ", date.as_bytes(), b"\ndigest: ", digest.as_bytes()]);
        let signature = format!(
            "keyId=\"hmac-key\",algorithm=\"hmac-sha256\",signature=\"{}\",headers=\"date digest\"",
            tag.base64()
        );
        Ok(vec![(SIGNATURE, signature), (DATE, date), (DIGEST, digest)])
    }
}

fn body_digest(value: &[u8]) -> Option<Tag> {
    Tag::from_base64(value.strip_prefix(DIGEST_PREFIX)?, Hash::Sha256.bytes())
}

/// What the parameters of `Signature` say beyond what they have to.
#[derive(Debug, PartialEq)]
struct Parameters {
    tag: Tag,
    order: Order,
}

/// The order of the signed lines.
#[derive(Debug, PartialEq)]
enum Order {
    DateDigest,
    DigestDate,
}

/// Four parameters, each once, in any order; another one (`expires`, say) would be a promise that is not kept here.
fn parameters(value: &[u8]) -> Option<Parameters> {
    let [mut key_id, mut algorithm, mut signature, mut lines] = [None; 4];
    for parameter in value.split(|b| *b == b',') {
        let (name, value) = parameter_parts(parameter)?;
        let place = match name {
            b"keyId" => &mut key_id,
            b"algorithm" => &mut algorithm,
            b"signature" => &mut signature,
            b"headers" => &mut lines,
            _ => return None,
        };
        if place.replace(value).is_some() {
            return None;
        }
    }
    let order = match lines? {
        b"date digest" => Order::DateDigest,
        b"digest date" => Order::DigestDate,
        _ => return None,
    };
    let is_drones = key_id? == KEY_ID && algorithm? == ALGORITHM;
    let tag = Tag::from_base64(signature?, Hash::Sha256.bytes())?;
    is_drones.then_some(Parameters { tag, order })
}

/// `name="value"`.
fn parameter_parts(parameter: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = parameter.iter().position(|b| *b == b'=')?;
    let value = parameter[equals + 1..].strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    Some((&parameter[..equals], value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag() -> Tag {
        Tag::new(&[7; 32]).unwrap()
    }

    fn written(key_id: &str, algorithm: &str, lines: &str) -> String {
        let signature = tag().base64();
        format!("keyId={key_id},algorithm={algorithm},signature=\"{signature}\",headers={lines}")
    }

    #[test]
    fn the_lines_are_signed_in_the_order_given() {
        let good = written("\"hmac-key\"", "\"hmac-sha256\"", "\"date digest\"");
        assert_eq!(parameters(good.as_bytes()), Some(Parameters { tag: tag(), order: Order::DateDigest }));
        let turned: Vec<_> = good.split(',').rev().collect();
        assert!(parameters(turned.join(",").as_bytes()).is_some());
        let other = written("\"hmac-key\"", "\"hmac-sha256\"", "\"digest date\"");
        assert_eq!(parameters(other.as_bytes()), Some(Parameters { tag: tag(), order: Order::DigestDate }));
    }

    #[test]
    fn a_signature_over_anything_else_is_none() {
        let good = written("\"hmac-key\"", "\"hmac-sha256\"", "\"date digest\"");
        for lines in [
            "\"date\"",
            "\"digest\"",
            "\"\"",
            "\"date date\"",
            "\"date digest digest\"",
            "\"Date Digest\"",
            "\"date  digest\"",
            "\"(request-target) date digest\"",
            "\"date\tdigest\"",
            "date digest",
        ] {
            let bad = written("\"hmac-key\"", "\"hmac-sha256\"", lines);
            assert_eq!(parameters(bad.as_bytes()), None, "{bad}");
        }
        for bad in [
            String::new(),
            good[1..].to_owned(),
            good[..good.len() - 1].to_owned(),
            format!("{good},"),
            format!("{good},{good}"),
            format!("{good},headers=\"date digest\""),
            format!("{good},expires=\"1\""),
            good.replace(',', ", "),
            good.replace("sha256", "sha512"),
            good.replace("hmac-sha256", "hs2019"),
            good.replace("hmac-key", "other-key"),
            good.replace("keyId=\"hmac-key\",", ""),
            good.replace("algorithm=\"hmac-sha256\",", ""),
            good.replace(",headers=\"date digest\"", ""),
            "\"".repeat(1 << 16),
        ] {
            assert_eq!(parameters(bad.as_bytes()), None, "{bad:.90}");
        }
    }
}
