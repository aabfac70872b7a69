//! The schemes: a file for each or for a family, and one line in the table below.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::key::Key;
use crate::lock::{Lock, Signed};
use crate::message_id::MessageId;
use crate::sign::Draft;
use crate::tag::{Tag, Tags};
use crate::{Headers, KeyError, Refusal, SignError, headers};

mod basic;
mod body_only;
mod buildkite;
mod circleci;
mod drone;
mod gitea;
mod hmac;
mod standard_webhooks;
mod token;
#[cfg(feature = "rsa")]
mod travis;

pub use hmac::{HmacEncoding, HmacForm, HmacFormError, HmacHash, HmacSettings, HmacTimestamp};

/// What a scheme's file says of it.
pub(crate) trait Rules: Sync {
    /// Its name in configuration.
    fn name(&self) -> &'static str;

    /// The headers that it reads.
    fn needs(&self) -> Needs;

    /// Whether the body is proved, or only that the sender has the token.
    fn proves_body(&self) -> bool {
        true
    }

    /// Whether the time is signed.
    fn signs_time(&self) -> bool {
        false
    }

    /// What is kept of a secret as people write it.
    fn lock(&self, secret: &[u8]) -> Result<Lock, KeyError>;

    /// What a request claims: form and caps checked, nothing of it proved.
    fn claim<'h>(&self, headers: &'h dyn Headers, kinds: Kinds) -> Result<Claim<'h>, Refusal>;

    /// The text that is signed, where that is not the body as it came.
    fn signed_text(&self, _body: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(None)
    }

    /// The headers that make a request a signed one.
    fn sign(&self, key: &Key, draft: &Draft<'_>) -> Result<SignedHeaders, SignError>;

    /// The refusal of what fits no key.
    fn mismatch(&self) -> Refusal {
        if self.proves_body() { Refusal::SignatureMismatch } else { Refusal::TokenMismatch }
    }
}

/// The headers without which a request is none of the scheme.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Needs {
    /// All of them.
    All(&'static [&'static str]),
    /// Any of them: senders write one value into several.
    Any(&'static [&'static str]),
    /// One that other schemes use too; in this one, its value begins so.
    Begins(&'static [&'static str; 1], &'static str),
    /// One that another scheme uses too, together with this other one, which this scheme's senders never send.
    #[cfg(feature = "rsa")]
    Without(&'static [&'static str; 1], &'static str),
}

impl Needs {
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::All(names) | Self::Any(names) => names,
            Self::Begins(name, _) => name,
            #[cfg(feature = "rsa")]
            Self::Without(name, _) => name,
        }
    }

    pub(crate) fn are_met(self, headers: &dyn Headers) -> bool {
        let is_present = |name: &&str| headers::is_present(headers, name);
        match self {
            Self::All(names) => names.iter().all(is_present),
            Self::Any(names) => names.iter().any(is_present),
            Self::Begins([name], prefix) => headers::begins_with(headers, name, prefix),
            #[cfg(feature = "rsa")]
            Self::Without([name], other) => is_present(name) && !is_present(&other),
        }
    }
}

/// Which kinds of signatures there are keys for, where a scheme has two.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(feature = "ed25519"), expect(dead_code, reason = "there is one kind only"))]
pub(crate) struct Kinds {
    /// By a secret that both sides have.
    pub(crate) shared: bool,
    /// By the sender's private key.
    pub(crate) public: bool,
}

