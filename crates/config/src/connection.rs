//! The keys of `[matrix]` that say how the homeserver is reached, and who is believed to be it.

use std::path::{Path, PathBuf};

use meshhook_matrix::{Client, Fingerprint, FingerprintError, Options, ProxyAddress, ProxyError};

use crate::document::{Placed, Section, Span, Value};
use crate::fault::Wrong;
use crate::file::{self, Limits, OTHERS_WRITE};
use crate::value::text;

/// As long as a system's list of every authority, and more.
const LIMITS: Limits = Limits { forbidden: OTHERS_WRITE, bytes: 1 << 20 };
/// The certificate in use, and the one that is to follow it.
const MOST: usize = 2;

/// How the homeserver is reached, and who is believed to be it.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Connection {
    /// The file of the authorities that are believed in place of the public ones.
    pub ca_file: Option<PathBuf>,
    /// What stood in it at the start: certificates in PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// Of these the server's certificate has to be one, besides having a good chain and name; empty, of any.
    pub tls_fingerprints: Vec<Fingerprint>,
    /// The proxy on the way.
    pub proxy: Option<ProxyAddress>,
}

impl Connection {
    pub(crate) fn options(&self, homeserver: &str) -> Options {
        let mut options = Options::new(homeserver);
        options.ca_pem.clone_from(&self.ca_pem);
        options.fingerprints.clone_from(&self.tls_fingerprints);
        options.proxy.clone_from(&self.proxy);
        options
    }
}

pub(crate) fn read(section: &mut Section<'_>, root: &Path, homeserver: Option<&str>) -> Connection {
    let ca = section.placed("ca_file", |value| authorities(root, value));
    let fingerprints = section.filled_list("tls_fingerprints", fingerprint).unwrap_or_default();
    let proxy = section.placed("proxy", proxy);
    if let Some(Placed { span, .. }) = fingerprints.get(MOST) {
        let hint = "keep that of the certificate in use, and that of the one that is to follow it";
        section.fault_at(span, "tls_fingerprints", Wrong::new(format!("more than {MOST}"), hint));
    }
    if homeserver.is_some_and(|homeserver| homeserver.starts_with("http:")) {
        let fault = |span: Option<&Span>, key| {
            if let Some(span) = span {
                section.fault_at(span, key, over_http(key));
            }
        };
        fault(ca.as_ref().map(|ca| &ca.span), "ca_file");
        fault(fingerprints.first().map(|one| &one.span), "tls_fingerprints");
        fault(proxy.as_ref().map(|proxy| &proxy.span), "proxy");
    }
    let (ca_file, ca_pem) = ca.map(|ca| ca.value).unzip();
    let tls_fingerprints = fingerprints.into_iter().map(|one| one.value).collect();
    Connection { ca_file, ca_pem, tls_fingerprints, proxy: proxy.map(|proxy| proxy.value) }
}

fn over_http(key: &str) -> Wrong {
    match key {
        "proxy" => {
            let hint = "remove it, or write https: a proxy's 127.0.0.1 is not this machine's";
            Wrong::new("over http the access token would go to the proxy in clear text", hint)
        }
        _ => Wrong::new(
            "over http there is no certificate, so it protects nothing",
            "remove it, or write https",
        ),
    }
}

fn authorities(root: &Path, value: &Value<'_>) -> Result<(PathBuf, Vec<u8>), Wrong> {
    let path = root.join(text(value)?);
    let content = file::read(&path, LIMITS)?;
    let pem = content.text.as_bytes().to_vec();
    let mut options = Options::new("https://localhost");
    options.ca_pem = Some(pem.clone());
    Client::new(options).map_err(|error| {
        let hint = "put the authority's certificate there, from \"-----BEGIN CERTIFICATE-----\" on; DER becomes PEM \
                    by: openssl x509 -inform der -in FILE";
        Wrong::new(error.to_string(), hint)
    })?;
    Ok((path, pem))
}

const CERTIFICATE: &str = "write \"cert-sha256:\" and what this prints after \"=\": openssl s_client -connect \
    matrix.example.org:443 -servername matrix.example.org </dev/null | openssl x509 -noout -fingerprint -sha256";
const PUBLIC_KEY: &str = "write \"spki-sha256:\" and what this prints: openssl s_client -connect \
    matrix.example.org:443 -servername matrix.example.org </dev/null | openssl x509 -noout -pubkey | openssl pkey \
    -pubin -outform der | openssl dgst -sha256 -binary | openssl base64";

fn fingerprint(value: &Value<'_>) -> Result<Fingerprint, Wrong> {
    let text = text(value)?;
    text.parse().map_err(|error: FingerprintError| {
        let hint = match error {
            FingerprintError::Hash if text.starts_with("spki") => PUBLIC_KEY,
            _ => CERTIFICATE,
        };
        Wrong::new(error.to_string(), hint)
    })
}

fn proxy(value: &Value<'_>) -> Result<ProxyAddress, Wrong> {
    ProxyAddress::new(text(value)?).map_err(|error| {
        let hint = match error {
            ProxyError::UserInfo => {
                "write \"http://proxy.example.org:3128\", and let the proxy know this machine by its address"
            }
            _ => "write \"http://proxy.example.org:3128\"",
        };
        Wrong::new(error.to_string(), hint)
    })
}
