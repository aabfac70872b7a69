//! A secret that a sender and this side share, or a sender's public key.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::lock::Lock;
use crate::mac::Mac;
use crate::{Scheme, SignError};

/// Why a secret cannot be a key of its scheme. Nothing of the secret is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// An empty secret: everyone has it.
    #[error("the secret is empty")]
    Empty,
    /// The scheme's secrets are text.
    #[error("the secret is not UTF-8 text")]
    NotText,
    /// The scheme's secrets are written in base64.
    #[error("the secret is not base64, with or without whsec_ before it")]
    NotBase64,
    /// The scheme's secrets are 24 to 64 bytes long.
    #[error("the secret is {bytes} bytes long once decoded; 24 to 64 are expected")]
    Length {
        /// How many bytes the secret has.
        bytes: usize,
    },
    /// A token that could not stand in a header, or is longer than is read there.
    #[error("the token is other than 1 to 1024 visible ASCII characters")]
    NotAToken,
    /// A token in a URL is all the proof there is, so it has to be long.
    #[error("the token has {characters} characters; 32 or more of A-Z a-z 0-9 - . _ ~ are expected")]
    TooShort {
        /// How many characters the token has.
        characters: usize,
    },
    /// A token in a URL that a sender or a proxy could write in another way.
    #[error("the token is other than 32 to 1024 of A-Z a-z 0-9 - . _ ~")]
    NotASegment,
    /// A password that could not be sent, or is longer than is read.
    #[error("the password is other than 1 to 1024 bytes of text without control characters")]
    NotAPassword,
    /// A sender's private key, which nobody else may have.
    #[error("this is the sender's private key; its public key is expected")]
    Private,
    /// A public key of Standard Webhooks that is none.
    #[error("the public key is other than whpk_ and the base64 of 32 bytes")]
    NotAPublicKey,
    /// The scheme's keys are PEM.
    #[error("the key is no PEM of a public key: BEGIN PUBLIC KEY or BEGIN RSA PUBLIC KEY is expected")]
    NotPem,
    /// A PEM of something else than an RSA key.
    #[error("the PEM holds no RSA public key")]
    NotRsa,
    /// An RSA key that is too short to be safe, or too long to be quick.
    #[error("the RSA key has {bits} bits; 2048 to 4096 are expected")]
    RsaLength {
        /// How many bits the modulus has.
        bits: usize,
    },
    /// A kind of key that this build leaves out.
    #[error("keys of this kind need the feature {feature}, which this build is without")]
    NotBuiltIn {
        /// The crate's feature.
        feature: &'static str,
    },
}

/// A secret of one scheme, with a label that may be shown.
pub struct Key {
    scheme: Scheme,
    label: Arc<str>,
    lock: Lock,
    /// Only where it is to be sent.
    token: Option<Zeroizing<Box<str>>>,
}

impl Key {
    /// A key from the secret as the sender's settings page shows it.
    ///
    /// `label` names the key in [`Verified::key`](crate::Verified::key) and in the log: a file's name, say.
    /// The copy of the secret that `secret` is stays the caller's to wipe.
    ///
    /// # Errors
    /// When no sender of the scheme could have such a secret.
    pub fn new(scheme: Scheme, label: &str, secret: &[u8]) -> Result<Self, KeyError> {
        Ok(Self { scheme, label: label.into(), lock: scheme.rules().lock(secret)?, token: None })
    }

    /// The same for one who sends: a token of the bearer class is kept as it is, since [`sign`](crate::sign) has to
    /// write it into a header. Where the secret is not sent itself, this is [`Self::new`].
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn for_sender(scheme: Scheme, label: &str, secret: &[u8]) -> Result<Self, KeyError> {
        let key = Self::new(scheme, label, secret)?;
        let token = match key.lock {
            Lock::Token(_) => Some(Zeroizing::new(text(secret)?.into())),
            _ => None,
        };
        Ok(Self { token, ..key })
    }

    /// A key of the same kind, which nobody has.
    pub(crate) fn decoy(&self, random: &[u8; 32]) -> Self {
        Self { scheme: self.scheme, label: "decoy".into(), lock: self.lock.decoy(random), token: None }
    }

    /// The scheme it is a key of.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Its label.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    pub(crate) fn shared_label(&self) -> Arc<str> {
        Arc::clone(&self.label)
    }

    pub(crate) const fn lock(&self) -> &Lock {
        &self.lock
    }

    /// What it signs with.
    pub(crate) const fn mac(&self) -> Result<&Mac, SignError> {
        match &self.lock {
            Lock::Mac(mac) => Ok(mac),
            _ => Err(SignError::OnlyTheSender),
        }
    }

    /// What it sends.
    pub(crate) fn token(&self) -> Result<&str, SignError> {
        self.token.as_ref().map(|token| &***token).ok_or(SignError::TokenNotKept)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("scheme", &self.scheme)
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}

/// A secret that is text and not empty.
pub(crate) fn text(secret: &[u8]) -> Result<&str, KeyError> {
    match std::str::from_utf8(secret) {
        Err(_) => Err(KeyError::NotText),
        Ok("") => Err(KeyError::Empty),
        Ok(text) => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_text_and_not_empty() {
        assert_eq!(text(b""), Err(KeyError::Empty));
        assert_eq!(text(b"\xff\xfe"), Err(KeyError::NotText));
        assert_eq!(text("Grüße".as_bytes()), Ok("Grüße"));
    }
}
