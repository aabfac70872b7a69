//! Senders that sign the body and nothing beside it: one HMAC in hex, in one header. Neither an event's name nor a
//! delivery's id nor any time is signed.

use super::hmac::{Form, HmacEncoding};
use crate::mac::Hash;

/// `X-Hub-Signature-256: sha256=<64 hex digits>` over the raw body, JSON and form alike. The SHA-1 of
/// `X-Hub-Signature` is not read. Source: GitHub documentation, "Validating webhook deliveries" and "Webhook events
/// and payloads".
pub(super) static GITHUB: Form = sha256("github", &["X-Hub-Signature-256"], "sha256=");

/// `X-Hub-Signature: sha256=<64 hex digits>`: the name is that of GitHub's SHA-1, so the prefix decides. Source:
/// Atlassian support, "Manage webhooks", and Bitbucket Data Center's of the same name.
pub(super) static BITBUCKET: Form = sha256("bitbucket", &["X-Hub-Signature"], "sha256=");

/// `X-Semaphore-Signature-256: <64 hex digits>`. Source: Semaphore's notification service, which writes no prefix.
pub(super) static SEMAPHORE: Form = sha256("semaphore", &["X-Semaphore-Signature-256"], "");

/// `ac_signature: <64 hex digits>`; some proxies drop a name with an underscore. Source: Appcircle documentation,
/// "Webhooks".
pub(super) static APPCIRCLE: Form = sha256("appcircle", &["ac_signature"], "");

/// `X-Cirrus-Signature: <64 hex digits>`. Source: Cirrus CI documentation, "Webhooks".
pub(super) static CIRRUS: Form = sha256("cirrus", &["X-Cirrus-Signature"], "");

/// `expo-signature: sha1=<40 hex digits>`: the one sender that has nothing better than SHA-1, which an HMAC still
/// bears. Source: Expo documentation, "EAS webhooks".
#[cfg(feature = "sha1")]
pub(super) static EAS: Form = Form { hash: Hash::Sha1, ..sha256("eas", &["expo-signature"], "sha1=") };

const fn sha256(name: &'static str, headers: &'static [&'static str; 1], prefix: &'static str) -> Form {
    Form { name, headers, prefix, encoding: HmacEncoding::Hex, hash: Hash::Sha256, separator: None }
}
