//! Why a request is not taken.

use crate::FRESH_SECONDS;

/// Why a request is not taken: for the log and for whoever sets up the sender, never for the stranger.
///
/// A sender that could tell these apart could feel its way to a signature, so the answer to all of them is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A header of the scheme is not there.
    #[error("the header {header} is missing")]
    HeaderMissing {
        /// The header's name.
        header: &'static str,
    },
    /// A header of the scheme came more than once.
    #[error("the header {header} came more than once")]
    HeaderRepeated {
        /// The header's name.
        header: &'static str,
    },
    /// A header of the scheme is empty: what some senders do that have no secret set.
    #[error("the header {header} is empty")]
    HeaderEmpty {
        /// The header's name.
        header: &'static str,
    },
    /// The signature has not the form that the scheme gives it.
    #[error("the signature is malformed")]
    SignatureMalformed,
    /// The list of signatures is longer than 8 entries or 4 KiB.
    #[error("the list of signatures is longer than 8 entries or 4 KiB")]
    TooManySignatures,
    /// There are signatures, but none of a version that is known here.
    #[error("there is no signature of a known version")]
    UnknownVersion,
    /// The message id is other than 1 to 128 of `A-Z a-z 0-9 _ -`.
    #[error("the message id is malformed")]
    MessageIdMalformed,
    /// The timestamp is other than 1 to 12 digits without a leading zero.
    #[error("the timestamp is malformed")]
    TimestampMalformed,
    /// Headers that all carry the same signature, but these do not.
    #[error("the signature headers differ from each other")]
    SignaturesDiffer,
    /// The date is no IMF-fixdate.
    #[error("the date is malformed")]
    DateMalformed,
    /// The digest has not the form that the scheme gives it.
    #[error("the digest is malformed")]
    DigestMalformed,
    /// The digest, which is signed in the body's place, is that of another body.
    #[error("the digest is not the body's")]
    DigestMismatch,
    /// The token, or what carries it, has not the form that the scheme gives it.
    #[error("the token is malformed")]
    TokenMalformed,
    /// The token is none of the keys.
    #[error("the token is none of the keys")]
    TokenMismatch,
    /// The signed text is the `payload` of a form, and the body is no form with that as its only field.
    #[error("the body is no form with payload as its only field")]
    NotAForm,
    /// The signature was made with none of the keys, or over other bytes.
    #[error("the signature fits none of the keys")]
    SignatureMismatch,
    /// Genuine, but signed too long ago: late, replayed, or one of the two clocks is wrong.
    #[error("signed {seconds} s ago; {FRESH_SECONDS} s are allowed")]
    Stale {
        /// The signature's age in seconds.
        seconds: u64,
    },
    /// Genuine, but signed in the future: one of the two clocks is wrong.
    #[error("signed {seconds} s in the future; {FRESH_SECONDS} s are allowed")]
    Future {
        /// How far ahead the signature's time is, in seconds.
        seconds: u64,
    },
}

impl Refusal {
    /// The refusal's word for log and metrics, in snake case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::HeaderMissing { .. } => "header_missing",
            Self::HeaderRepeated { .. } => "header_repeated",
            Self::HeaderEmpty { .. } => "header_empty",
            Self::SignatureMalformed => "signature_malformed",
            Self::TooManySignatures => "too_many_signatures",
            Self::UnknownVersion => "unknown_version",
            Self::MessageIdMalformed => "message_id_malformed",
            Self::TimestampMalformed => "timestamp_malformed",
            Self::SignaturesDiffer => "signatures_differ",
            Self::DateMalformed => "date_malformed",
            Self::DigestMalformed => "digest_malformed",
            Self::DigestMismatch => "digest_mismatch",
            Self::TokenMalformed => "token_malformed",
            Self::TokenMismatch => "token_mismatch",
            Self::NotAForm => "not_a_form",
            Self::SignatureMismatch => "signature_mismatch",
            Self::Stale { .. } => "stale",
            Self::Future { .. } => "future",
        }
    }
}
