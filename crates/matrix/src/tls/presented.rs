//! The certificate that a server presents, for whoever looks into why it is not believed.

use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::time::Time;

use super::fingerprint::{Both, Fingerprint};
use super::trouble::{TlsFailure, tell};
use super::verifier::Seen;

/// A server's own certificate, as it presents it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PresentedCertificate {
    /// The certificate's fingerprint.
    pub certificate: Fingerprint,
    /// Its public key's.
    pub public_key: Fingerprint,
    /// From when it is valid, in seconds since the epoch.
    pub not_before: i64,
    /// Until when, in seconds since the epoch.
    pub not_after: i64,
    /// The names and addresses that it is for (RFC 5280, 4.2.1.6, `dNSName` and `iPAddress`).
    pub names: Vec<String>,
    /// Why a client with these options does not believe it; `None` where chain, name and pins are good.
    pub refused: Option<TlsFailure>,
}

impl PresentedCertificate {
    /// `None` for a certificate that nobody can read.
    pub(crate) fn of(seen: &Seen) -> Option<Self> {
        let both = Both::of(&seen.certificate).ok()?;
        let certificate = Certificate::from_der(&seen.certificate).ok()?;
        let certificate = certificate.tbs_certificate();
        let names = certificate.get_extension::<SubjectAltName>().ok()?;
        Some(Self {
            certificate: both.certificate,
            public_key: both.public_key,
            not_before: unix(certificate.validity().not_before),
            not_after: unix(certificate.validity().not_after),
            names: names.into_iter().flat_map(|(_, names)| names.0).filter_map(|name| text(&name)).collect(),
            refused: seen.verdict.as_ref().err().map(tell),
        })
    }
}

fn unix(time: Time) -> i64 {
    i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX)
}

fn text(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        GeneralName::IpAddress(bytes) => address(bytes.as_bytes()),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<String> {
    let v4 = || Some(std::net::Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).to_string());
    let v6 = || Some(std::net::Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_string());
    v4().or_else(v6)
}
