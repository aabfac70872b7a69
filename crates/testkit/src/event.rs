//! Users and events, as both homeservers hand them out.

use serde_json::Value;

/// A user on one device.
#[derive(Debug, Clone)]
pub struct User {
    /// `@localpart:server`.
    pub id: String,
    /// The device that the token belongs to.
    pub device: String,
    /// The access token.
    pub token: String,
}

/// An event as a client gets it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event(pub Value);

impl Event {
    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_default()
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.text("event_id")
    }

    /// Its type, such as `m.room.message`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text("type")
    }

    /// Who sent it.
    #[must_use]
    pub fn sender(&self) -> &str {
        self.text("sender")
    }

    /// Its content.
    #[must_use]
    pub fn content(&self) -> &Value {
        &self.0["content"]
    }

    /// The keys of the deliveries that a message of a gateway is made of. Most have one; a digest has many.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let keys = self.content()["com.meshmac.message"]["keys"].as_array();
        keys.into_iter().flatten().filter_map(Value::as_str)
    }

    /// A message's plain text.
    #[must_use]
    pub fn body(&self) -> Option<&str> {
        self.content()["body"].as_str()
    }
}
