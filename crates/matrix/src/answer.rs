//! An answer as it came, and what of it can be believed.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Failure;
use crate::retry_after;

/// A whole answer.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `Retry-After`.
    pub(crate) retry_after: Option<String>,
    /// `Date`.
    pub(crate) date: Option<String>,
    /// `Location`.
    pub(crate) location: Option<String>,
    /// The body; null when it is no JSON, or longer than was asked for.
    pub(crate) json: Value,
}

impl Answer {
    /// What a homeserver answers with 200; everything else is a failure.
    pub(crate) fn success<T: DeserializeOwned>(self) -> Result<T, Failure> {
        self.success_of(&[200])
    }

    /// The same, with one of these statuses.
    pub(crate) fn success_of<T: DeserializeOwned>(mut self, statuses: &[u16]) -> Result<T, Failure> {
        // serde would take an array for a struct.
        if !statuses.contains(&self.status) || !self.json.is_object() {
            return Err(Failure::answered(&self));
        }
        serde_json::from_value(self.json.take()).map_err(|_| Failure::answered(&self))
    }

    /// The Matrix error code: `M_` and so on, or a namespaced one.
    pub(crate) fn errcode(&self) -> Option<&str> {
        let code = self.json["errcode"].as_str()?;
        let is_word = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.' | b'-');
        (!code.is_empty() && code.len() <= 64 && code.bytes().all(is_word)).then_some(code)
    }

    /// What the homeserver says about its error.
    pub(crate) fn error_text(&self) -> &str {
        self.json["error"].as_str().unwrap_or("(no text)")
    }

    pub(crate) fn soft_logout(&self) -> bool {
        self.json["soft_logout"] == true
    }

    /// The homeserver's clock, in seconds since the epoch.
    pub(crate) fn server_time(&self) -> Option<i64> {
        retry_after::http_date(self.date.as_deref()?).map(time::OffsetDateTime::unix_timestamp)
    }

    /// How long the homeserver wants to be left alone: the header, which the specification prefers since v1.10,
    /// else the body's milliseconds.
    pub(crate) fn wait(&self) -> Option<Duration> {
        let header = self.retry_after.as_deref();
        let header = header.and_then(|value| retry_after::parse(value, self.date.as_deref()));
        let body = || self.json["retry_after_ms"].as_u64().map(Duration::from_millis);
        header.or_else(body).map(|wait| wait.min(retry_after::LONGEST_WAIT))
    }
}
