//! One request, one answer, over ureq with every default that surprises switched off.

use std::io::Read;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{Request, Response, Uri};
use ureq::{Agent, AsSendBody, Body};

use crate::failure::{Exit, Failure};

const CONNECT: Duration = Duration::from_secs(10);
/// A gateway answers within the 3 s that it waits for its disk; the rest is for the way.
const DEADLINE: Duration = Duration::from_secs(30);
const MAX_ANSWER: u64 = 16 << 20;

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Null where the body is no JSON.
    pub(crate) json: Value,
}

/// An http(s) address without credentials, and without a slash at its end; what is none is not repeated.
pub(crate) fn address(text: &str) -> Result<&str, Failure> {
    let uri = text.parse::<Uri>().ok().filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")));
    match uri.as_ref().and_then(Uri::authority) {
        Some(authority) if !authority.as_str().contains('@') => Ok(text.trim_end_matches('/')),
        _ => {
            let hint = "write it like https://gateway.example.org/hooks, without user name and password";
            Err(Failure::new(Exit::Usage, "not an http or https address", hint))
        }
    }
}

/// Whether what goes to `address` can be read by nobody on the way.
pub(crate) fn is_private(address: &str) -> bool {
    let Ok(uri) = address.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    uri.scheme_str() == Some("https") || loopback
}

/// A client; it follows no redirect and uses no proxy.
pub(crate) fn agent() -> Agent {
    Agent::config_builder()
        .user_agent(concat!("meshhook/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(CONNECT))
        .timeout_global(Some(DEADLINE))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .build()
        .new_agent()
}

/// Sends `request`; whatever the answer's status, it is an answer.
pub(crate) fn run<B: AsSendBody>(agent: &Agent, request: Request<B>) -> Result<Answer, Failure> {
    let place = request.uri().to_string();
    run_at(&place, agent, request)
}

/// The same, where the address is not to be shown whole: what goes wrong on the way goes wrong at `place`.
pub(crate) fn run_at<B: AsSendBody>(
    place: &str,
    agent: &Agent,
    request: Request<B>,
) -> Result<Answer, Failure> {
    agent.run(request).and_then(read).map_err(|error| {
        let hint = "is the gateway running, and is this its address?";
        Failure::new(Exit::Unreachable, format!("{place}: {error}"), hint)
    })
}

fn read(response: Response<Body>) -> Result<Answer, ureq::Error> {
    let status = response.status().as_u16();
    let mut body = Vec::new();
    response.into_body().into_reader().take(MAX_ANSWER).read_to_end(&mut body)?;
    Ok(Answer { status, json: serde_json::from_slice(&body).unwrap_or_default() })
}

impl Answer {
    /// The text of a field of the answer.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.json.get(key)?.as_str()
    }

    /// Why it is a refusal: what the problem document says, else the status alone.
    pub(crate) fn refusal(&self) -> Failure {
        self.refusal_with(self.text("hint").unwrap_or("look for the request in the gateway's log"))
    }

    /// The same, with a hint that knows what was asked for.
    pub(crate) fn refusal_with(&self, hint: &str) -> Failure {
        let with = |before: &str, key: &str, after: &str| {
            self.text(key).map(|text| format!("{before}{text}{after}")).unwrap_or_default()
        };
        let what = with(": ", if self.text("detail").is_some() { "detail" } else { "title" }, "");
        let message = format!(
            "refused: {}{}{what}{}",
            self.status,
            with(" ", "code", ""),
            with(" (request ", "request_id", ")")
        );
        Failure::new(Exit::Refused, message, hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_web_addresses_without_credentials() {
        assert_eq!(address("http://127.0.0.1:8788/").unwrap(), "http://127.0.0.1:8788");
        for text in ["", "127.0.0.1:8788", "ftp://h", "https://u:p@h/", "/path", "https://"] {
            assert!(address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_tls_and_loopback_are_private() {
        for (text, private) in [
            ("https://h", true),
            ("http://127.0.0.1:8788", true),
            ("http://[::1]:8788", true),
            ("http://localhost", true),
            ("http://10.0.0.1", false),
            ("http://127.0.0.1.example.org", false),
            ("", false),
        ] {
            assert_eq!(is_private(text), private, "{text}");
        }
    }
}
