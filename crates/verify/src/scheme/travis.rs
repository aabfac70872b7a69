//! Travis CI: `Signature: <base64>`, RSA PKCS#1 v1.5 with SHA-1 over the JSON text in the form's field `payload`.
//!
//! Nothing beside that text is signed, no time either. The public key stands in the answer of Travis CI's API to
//! `/config`, and is replaced now and then. Source: Travis CI documentation, "Configuring build notifications",
//! "Verifying webhook requests".

use base64ct::{Base64, Encoding as _};

use super::{Claim, Kinds, Needs, Rules, SignedHeaders};
use crate::key::Key;
use crate::lock::Lock;
use crate::rsa::{MAX_BYTES, MIN_BYTES, PublicKey};
use crate::sign::Draft;
use crate::{Headers, KeyError, Refusal, SignError, form, headers};

const SIGNATURE: &str = "Signature";
/// What Drone sends beside its own `Signature`.
const DRONES: &str = "Digest";
/// Base64 of the longest signature.
const MAX_ENCODED: usize = MAX_BYTES.div_ceil(3) * 4;

pub(super) struct Travis;

impl Rules for Travis {
    fn name(&self) -> &'static str {
        "travis"
    }

    fn needs(&self) -> Needs {
        Needs::Without(&[SIGNATURE], DRONES)
    }

    fn lock(&self, pem: &[u8]) -> Result<Lock, KeyError> {
        PublicKey::from_pem(pem).map(Lock::Rsa)
    }

    fn claim<'h>(&self, headers: &'h dyn Headers, _: Kinds) -> Result<Claim<'h>, Refusal> {
        let encoded = headers::only(headers, SIGNATURE)?;
        let rsa_signature = signature(encoded).ok_or(Refusal::SignatureMalformed)?;
        Ok(Claim { rsa_signature, ..Claim::default() })
    }

    fn signed_text(&self, body: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
        form::payload(body).map(Some)
    }

    fn sign(&self, _: &Key, _: &Draft<'_>) -> Result<SignedHeaders, SignError> {
        Err(SignError::OnlyTheSender)
    }
}

/// Padded base64, without a bit left over: one signature has one spelling.
fn signature(encoded: &[u8]) -> Option<Vec<u8>> {
    let encoded = std::str::from_utf8(encoded).ok().filter(|text| text.len() <= MAX_ENCODED)?;
    let signature = Base64::decode_vec(encoded).ok()?;
    (MIN_BYTES..=MAX_BYTES).contains(&signature.len()).then_some(signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_as_long_as_a_modulus() {
        for bytes in [256, 384, 512] {
            assert_eq!(signature(Base64::encode_string(&vec![1; bytes]).as_bytes()), Some(vec![1; bytes]));
        }
        for bytes in [0, 20, 128, 255, 513, 1 << 16] {
            assert_eq!(signature(Base64::encode_string(&vec![1; bytes]).as_bytes()), None);
        }
        let right = Base64::encode_string(&[1; 256]);
        for wrong in [&right[1..], right.trim_end_matches('='), &format!("{right}="), &format!(" {right}")] {
            assert_eq!(signature(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
