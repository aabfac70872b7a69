//! An application service, as both sides of its registration know it.

use std::fmt;

use serde_json::{Value, json};

use crate::free_port;

/// An application service's registration, and the port on loopback that it says the service listens on.
///
/// Its namespace is what begins with its sender's name and `_`, as `meshhook registration new` writes it; the sender is
/// its own without that.
#[derive(Clone)]
pub struct Service {
    server_name: String,
    port: u16,
    registration: Value,
}

impl Service {
    /// A service whose sender is `@{localpart}:{server_name}`, not limited, at a free port.
    #[must_use]
    pub fn new(localpart: &str, server_name: &str) -> Self {
        let port = free_port();
        let regex = format!("^@{localpart}_[a-z0-9._=/-]+:{}$", server_name.replace('.', "\\."));
        let registration = json!({
            "id": format!("{localpart}-of-tests"),
            "url": format!("http://127.0.0.1:{port}"),
            "as_token": format!("as_token_of_{localpart}_4f0c1b7e9d2a8356"),
            "hs_token": format!("hs_token_of_{localpart}_a83d5e6f0917c2b4"),
            "sender_localpart": localpart,
            "namespaces": { "users": [{ "exclusive": true, "regex": regex }], "aliases": [], "rooms": [] },
            "rate_limited": false,
        });
        Self { server_name: server_name.into(), port, registration }
    }

    /// The service of a registration that somebody else has written, for a homeserver of that name. It listens on the
    /// port that its `url` ends with.
    ///
    /// # Panics
    /// When `url` has no port.
    #[must_use]
    pub fn of(registration: Value, server_name: &str) -> Self {
        let port = registration["url"].as_str().and_then(|url| url.rsplit(':').next()?.parse().ok());
        Self {
            server_name: server_name.into(),
            port: port.expect("a url that ends with a port"),
            registration,
        }
    }

    /// The same with another value of one key, such as `url` or `hs_token`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.registration[key] = value.into();
        self
    }

    /// The same without that key.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.registration.as_object_mut().expect("made as an object").remove(key);
        self
    }

    /// The registration file's content.
    #[must_use]
    pub const fn registration(&self) -> &Value {
        &self.registration
    }

    /// Where the service is to listen: the port of the first address that it was given, whatever `url` says by now.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// `id`.
    #[must_use]
    pub fn id(&self) -> &str {
        self.text("id")
    }

    /// `as_token`, by which the homeserver knows the service.
    #[must_use]
    pub fn as_token(&self) -> &str {
        self.text("as_token")
    }

    /// `hs_token`, by which the service knows the homeserver.
    #[must_use]
    pub fn hs_token(&self) -> &str {
        self.text("hs_token")
    }

    /// The full id of the user that the service is by itself.
    #[must_use]
    pub fn sender(&self) -> String {
        format!("@{}:{}", self.text("sender_localpart"), self.server_name)
    }

    /// The full id of one of its users: the sender's name, `_` and that.
    #[must_use]
    pub fn user(&self, name: &str) -> String {
        format!("@{}_{name}:{}", self.text("sender_localpart"), self.server_name)
    }

    /// The full id of the user with that local part.
    pub(crate) fn named(&self, localpart: &str) -> String {
        format!("@{localpart}:{}", self.server_name)
    }

    /// Whether that user is the sender or one of its users.
    pub(crate) fn has(&self, user: &str) -> bool {
        let begins = format!("@{}_", self.text("sender_localpart"));
        let is_ours = user.starts_with(&begins) && user.ends_with(&format!(":{}", self.server_name));
        is_ours || user == self.sender()
    }

    fn text(&self, key: &str) -> &str {
        self.registration[key].as_str().unwrap_or_default()
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("id", &self.id()).field("port", &self.port).finish_non_exhaustive()
    }
}
