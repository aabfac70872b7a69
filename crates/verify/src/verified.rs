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
    /// The body with the proof of who sent it.
    ///
    /// This allocates nothing, but for the text of a form whose text is what is signed (`gitea`, `travis`) and for
    /// signatures by public keys.
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
        let (proof, signed_text) = verifier.prove(headers, self.body.as_ref(), now_unix)?;
        Ok(Verified { body: self.body, signed_text, proof })
    }
}

impl<B> fmt::Debug for Unverified<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unverified").finish_non_exhaustive()
    }
}

/// A body whose sender holds one of the verifier's keys.
///
/// A signature proves the body. A scheme of the bearer class proves only that the sender has the token: see
/// [`Scheme::proves_body`](crate::Scheme::proves_body).
///
/// A function that takes a `Verified` cannot be called with anything else, since only
/// [`Unverified::verify`] makes one:
///
/// ```compile_fail,E0451
/// use meshhook_verify::Verified;
/// let forged = Verified { body: "{}", signed_text: None, proof: panic!() };
/// ```
pub struct Verified<B> {
    body: B,
    /// Where not the body as it came is signed.
    signed_text: Option<Vec<u8>>,
    proof: Proof,
}

impl<B: AsRef<[u8]>> Verified<B> {
    /// The bytes that were signed: the body, or the text in a form where the scheme signs that (`gitea`, `travis`).
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.signed_text.as_deref().unwrap_or_else(|| self.body.as_ref())
    }
}

impl<B: Into<Vec<u8>>> Verified<B> {
    /// The bytes that were signed, as [`Self::body`] has them; a `Vec` is handed on as it is.
    #[must_use]
    pub fn into_body(self) -> Vec<u8> {
        self.signed_text.unwrap_or_else(|| self.body.into())
    }
}

impl<B> Verified<B> {
    /// The text that was signed, where that is not the body as it came. For whoever verified a body by reference.
    #[must_use]
    pub fn into_signed_text(self) -> Option<Vec<u8>> {
        self.signed_text
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