/// Header lines to send: names and values.
pub(crate) type SignedHeaders = Vec<(&'static str, String)>;

/// What the headers of a request claim.
#[derive(Default)]
pub(crate) struct Claim<'h> {
    /// What is signed in front of the body, piece by piece.
    before_body: [&'h [u8]; 4],
    /// The body's SHA-256, where that is among these pieces and the body itself is not signed.
    digest: Option<Tag>,
    /// HMACs, or the digest of a token.
    pub(crate) tags: Tags,
    /// Ed25519 signatures.
    #[cfg(feature = "ed25519")]
    pub(crate) signatures: Tags,
    /// An RSA signature.
    #[cfg(feature = "rsa")]
    pub(crate) rsa_signature: Vec<u8>,
    pub(crate) message_id: Option<MessageId>,
    /// Seconds since the epoch.
    pub(crate) signed_at: Option<i64>,
}

impl<'h> Claim<'h> {
    /// One tag over the body.
    fn over_body(tag: Tag) -> Self {
        Self { tags: Tags::one(tag), ..Self::default() }
    }

    /// What is signed if `body` is the request's.
    pub(crate) fn signed<'p>(&'p self, body: &'p [u8]) -> Result<Signed<'p>, Refusal> {
        match self.digest {
            None => Ok(Signed::new(self.before_body, body)),
            Some(digest) if digest.as_bytes() == Sha256::digest(body).as_slice() => {
                Ok(Signed::new(self.before_body, b""))
            }
            Some(_) => Err(Refusal::DigestMismatch),
        }
    }
}

macro_rules! schemes {
    ($($(#[cfg($cfg:meta)])? $(#[doc = $doc:literal])+ $scheme:ident => $name:literal, $rules:expr;)+) => {
        /// How a sender proves who it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Scheme {
            $($(#[cfg($cfg)])? $(#[doc = $doc])+ $scheme,)+
            /// `hmac`: an HMAC of a form that is to be told; the secret is text.
            Hmac(HmacForm),
        }

        impl Scheme {
            /// Every scheme of this build but `hmac`, which needs its form.
            pub const ALL: &'static [Self] = &[$($(#[cfg($cfg)])? Self::$scheme),+];

            /// The names of all schemes of this build, `hmac` included.
            pub const NAMES: &'static [&'static str] = &[$($(#[cfg($cfg)])? $name,)+ "hmac"];

            pub(crate) fn rules(self) -> &'static dyn Rules {
                match self {
                    $($(#[cfg($cfg)])? Self::$scheme => &$rules,)+
                    Self::Hmac(form) => form.rules(),
                }
            }
        }
    };
}

schemes! {
    /// `github`: HMAC-SHA256 over the body, in hex, in `X-Hub-Signature-256`. The secret is text.
    Github => "github", body_only::GITHUB;
    /// `gitea`, also Forgejo and Gogs: HMAC-SHA256 over the JSON text, also where it comes in a form, in hex, in
    /// `X-Gitea-Signature`, `X-Forgejo-Signature` and `X-Gogs-Signature`; those that are there have to be equal. The
    /// secret is text.
    Gitea => "gitea", gitea::Gitea;
    /// `bitbucket`: HMAC-SHA256 over the body, in hex, in `X-Hub-Signature`. The secret is text.
    Bitbucket => "bitbucket", body_only::BITBUCKET;
    /// `buildkite`: HMAC-SHA256 over `timestamp.body`, in hex, in `X-Buildkite-Signature`. The secret is text.
    Buildkite => "buildkite", buildkite::Buildkite;
    /// `circleci`: HMAC-SHA256 over the body, in hex, as `v1` in `circleci-signature`. The secret is text.
    Circleci => "circleci", circleci::Circleci;
    /// `semaphore`: HMAC-SHA256 over the body, in hex, in `X-Semaphore-Signature-256`. The secret is text.
    Semaphore => "semaphore", body_only::SEMAPHORE;
    /// `appcircle`: HMAC-SHA256 over the body, in hex, in `ac_signature`. The secret is text.
    Appcircle => "appcircle", body_only::APPCIRCLE;
    /// `cirrus`: HMAC-SHA256 over the body, in hex, in `X-Cirrus-Signature`. The secret is text.
    Cirrus => "cirrus", body_only::CIRRUS;
    #[cfg(feature = "sha1")]
    /// `eas`: HMAC-SHA1 over the body, in hex, in `expo-signature`. The secret is text. Feature `sha1`.
    Eas => "eas", body_only::EAS;
    /// `drone`: HMAC-SHA256 over `Date` and the body's `Digest`, in base64, in `Signature`. The secret is text.
    Drone => "drone", drone::Drone;
    #[cfg(feature = "rsa")]
    /// `travis`: RSA PKCS#1 v1.5 with SHA-1 over the JSON text in a form, in base64, in `Signature`. The key is Travis
    /// CI's public one, a PEM. Feature `rsa`.
    Travis => "travis", travis::Travis;
    /// `standard-webhooks`: HMAC-SHA256 or Ed25519 over `id.timestamp.body`, in base64, in `webhook-id`,
    /// `webhook-timestamp` and `webhook-signature` (Standard Webhooks 1.0.0). The secret is 24 to 64 bytes in
    /// base64, with or without `whsec_` before it; with the feature `ed25519`, or a public key, `whpk_` and the base64
    /// of 32 bytes.
    StandardWebhooks => "standard-webhooks", standard_webhooks::StandardWebhooks;
    /// `bearer`: a token in `Authorization`. The body is not proved.
    Bearer => "bearer", token::BEARER;
    /// `basic`: a password in `Authorization`, whatever the user's name. The body is not proved.
    Basic => "basic", basic::Basic;
    /// `gitlab-token`: a token in `X-Gitlab-Token`. The body is not proved.
    GitlabToken => "gitlab-token", token::GITLAB;
    /// `buildkite-token`: a token in `X-Buildkite-Token`. The body is not proved.
    BuildkiteToken => "buildkite-token", token::BUILDKITE;
    /// `path-token`: a token of 32 characters or more as the last segment of the path that is posted to. Who calls the
    /// verifier shows that segment as a header line named `:path-token`, a name that no client can send. The body is
    /// not proved.
    PathToken => "path-token", token::PATH;
}

impl Scheme {
    /// The scheme's name in configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.rules().name()
    }

    /// The headers that the scheme reads.
    ///
    /// Each that is there has to be there once and not empty. All have to be there; of `gitea`'s, one at least.
    #[must_use]
    pub fn security_headers(self) -> &'static [&'static str] {
        self.rules().needs().names()
    }

    /// Whether a fitting proof says anything of the body. It does not in the bearer class (`bearer`, `basic`,
    /// `gitlab-token`, `buildkite-token`, `path-token`): who has seen one request can send any other.
    #[must_use]
    pub fn proves_body(self) -> bool {
        self.rules().proves_body()
    }

    /// Whether the time is signed, so that a captured request is good for five minutes only.
    #[must_use]
    pub fn signs_time(self) -> bool {
        self.rules().signs_time()
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a name alone makes no scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemeError {
    /// A name that is no scheme's.
    #[error("unknown scheme; one of {} is expected", Scheme::NAMES.join(", "))]
    Unknown,
    /// `hmac`: see [`HmacForm`].
    #[error("the scheme hmac needs its form: which header, and how it is written there")]
    NeedsForm,
    /// A scheme that this build leaves out.
    #[error("this scheme needs the feature {feature}, which this build is without")]
    NotBuiltIn {
        /// The crate's feature.
        feature: &'static str,
    },
}

impl FromStr for Scheme {
    type Err = SchemeError;

    fn from_str(name: &str) -> Result<Self, SchemeError> {
        let known = Self::ALL.iter().copied().find(|scheme| scheme.as_str() == name);
        known.ok_or(match name {
            "hmac" => SchemeError::NeedsForm,
            "eas" => SchemeError::NotBuiltIn { feature: "sha1" },
            "travis" => SchemeError::NotBuiltIn { feature: "rsa" },
            _ => SchemeError::Unknown,
        })
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
        assert_eq!("GitHub".parse::<Scheme>(), Err(SchemeError::Unknown));
        assert_eq!("hmac".parse::<Scheme>(), Err(SchemeError::NeedsForm));
        let message = SchemeError::Unknown.to_string();
        assert!(message.starts_with("unknown scheme; one of github, gitea, "), "{message}");
        assert!(message.ends_with("path-token, hmac is expected"), "{message}");
    }

    #[test]
    fn the_names_are_those_of_the_rules() {
        let names: Vec<_> = Scheme::ALL.iter().map(|scheme| scheme.as_str()).chain(["hmac"]).collect();
        assert_eq!(names, Scheme::NAMES);
    }

    #[test]
    fn what_is_not_built_in_says_so() {
        for (name, feature, is_in) in
            [("eas", "sha1", cfg!(feature = "sha1")), ("travis", "rsa", cfg!(feature = "rsa"))]
        {
            let expected = if is_in { None } else { Some(SchemeError::NotBuiltIn { feature }) };
            assert_eq!(name.parse::<Scheme>().err(), expected);
            assert_eq!(Scheme::NAMES.contains(&name), is_in);
        }
    }
}
