//! Ed25519 (RFC 8032), by ring.

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, VerificationAlgorithm as _};
use subtle::Choice;

use crate::tag::Tag;

/// How long a signature is, in bytes.
pub(crate) const SIGNATURE_BYTES: usize = 64;

/// A sender's public key.
pub(crate) struct PublicKey([u8; 32]);

impl PublicKey {
    pub(crate) const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// That of a private key which is forgotten at once.
    pub(crate) fn decoy(random: &[u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(random).expect("32 bytes are a seed");
        Self(pair.public_key().as_ref().try_into().expect("a public key has 32 bytes"))
    }

    /// Whether one of `signatures` is this key's over `signed`. Nothing of this is secret.
    pub(crate) fn made_one_of(&self, signatures: &[Tag], signed: &[u8]) -> Choice {
        let made = |signature: &Tag| {
            ED25519.verify((&self.0[..]).into(), signed.into(), signature.as_bytes().into()).is_ok()
        };
        Choice::from(u8::from(signatures.iter().any(made)))
    }
}
