//! Signing: for senders, and for whoever tries a gateway out.

use crate::Key;

/// Why something cannot be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// A message id that no verifier would take.
    #[error("a message id is 1 to 128 of A-Z a-z 0-9 _ -")]
    MessageId,
    /// A time that no verifier would take.
    #[error("a time is 0 to 999999999999 seconds since the epoch, and a date lies before the year 10000")]
    Time,
    /// The key is a public one.
    #[error("only the sender can sign: this key is its public one")]
    OnlyTheSender,
    /// The scheme sends the secret itself, of which a key for verifying keeps only a digest.
    #[error("the token was not kept: this key is one to verify with")]
    TokenNotKept,
}

/// What is to be signed.
pub(crate) struct Draft<'a> {
    pub(crate) message_id: &'a str,
    pub(crate) now: i64,
    /// The text in the form, where the scheme signs that.
    pub(crate) body: &'a [u8],
}

/// The headers that make `body` a request signed with `key`: names and values.
///
/// A scheme that signs no message id or no time, as GitHub's, looks at neither. For the bearer class these are the
/// headers that carry the token, so the key has to be one made by [`Key::for_sender`]. `path-token` has no header:
/// its one line, named `:path-token`, is the last segment of the path to post to.
///
/// # Errors
/// When the scheme signs a message id or a time, and it could not be read back; when the key is one that cannot sign.
pub fn sign(
    key: &Key,
    message_id: &str,
    now_unix: i64,
    body: &[u8],
) -> Result<Vec<(&'static str, String)>, SignError> {
    let rules = key.scheme().rules();
    // Where a body has to be a form and is none, only the sender can sign: the rules say so below.
    let text = rules.signed_text(body).unwrap_or_default();
    rules.sign(key, &Draft { message_id, now: now_unix, body: text.as_deref().unwrap_or(body) })
}
