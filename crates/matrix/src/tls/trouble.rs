//! What a failed handshake says, in words that name the cause.

use std::fmt;

use rustls::{CertificateError, Error, OtherError};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::fingerprint::Both;

/// Why a server was not believed to be the homeserver. Nothing was sent to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsTrouble {
    /// Chain and name are good, but the certificate is none of those pinned.
    Pin,
    /// The certificate's chain ends in no authority that is trusted.
    Chain,
    /// The certificate is for other names.
    Name,
    /// The certificate, or one that its chain needs, has expired.
    Expired,
    /// The certificate, or one that its chain needs, is not valid yet.
    NotYetValid,
    /// Anything else: no TLS at all, no version or cipher in common, a certificate that is broken.
    Other,
}

/// A [`TlsTrouble`] and its words.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsFailure {
    /// What it is.
    pub trouble: TlsTrouble,
    /// What there is to know about it, in one line.
    pub detail: String,
}

/// The certificate is none of those pinned.
#[derive(Debug, thiserror::Error)]
pub(crate) struct NotPinned {
    pub(crate) presented: Both,
    /// What is pinned is a certificate that this one's chain goes on with.
    pub(crate) issuer_is: bool,
}

impl fmt::Display for NotPinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Both { certificate, public_key } = self.presented;
        let which =
            if self.issuer_is { "what is pinned is its issuer's" } else { "it is none of those pinned" };
        write!(
            f,
            "the server's certificate has a good chain and name, but {which}; it is {certificate} {public_key}"
        )
    }
}

impl From<NotPinned> for Error {
    fn from(error: NotPinned) -> Self {
        CertificateError::Other(OtherError(std::sync::Arc::new(error))).into()
    }
}

/// What of a failed request is TLS's.
pub(crate) fn of(error: &ureq::Error) -> Option<TlsFailure> {
    match error {
        ureq::Error::Rustls(error) => Some(tell(error)),
        // What comes after the handshake, such as an alert.
        ureq::Error::Io(error) => Some(tell(error.get_ref()?.downcast_ref()?)),
        _ => None,
    }
}

pub(crate) fn tell(error: &Error) -> TlsFailure {
    let (trouble, detail) = match error {
        Error::InvalidCertificate(error) => certificate(error),
        Error::InvalidMessage(_) => {
            (TlsTrouble::Other, format!("what answers there does not speak TLS ({error})"))
        }
        other => (TlsTrouble::Other, format!("TLS: {other}")),
    };
    TlsFailure { trouble, detail }
}

const UNKNOWN_ISSUER: &str = "no authority trusted here has issued the server's certificate (unknown issuer), or the \
    server does not send the certificates in between";
const BAD_SIGNATURE: &str = "the server's certificate is not signed by the authority that it names";
const AN_AUTHORITYS: &str = "the server's certificate is an authority's (CA:TRUE), which may sign others and be no \
    server's: make one with basicConstraints=CA:FALSE";

fn certificate(error: &CertificateError) -> (TlsTrouble, String) {
    use CertificateError as E;
    use TlsTrouble::{Chain, Expired, Name, NotYetValid, Other};
    match error {
        E::Other(OtherError(inner)) => other(inner.as_ref()),
        E::UnknownIssuer => (Chain, UNKNOWN_ISSUER.to_owned()),
        E::BadSignature => (Chain, BAD_SIGNATURE.to_owned()),
        E::NotValidForNameContext { expected, presented } => {
            let names: Vec<_> = presented.iter().map(|name| bare(name)).collect();
            let (expected, names) = (expected.to_str(), names.join(", "));
            (Name, format!("the server's certificate is not for {expected}, but for {names}"))
        }
        E::NotValidForName => (Name, "the server's certificate is for another name".to_owned()),
        E::ExpiredContext { not_after, .. } => {
            let end = date(not_after.as_secs());
            (Expired, format!("the server's certificate, or its issuer's, ended at {end}"))
        }
        E::Expired => (Expired, "the server's certificate, or its issuer's, has expired".to_owned()),
        E::NotValidYetContext { not_before, .. } => {
            let begin = date(not_before.as_secs());
            let what = "the server's certificate, or its issuer's, begins at";
            (NotYetValid, format!("{what} {begin}: is this machine's clock slow?"))
        }
        E::NotValidYet => (NotYetValid, "the server's certificate is not valid yet".to_owned()),
        error => (Other, format!("the server's certificate: {error}")),
    }
}

fn other(error: &(dyn std::error::Error + Send + Sync + 'static)) -> (TlsTrouble, String) {
    match error.downcast_ref::<NotPinned>() {
        Some(error) => (TlsTrouble::Pin, error.to_string()),
        // webpki's error, of which rustls hands on no more than the words.
        None if error.to_string().contains("CaUsedAsEndEntity") => {
            (TlsTrouble::Chain, AN_AUTHORITYS.to_owned())
        }
        None => (TlsTrouble::Other, format!("the server's certificate: {error}")),
    }
}

/// `DnsName("a.example")` is how webpki hands a name on.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"')
}

fn date(unix: u64) -> String {
    let time = i64::try_from(unix).ok().and_then(|unix| OffsetDateTime::from_unix_timestamp(unix).ok());
    time.and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| "a time beyond the calendar".to_owned())
}
