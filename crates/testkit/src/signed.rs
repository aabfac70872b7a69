//! Requests as CI systems sign them.

use meshhook_verify::{Key, Scheme, sign};

/// Header lines of a request.
pub type Headers = Vec<(&'static str, String)>;

/// What GitHub sends with `body`, JSON or form (GitHub documentation, "Webhook events and payloads").
///
/// # Panics
/// When the secret cannot be one.
#[must_use]
pub fn github(secret: &str, event: &str, guid: &str, body: &[u8]) -> Headers {
    let mut headers = by(Scheme::Github, secret, guid, 0, body);
    let form = body.starts_with(b"payload=");
    let content_type = if form { "application/x-www-form-urlencoded" } else { "application/json" };
    headers.push(("Content-Type", content_type.into()));
    headers.push(("X-GitHub-Event", event.into()));
    headers.push(("X-GitHub-Delivery", guid.into()));
    headers.push(("User-Agent", "GitHub-Hookshot/044aadd".into()));
    headers
}

/// What a sender of Standard Webhooks sends with `body`: `now` in seconds since the epoch.
///
/// # Panics
/// When the secret, the id or the time cannot be one.
#[must_use]
pub fn standard(secret: &str, id: &str, now: i64, body: &[u8]) -> Headers {
    let mut headers = by(Scheme::StandardWebhooks, secret, id, now, body);
    headers.push(("Content-Type", "application/json".into()));
    headers
}

/// What a sender of that scheme sends with `body`; of a token in the path its line is `:path-token`.
///
/// # Panics
/// When the secret, the id or the time cannot be one, or only the real sender can sign.
#[must_use]
pub fn by(scheme: Scheme, secret: &str, id: &str, now: i64, body: &[u8]) -> Headers {
    let key = Key::for_sender(scheme, "test", secret.as_bytes()).expect("a secret of the scheme");
    sign(&key, id, now, body).expect("an id and a time of the scheme")
}
