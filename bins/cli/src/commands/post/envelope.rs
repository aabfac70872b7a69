//! A body with all the headers that its provider would send.

use meshhook_model::State;
use meshhook_normalize::Provider;
use meshhook_verify::{FRESH_SECONDS, Key, SignError, sign};
use serde_json::Value;
use ureq::http::Request;
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::failure::{Exit, Failure};
use crate::http::{self, Answer};
use crate::sample::Event;
use crate::{clock, random};

/// What is to be posted.
pub(super) struct Body {
    pub(super) event: Option<Event>,
    /// The state that it is about, where it was made here.
    pub(super) state: Option<State>,
    pub(super) bytes: Vec<u8>,
}

/// Who posts.
pub(super) struct Signer<'u> {
    provider: &'static Provider,
    key: Key,
    url: &'u str,
}

/// A body, ready to be posted.
pub(super) struct Envelope<'b> {
    /// Where to, with the token that a scheme wants there.
    pub(super) url: Zeroizing<String>,
    /// The same without it, as it may be shown.
    place: &'b str,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: &'b [u8],
    /// The last second in which a gateway takes it, where the scheme signs a time.
    pub(super) valid_until: Option<meshhook_model::Timestamp>,
}

impl<'u> Signer<'u> {
    pub(super) fn new(provider: &'static Provider, key: Key, url: &'u str) -> Self {
        Self { provider, key, url }
    }

    /// Whether what is sent is a proof, and not the secret itself.
    pub(super) fn proves_body(&self) -> bool {
        self.key.scheme().proves_body()
    }

    /// Signs `body` as of now.
    pub(super) fn sign<'b>(&'b self, body: &'b Body) -> Result<Envelope<'b>, Failure> {
        let now = clock::now();
        let signed = sign(&self.key, &random::message_id()?, now.unix(), &body.bytes)
            .map_err(|error| Failure::new(Exit::NotSo, error.to_string(), hint(error)))?;
        let timed = self.key.scheme().signs_time();
        let fresh = i64::try_from(FRESH_SECONDS).unwrap_or(i64::MAX);
        let mut headers = vec![("content-type", content_type(&body.bytes).to_owned())];
        headers.extend(self.event_headers(body)?);
        let (in_path, signed): (Vec<_>, Vec<_>) =
            signed.into_iter().partition(|(name, _)| name.starts_with(':'));
        headers.extend(signed);
        let url = in_path.iter().fold(self.url.to_owned(), |url, (_, token)| url + "/" + token);
        Ok(Envelope {
            url: Zeroizing::new(url),
            place: self.url,
            headers,
            body: &body.bytes,
            valid_until: timed.then(|| clock::after(now, fresh)),
        })
    }

    fn event_headers(&self, body: &Body) -> Result<Vec<(&'static str, String)>, Failure> {
        let Some(event) = body.event else { return Ok(Vec::new()) };
        let mut headers = Vec::new();
        if let (Some(header), Some(name)) = (self.provider.event_header(), event.header()) {
            headers.push((header, name.to_owned()));
        }
        if let Some(header) = event.number_header() {
            headers.push((header, random::guid()?));
        }
        Ok(headers)
    }
}

impl Envelope<'_> {
    pub(super) fn send(&self) -> Result<Answer, Failure> {
        let mut request = Request::post(self.url.as_str());
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let request = request
            .body(self.body)
            .map_err(|error| Failure::new(Exit::Usage, error.to_string(), "correct --url"))?;
        http::run_at(self.place, &http::agent(), request)
    }
}

const fn hint(error: SignError) -> &'static str {
    match error {
        SignError::OnlyTheSender => "only the CI system itself can sign such a POST",
        _ => "set the machine's clock",
    }
}

/// The type that a sender would name: GitHub can be set to send a form with JSON in it.
fn content_type(body: &[u8]) -> &'static str {
    match form_payload(body) {
        Some(_) => "application/x-www-form-urlencoded",
        None => "application/json",
    }
}

fn form_payload(body: &[u8]) -> Option<String> {
    let mut pairs = form_urlencoded::parse(body.strip_prefix(b"payload=").map(|_| body)?);
    pairs.next().map(|(_, payload)| payload.into_owned())
}

/// Which of the provider's events a body is.
pub(super) fn event_of(provider: &Provider, body: &[u8]) -> Option<Event> {
    let payload = form_payload(body);
    let json: Value = serde_json::from_slice(payload.as_ref().map_or(body, String::as_bytes)).ok()?;
    Event::all_of(provider).iter().copied().find(|event| event.is_of(&json))
}
