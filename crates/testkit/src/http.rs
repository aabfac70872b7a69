//! A blocking HTTP client for the test's side: bounded in time, no redirects, no proxies, any status is an answer,
//! each request on a connection of its own.

use std::fmt;
use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{Request, Response};
use ureq::{Agent, Body};

const MAX_BODY: u64 = 64 << 20;

/// What a server answered.
#[derive(Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of that name (in lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(json) => json,
            Err(e) => panic!("no JSON ({e}): {self:?}"),
        }
    }

    /// The body as JSON, of an answer that must be 200.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.text().chars().take(2000).collect::<String>())
    }
}

/// GET.
///
/// # Errors
/// When there was no complete answer.
pub fn get(url: &str, headers: &[(&str, &str)]) -> io::Result<Answer> {
    run(build("GET", url, headers).body(()))
}

/// A request with a body.
///
/// # Errors
/// When there was no complete answer.
pub fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Answer> {
    run(build(method, url, headers).body(body))
}

fn build(method: &str, url: &str, headers: &[(&str, &str)]) -> ureq::http::request::Builder {
    headers
        .iter()
        .fold(Request::builder().method(method).uri(url), |b, (name, value)| b.header(*name, *value))
}

fn run<B: ureq::AsSendBody>(request: Result<Request<B>, ureq::http::Error>) -> io::Result<Answer> {
    let request = request.map_err(io::Error::other)?;
    read(agent().run(request).map_err(ureq::Error::into_io)?)
}

fn read(response: Response<Body>) -> io::Result<Answer> {
    let status = response.status().as_u16();
    let headers = response.headers().iter();
    let headers = headers
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let mut body = response.into_body();
    let body = body.with_config().limit(MAX_BODY).read_to_vec().map_err(ureq::Error::into_io)?;
    Ok(Answer { status, headers, body })
}

fn agent() -> &'static Agent {
    static AGENT: OnceLock<Agent> = OnceLock::new();
    AGENT.get_or_init(|| {
        Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_connect(Some(Duration::from_secs(5)))
            .timeout_global(Some(Duration::from_secs(60)))
            // A test restarts its servers: no connection to the one before.
            .max_idle_connections(0)
            .build()
            .new_agent()
    })
}
