//! A secret that a sender and this side share.

use std::fmt;
use std::sync::Arc;

use crate::Scheme;
use crate::mac::Mac;

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
}

/// A secret of one scheme, with a label that may be shown.
pub struct Key {
    scheme: Scheme,
    label: Arc<str>,
    mac: Mac,
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
        Ok(Self { scheme, label: label.into(), mac: (scheme.rules().mac)(secret)? })
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

    pub(crate) const fn mac(&self) -> &Mac {
        &self.mac
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
