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
    #[error("a time is 0 to 999999999999 seconds since the epoch")]
    Time,
}

/// What is to be signed.
pub(crate) struct Draft<'a> {
    pub(crate) message_id: &'a str,
    pub(crate) now: i64,
    pub(crate) body: &'a [u8],
}

/// The headers that make `body` a request signed with `key`: names and values.
///
/// A scheme that signs no message id or no time, as GitHub's, looks at neither.
///
/// # Errors
/// When the scheme signs a message id or a time, and it could not be read back.
pub fn sign(
    key: &Key,
    message_id: &str,
    now_unix: i64,
    body: &[u8],
) -> Result<Vec<(&'static str, String)>, SignError> {
    (key.scheme().rules().sign)(key.mac(), &Draft { message_id, now: now_unix, body })
}
