//! Certificates, good ones and others.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::synapse::python;

const SCRIPT: &str = include_str!("certificates.py");

/// Makes all of them in a folder.
pub(crate) fn make(folder: &Path) {
    let folder = folder.to_str().expect("a temporary folder's path is UTF-8");
    python::run(&["-c", SCRIPT, folder]);
}

/// One of each [`Certificate`], in a folder of its own, made by Synapse's Python.
#[derive(Debug)]
pub struct Certificates(TempDir);

/// Which certificate: for `localhost`, good for a week and of [`Certificates::ca`], but for what its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    /// A good one.
    Server,
    /// Another good one, with a key of its own.
    Renewed,
    /// Another good one, with the key of [`Self::Server`].
    RenewedWithItsKey,
    /// For `other.example`.
    OtherName,
    /// It ended two days ago.
    Expired,
    /// It begins in two days.
    Future,
    /// Of another authority.
    Strangers,
    /// Of nobody.
    SelfSigned,
    /// Of itself, as an authority.
    ItsOwnAuthority,
}

impl Certificate {
    fn file(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Renewed => "renewed",
            Self::RenewedWithItsKey => "renewed-with-its-key",
            Self::OtherName => "other-name",
            Self::Expired => "expired",
            Self::Future => "future",
            Self::Strangers => "strangers",
            Self::SelfSigned => "self-signed",
            Self::ItsOwnAuthority => "its-own-authority",
        }
    }
}

impl Certificates {
    /// Makes them.
    ///
    /// # Panics
    /// When there is no Synapse installed.
    #[must_use]
    pub fn make() -> Self {
        let dir =
            tempfile::Builder::new().prefix("meshhook-certificates-").tempdir().expect("a temporary folder");
        make(dir.path());
        Self(dir)
    }

    /// The authority's certificate, in PEM.
    #[must_use]
    pub fn ca(&self) -> Vec<u8> {
        self.read("ca.pem")
    }

    /// Another authority's.
    #[must_use]
    pub fn strangers_ca(&self) -> Vec<u8> {
        self.read("strangers-ca.pem")
    }

    /// A server's certificate, in PEM.
    #[must_use]
    pub fn pem(&self, which: Certificate) -> Vec<u8> {
        self.read(&format!("{}.pem", which.file()))
    }

    /// Its key, in PEM.
    #[must_use]
    pub fn key(&self, which: Certificate) -> Vec<u8> {
        self.read(&format!("{}.key", which.file()))
    }

    /// The SHA-256 of a certificate, as openssl prints it: digits in capitals, with colons.
    #[must_use]
    pub fn fingerprint(&self, which: Certificate) -> String {
        self.line(which.file(), 0)
    }

    /// The SHA-256 of its public key, in base64.
    #[must_use]
    pub fn key_fingerprint(&self, which: Certificate) -> String {
        self.line(which.file(), 1)
    }

    /// The SHA-256 of the authority's public key, in base64.
    #[must_use]
    pub fn ca_key_fingerprint(&self) -> String {
        self.line("ca", 1)
    }

    fn line(&self, file: &str, line: usize) -> String {
        let text = String::from_utf8(self.read(&format!("{file}.txt"))).expect("digits and base64");
        text.lines().nth(line).expect("a line for each fingerprint").to_owned()
    }

    fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.0.path().join(file)).expect("made at the start")
    }
}
