//! What is kept of a secret, and whether a request's claim fits it.

use sha2::{Digest as _, Sha256};
use subtle::Choice;
use zeroize::Zeroizing;

use crate::mac::Mac;
use crate::scheme::Claim;
use crate::tag::Tag;

/// What is kept of a secret.
pub(crate) enum Lock {
    /// Of one that signs: what it leads to.
    Mac(Mac),
    /// Of one that is itself sent: its digest.
    Token(TokenDigest),
    /// Nothing secret: an Ed25519 public key.
    #[cfg(feature = "ed25519")]
    Ed25519(crate::ed25519::PublicKey),
    /// Nothing secret: an RSA public key.
    #[cfg(feature = "rsa")]
    Rsa(crate::rsa::PublicKey),
}

impl Lock {
    /// Whether one of the proofs that the request claims is over `signed` and by this key.
    pub(crate) fn fits(&self, claim: &Claim<'_>, signed: &Signed<'_>) -> Choice {
        match self {
            Self::Mac(mac) => claim.tags.contains(&mac.tag(signed.pieces)),
            Self::Token(digest) => claim.tags.contains(&digest.tag()),
            #[cfg(feature = "ed25519")]
            Self::Ed25519(key) => key.made_one_of(claim.signatures.as_slice(), signed.joined()),
            #[cfg(feature = "rsa")]
            Self::Rsa(key) => key.made(&claim.rsa_signature, signed.joined()),
        }
    }

    /// Of the same kind, and nobody's.
    pub(crate) fn decoy(&self, random: &[u8; 32]) -> Self {
        match self {
            Self::Mac(mac) => Self::Mac(Mac::new(mac.hash(), random)),
            Self::Token(_) => Self::Token(TokenDigest::new(random)),
            #[cfg(feature = "ed25519")]
            Self::Ed25519(_) => Self::Ed25519(crate::ed25519::PublicKey::decoy(random)),
            #[cfg(feature = "rsa")]
            Self::Rsa(key) => Self::Rsa(key.decoy(random)),
        }
    }

    /// Whether it is a key for signatures by a public key.
    pub(crate) const fn is_public(&self) -> bool {
        match self {
            Self::Mac(_) | Self::Token(_) => false,
            #[cfg(feature = "ed25519")]
            Self::Ed25519(_) => true,
            #[cfg(feature = "rsa")]
            Self::Rsa(_) => true,
        }
    }
}

/// What a signature covers: piece after piece, the body last.
pub(crate) struct Signed<'p> {
    pieces: [&'p [u8]; 5],
    #[cfg(any(feature = "ed25519", feature = "rsa"))]
    joined: std::cell::OnceCell<Vec<u8>>,
}

impl<'p> Signed<'p> {
    pub(crate) const fn new([first, second, third, fourth]: [&'p [u8]; 4], body: &'p [u8]) -> Self {
        Self {
            pieces: [first, second, third, fourth, body],
            #[cfg(any(feature = "ed25519", feature = "rsa"))]
            joined: std::cell::OnceCell::new(),
        }
    }

    /// All of it in one piece, as signatures by public keys want it: this allocates, unless it is the body alone.
    #[cfg(any(feature = "ed25519", feature = "rsa"))]
    fn joined(&self) -> &[u8] {
        match self.pieces {
            [b"", b"", b"", b"", body] => body,
            pieces => self.joined.get_or_init(|| pieces.concat()),
        }
    }
}

/// What is kept of a token: its digest, boxed, so that moving a key leaves no copy behind, and wiped when dropped.
pub(crate) struct TokenDigest(Box<Zeroizing<[u8; 32]>>);

impl TokenDigest {
    pub(crate) fn new(token: &[u8]) -> Self {
        Self(Box::new(Zeroizing::new(Sha256::digest(token).into())))
    }

    fn tag(&self) -> Tag {
        Tag::new(self.0.as_slice()).expect("32 bytes are a tag")
    }
}

/// The SHA-256 of a token that a request claims: so tokens are compared in a time that tells nothing of the right one,
/// not even its length.
pub(crate) fn token_tag(token: &[u8]) -> Tag {
    Tag::new(&Sha256::digest(token)).expect("32 bytes are a tag")
}
