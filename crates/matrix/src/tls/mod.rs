//! Who is believed to be the homeserver, and what is said of one that is not.

mod connector;
mod fingerprint;
mod presented;
mod trouble;
mod verifier;

pub use fingerprint::{Fingerprint, FingerprintError};
pub use presented::PresentedCertificate;
pub use trouble::{TlsFailure, TlsTrouble};

pub(crate) use connector::agent;
pub(crate) use trouble::of as trouble_of;
pub(crate) use verifier::Trust;
