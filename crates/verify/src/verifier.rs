//! The keys of a source, tried all at once.

use std::sync::Arc;

use subtle::{Choice, ConditionallySelectable};

use crate::mac::Tags;
use crate::message_id::MessageId;
use crate::scheme::Claim;
use crate::{Headers, Key, Refusal, Scheme, headers, timestamp};

/// Why some keys make no verifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifierError {
    /// Without a key nothing can be verified.
    #[error("there is no key")]
    NoKey,
    /// A key of another scheme.
    #[error("the key {label} is one of {of}, not of {wanted}")]
    OtherScheme {
        /// The key's label.
        label: String,
        /// The scheme it is a key of.
        of: Scheme,
        /// The scheme of the verifier.
        wanted: Scheme,
    },
}

/// One scheme and all the keys that are valid now, so that a sender's key rotates without a gap.
#[derive(Debug)]
pub struct Verifier {
    scheme: Scheme,
    keys: Vec<Key>,
}

/// What a fitting signature proves beside the body.
#[derive(Debug)]
pub(crate) struct Proof {
    pub(crate) key: Arc<str>,
    pub(crate) message_id: Option<MessageId>,
    pub(crate) signed_at: Option<i64>,
}

impl Verifier {
    /// A verifier for all of `keys`. Each costs one pass over every body.
    ///
    /// # Errors
    /// When there is no key, or one of another scheme.
    pub fn new(scheme: Scheme, keys: Vec<Key>) -> Result<Self, VerifierError> {
        if keys.is_empty() {
            return Err(VerifierError::NoKey);
        }
        match keys.iter().find(|key| key.scheme() != scheme) {
            Some(key) => Err(VerifierError::OtherScheme {
                label: key.label().to_owned(),
                of: key.scheme(),
                wanted: scheme,
            }),
            None => Ok(Self { scheme, keys }),
        }
    }

    /// The scheme.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Whether a request carries this scheme's headers, each at least once; whether they are right is not asked.
    #[must_use]
    pub fn applies_to(&self, headers: &dyn Headers) -> bool {
        self.scheme.security_headers().iter().all(|name| headers::is_present(headers, name))
    }

    /// Who signed `body`, when, and as which message.
    ///
    /// The order: the form of all the headers, then the signature, then the time. So whatever costs work is of
    /// a known, small size, and only a genuine request is ever called stale.
    pub(crate) fn prove(&self, headers: &dyn Headers, body: &[u8], now: i64) -> Result<Proof, Refusal> {
        let Claim { signed_before_body, tags, message_id, signed_at } = (self.scheme.rules().claim)(headers)?;
        let signed = signed_before_body.into_iter().chain([body]);
        let key = self.fitting_key(&tags, signed).ok_or(Refusal::SignatureMismatch)?;
        signed_at.map_or(Ok(()), |at| timestamp::judge(at, now))?;
        Ok(Proof { key: key.shared_label(), message_id, signed_at })
    }

    /// The first key under which `signed` has one of `tags`.
    ///
    /// Every key is tried, whether or not one before it fitted, and nothing branches on a comparison before
    /// all are done: the time taken tells neither which key fits nor how much of a tag was right.
    fn fitting_key<'p>(&self, tags: &Tags, signed: impl Iterator<Item = &'p [u8]> + Clone) -> Option<&Key> {
        let mut found = Choice::from(0);
        let mut position = 0u64;
        for (at, key) in (0u64..).zip(&self.keys) {
            let fits = tags.contains(&key.mac().tag(signed.clone()));
            position.conditional_assign(&at, fits & !found);
            found |= fits;
        }
        if found.into() { self.keys.get(usize::try_from(position).ok()?) } else { None }
    }
}
