//! What a client is made from.

use std::time::Duration;

use crate::{AddressError, Fingerprint, ProxyAddress};

/// Where and how to reach a homeserver.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// The client-server API's base URL: https, or http on loopback; a path may follow the host.
    pub homeserver: String,
    /// Sent as `User-Agent`; `meshhook-matrix/VERSION` by default.
    pub user_agent: String,
    /// When a request and its answer must be over; 30 seconds by default. Steps have shorter limits of their own
    /// within it: looking the name up 5 s, connecting 10 s, sending 10 s.
    pub deadline: Duration,
    /// Certificates in PEM that the homeserver's chain must end in, instead of the public authorities'.
    pub ca_pem: Option<Vec<u8>>,
    /// Of these the server's own certificate must be one, besides having a good chain and name; empty, of any. On
    /// every new connection. For https only.
    pub fingerprints: Vec<Fingerprint>,
    /// The proxy that connects to the homeserver (RFC 9110, 9.3.6, `CONNECT`); the environment's is never used. For
    /// https only: a proxy's loopback is not this machine's.
    pub proxy: Option<ProxyAddress>,
}

impl Options {
    /// The defaults, for that homeserver.
    #[must_use]
    pub fn new(homeserver: impl Into<String>) -> Self {
        Self {
            homeserver: homeserver.into(),
            user_agent: concat!("meshhook-matrix/", env!("CARGO_PKG_VERSION")).into(),
            deadline: Duration::from_secs(30),
            ca_pem: None,
            fingerprints: Vec::new(),
            proxy: None,
        }
    }
}

/// Why no client can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// The homeserver's address.
    #[error("the homeserver's address: {0}")]
    Homeserver(#[from] AddressError),
    /// The user agent is empty, or cannot be in a header.
    #[error("the user agent is empty or has a character that no header carries")]
    UserAgent,
    /// No certificate in the PEM, or a broken one.
    #[error("no certificate in PEM form, or a broken one")]
    Certificates,
    /// Fingerprints of a server that presents no certificate.
    #[error("over http there is no certificate, so its fingerprints would protect nothing")]
    FingerprintsOverHttp,
    /// A proxy for a server on loopback.
    #[error("over http the access token would go to the proxy in clear text, and to its machine's loopback")]
    ProxyOverHttp,
}
