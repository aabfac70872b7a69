//! Chain and name as ever, and after them the pins: a pin refuses, and never admits.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::SignatureScheme;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ALL_VERSIONS, CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore};

use super::fingerprint::{Both, Fingerprint};
use super::trouble::NotPinned;
use crate::OptionsError;

/// Whom a client believes.
#[derive(Debug, Clone)]
pub(crate) struct Trust {
    provider: Arc<CryptoProvider>,
    verifier: Arc<Verifier>,
}

impl Trust {
    /// The authorities in `ca_pem`, else the public ones; and `pins`, where there are any.
    pub(crate) fn new(ca_pem: Option<&[u8]>, pins: &[Fingerprint]) -> Result<Self, OptionsError> {
        let provider = Arc::new(ring::default_provider());
        let own = ca_pem.map(certificates).transpose()?.unwrap_or_default();
        let roots = if ca_pem.is_some() { roots(&own)? } else { public() };
        let chain =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
        let chain = chain.map_err(|_| OptionsError::Certificates)?;
        let verifier = Arc::new(Verifier { chain, pins: pins.into(), own });
        Ok(Self { provider, verifier })
    }

    /// For connections that are used.
    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        self.with(Arc::clone(&self.verifier) as _)
    }

    /// For one that ends with the server's certificate.
    pub(crate) fn probe(&self) -> (Arc<Probe>, Arc<ClientConfig>) {
        let probe = Arc::new(Probe { verifier: Arc::clone(&self.verifier), seen: Mutex::default() });
        let config = self.with(Arc::clone(&probe) as _);
        (probe, config)
    }

    fn with(&self, verifier: Arc<dyn ServerCertVerifier>) -> Arc<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider));
        let builder =
            builder.with_protocol_versions(ALL_VERSIONS).expect("ring has ciphers for every version");
        let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        // A resumed session shows no certificate: each connection is to be looked at anew.
        config.resumption = Resumption::disabled();
        Arc::new(config)
    }
}

fn public() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

fn roots(certificates: &[CertificateDer<'static>]) -> Result<RootCertStore, OptionsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate.clone()).map_err(|_| OptionsError::Certificates)?;
    }
    Ok(roots)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, OptionsError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    read.ok().filter(|certificates| !certificates.is_empty()).ok_or(OptionsError::Certificates)
}

/// Chain and name, then the pins.
#[derive(Debug)]
struct Verifier {
    chain: Arc<WebPkiServerVerifier>,
    pins: Box<[Fingerprint]>,
    /// The configured authorities.
    own: Vec<CertificateDer<'static>>,
}

impl Verifier {
    fn check_pins(
        &self,
        end_entity: &CertificateDer<'_>,
        issuers: &[CertificateDer<'_>],
    ) -> Result<(), Error> {
        if self.pins.is_empty() {
            return Ok(());
        }
        let presented = Both::of(end_entity)?;
        if presented.is_among(&self.pins) {
            return Ok(());
        }
        let is_pinned = |issuer| Both::of(issuer).is_ok_and(|issuer| issuer.is_among(&self.pins));
        let issuer_is = issuers.iter().any(is_pinned) || self.own.iter().any(is_pinned);
        Err(NotPinned { presented, issuer_is }.into())
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let good =
            self.chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)?;
        self.check_pins(end_entity, intermediates)?;
        Ok(good)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// Keeps the certificate that a server presents, and ends the handshake whatever it is.
#[derive(Debug)]
pub(crate) struct Probe {
    verifier: Arc<Verifier>,
    seen: Mutex<Option<Seen>>,
}

/// A server's certificate, and what [`Verifier`] says of it.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) verdict: Result<(), Error>,
}

impl Probe {
    /// What was presented, if anything was.
    pub(crate) fn take(&self) -> Option<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ServerCertVerifier for Probe {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict =
            self.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let seen = Seen { certificate: end_entity.clone().into_owned(), verdict: verdict.map(|_| ()) };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    // No handshake comes so far.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
