//! The two states of a body: who sent it is unknown, or proved.

use std::fmt;

use crate::message_id::MessageId;
use crate::verifier::Proof;
use crate::{Headers, Refusal, Verifier};

/// A body of which nobody knows yet who sent it.
///
/// There is one way to the bytes, [`Self::verify`]:
///
/// ```compile_fail,E0616
/// let unverified = meshhook_verify::Unverified::new("{}");
/// println!("{}", unverified.body);
/// ```
pub struct Unverified<B> {
    body: B,
}

impl<B> Unverified<B> {
    /// Takes a body as it came, before anything looks into it.
    ///
    /// What is proved are the bytes that `B` gives while it is verified: it must always give the same.
    pub const fn new(body: B) -> Self {
        Self { body }
    }
}

impl<B: AsRef<[u8]>> Unverified<B> {
    /// The body with the proof of who sent it. Allocates nothing.
    ///
    /// `now_unix` is the receiver's clock, in seconds since the epoch.
    ///
    /// # Errors
    /// The first reason against the request. A genuine one that is stale is told from a forged one, for the log.
    pub fn verify(
        self,
        verifier: &Verifier,
        headers: &dyn Headers,
        now_unix: i64,
    ) -> Result<Verified<B>, Refusal> {
        let proof = verifier.prove(headers, self.body.as_ref(), now_unix)?;
        Ok(Verified { body: self.body, proof })
    }
}

impl<B> fmt::Debug for Unverified<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unverified").finish_non_exhaustive()
    }
}

/// A body whose sender holds one of the verifier's keys.
///
/// A function that takes a `Verified` cannot be called with anything else, since only
/// [`Unverified::verify`] makes one:
///
/// ```compile_fail,E0451
/// use meshhook_verify::Verified;
/// let forged = Verified { body: "{}", proof: panic!() };
/// ```
pub struct Verified<B> {
    body: B,
    proof: Proof,
}

impl<B: AsRef<[u8]>> Verified<B> {
    /// The bytes that were signed.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.body.as_ref()
    }
}

impl<B> Verified<B> {
    /// The body itself.
    #[must_use]
    pub fn into_body(self) -> B {
        self.body
    }

    /// The label of the key that fits; of several with the same secret, the first.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.proof.key
    }

    /// The message's id, where the scheme signs one.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.proof.message_id.as_ref().map(MessageId::as_str)
    }

    /// When it was signed, in seconds since the epoch, where the scheme signs that.
    #[must_use]
    pub const fn signed_at(&self) -> Option<i64> {
        self.proof.signed_at
    }
}

impl<B> fmt::Debug for Verified<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified").field("proof", &self.proof).finish_non_exhaustive()
    }
}
