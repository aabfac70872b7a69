//! The schemes: one file each, and one line in the table below.

use std::fmt;
use std::str::FromStr;

use crate::mac::{Mac, Tags};
use crate::message_id::MessageId;
use crate::sign::Draft;
use crate::{Headers, KeyError, Refusal, SignError};

mod github;
mod standard_webhooks;

/// What a scheme's file says of it.
pub(crate) struct Rules {
    /// Its name in configuration.
    name: &'static str,
    /// The headers that it reads; all of them must be there.
    security_headers: &'static [&'static str],
    /// Its keyed hash, from a secret as people write it.
    pub(crate) mac: fn(&[u8]) -> Result<Mac, KeyError>,
    /// What a request claims: form and caps checked, nothing of it proved.
    pub(crate) claim: for<'h> fn(&'h dyn Headers) -> Result<Claim<'h>, Refusal>,
    /// The headers that make a request a signed one.
    pub(crate) sign: fn(&Mac, &Draft<'_>) -> Result<SignedHeaders, SignError>,
}

/// Header lines to send: names and values.
pub(crate) type SignedHeaders = Vec<(&'static str, String)>;

/// What the headers of a request claim.
pub(crate) struct Claim<'h> {
    /// What is signed in front of the body, piece by piece.
    pub(crate) signed_before_body: [&'h [u8]; 4],
    pub(crate) tags: Tags,
    pub(crate) message_id: Option<MessageId>,
    /// Seconds since the epoch.
    pub(crate) signed_at: Option<i64>,
}

macro_rules! schemes {
    ($($(#[$doc:meta])* $scheme:ident => $file:ident,)+) => {
        /// How a sender proves who it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Scheme {
            $($(#[$doc])* $scheme,)+
        }

        impl Scheme {
            /// Every scheme.
            pub const ALL: &'static [Self] = &[$(Self::$scheme),+];

            pub(crate) const fn rules(self) -> &'static Rules {
                match self {
                    $(Self::$scheme => &$file::RULES,)+
                }
            }
        }
    };
}

schemes! {
    /// `github`: HMAC-SHA256 over the body, in hex, in `X-Hub-Signature-256` (GitHub, "Validating webhook
    /// deliveries"). The time is not signed. The secret is text.
    Github => github,
    /// `standard-webhooks`: HMAC-SHA256 over `id.timestamp.body`, in base64, in `webhook-id`,
    /// `webhook-timestamp` and `webhook-signature` (Standard Webhooks 1.0.0). The secret is 24 to 64 bytes in
    /// base64, with or without `whsec_` before it.
    StandardWebhooks => standard_webhooks,
}

impl Scheme {
    /// The scheme's name in configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.rules().name
    }

    /// The headers that the scheme reads. All of them must be there once, and none may be empty.
    #[must_use]
    pub const fn security_headers(self) -> &'static [&'static str] {
        self.rules().security_headers
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A name that is no scheme's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown scheme; one of {} is expected", names())]
pub struct UnknownScheme;

fn names() -> String {
    Scheme::ALL.iter().map(|scheme| scheme.as_str()).collect::<Vec<_>>().join(", ")
}

impl FromStr for Scheme {
    type Err = UnknownScheme;

    fn from_str(name: &str) -> Result<Self, UnknownScheme> {
        Self::ALL.iter().copied().find(|scheme| scheme.as_str() == name).ok_or(UnknownScheme)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for scheme in Scheme::ALL {
            assert_eq!(scheme.to_string().parse(), Ok(*scheme));
        }
        assert_eq!("GitHub".parse::<Scheme>(), Err(UnknownScheme));
        assert_eq!(UnknownScheme.to_string(), "unknown scheme; one of github, standard-webhooks is expected");
    }
}
