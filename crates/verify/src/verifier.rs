//! The keys of a source, tried all at once.

use std::sync::Arc;

use subtle::{Choice, ConditionallySelectable};

use crate::lock::Signed;
use crate::message_id::MessageId;
use crate::scheme::{Claim, Kinds};
use crate::{Headers, Key, Refusal, Scheme, timestamp};

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

    /// A verifier that takes no request, with `keys` keys (one at least) of the kinds that this one has.
    ///
    /// It does the work that this one does, so that a source which does not exist is refused as late as one which
    /// does. `random` gives bytes that nobody can guess.
    #[must_use]
    pub fn decoy(&self, keys: usize, mut random: impl FnMut() -> [u8; 32]) -> Self {
        let kinds = self.keys.iter().cycle().take(keys.max(1));
        Self { scheme: self.scheme, keys: kinds.map(|key| key.decoy(&random())).collect() }
    }

    /// The same with keys that nobody has beside its own, so that they are `keys` in all, if they are not more already.
    ///
    /// Each key costs time: so what is refused takes as long at a source with one key as at one with several, and as at
    /// a [`Self::decoy`] of as many. `random` gives bytes that nobody can guess.
    #[must_use]
    pub fn padded(mut self, keys: usize, random: impl FnMut() -> [u8; 32]) -> Self {
        let missing = keys.saturating_sub(self.keys.len());
        if missing > 0 {
            self.keys.extend(self.decoy(missing, random).keys);
        }
        self
    }

    /// The scheme.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The labels of its keys, as they were given.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(Key::label)
    }

    /// Whether a request looks like one of this scheme's; whether its headers are right is not asked.
    ///
    /// It carries all the headers, each at least once; where senders send one value in several headers, any of them.
    /// Of a header that other schemes use too (`Authorization`, `X-Hub-Signature`) the value begins as in this one.
    /// Gitea and Forgejo sign as GitHub does, too: their requests look like both.
    #[must_use]
    pub fn applies_to(&self, headers: &dyn Headers) -> bool {
        self.scheme.rules().needs().are_met(headers)
    }

    /// Who signed `body`, when, and as which message; and the text that is signed where that is not `body` itself.
    ///
    /// The order: the form of all the headers, then of the body, then the signature, then the time. So whatever costs
    /// work is of a known size, and only a genuine request is ever called stale.
    pub(crate) fn prove(
        &self,
        headers: &dyn Headers,
        body: &[u8],
        now: i64,
    ) -> Result<(Proof, Option<Vec<u8>>), Refusal> {
        let rules = self.scheme.rules();
        let claim = rules.claim(headers, self.kinds())?;
        let text = rules.signed_text(body)?;
        let signed = claim.signed(text.as_deref().unwrap_or(body))?;
        let key = self.fitting_key(&claim, &signed).ok_or_else(|| rules.mismatch())?;
        claim.signed_at.map_or(Ok(()), |at| timestamp::judge(at, now))?;
        let Claim { message_id, signed_at, .. } = claim;
        Ok((Proof { key: key.shared_label(), message_id, signed_at }, text))
    }

    /// Which kinds of signatures there are keys for.
    fn kinds(&self) -> Kinds {
        let public = |key: &Key| key.lock().is_public();
        Kinds { public: self.keys.iter().any(public), shared: !self.keys.iter().all(public) }
    }

    /// The first key under which one of the claim's proofs is one of `signed`.
    ///
    /// Every key is tried, whether or not one before it fitted, and nothing branches on a comparison before
    /// all are done: the time taken tells neither which key fits nor how much of a tag was right.
    fn fitting_key(&self, claim: &Claim<'_>, signed: &Signed<'_>) -> Option<&Key> {
        let mut found = Choice::from(0);
        let mut position = 0u64;
        for (at, key) in (0u64..).zip(&self.keys) {
            let fits = key.lock().fits(claim, signed);
            position.conditional_assign(&at, fits & !found);
            found |= fits;
        }
        if found.into() { self.keys.get(usize::try_from(position).ok()?) } else { None }
    }
}
