//! One request, one answer, over ureq with every default that surprises switched off.

use std::io::Read;
use std::time::Duration;

use serde_json::Value;
use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, LOCATION, RETRY_AFTER};
use ureq::http::{HeaderValue, Request, Response};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, AsSendBody, Body};

use crate::address::Address;
use crate::answer::Answer;
use crate::{Failure, Options, OptionsError, Token};

const RESOLVE: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(10);
const SEND: Duration = Duration::from_secs(10);
/// Shorter than any server or proxy keeps an idle connection (the shortest defaults are 5 s), so that a request is
/// not lost on one that is just being closed. ureq never sends a request a second time.
const IDLE: Duration = Duration::from_secs(3);
const MAX_HEADERS: usize = 64 << 10;

/// A homeserver and the means to ask it.
pub(crate) struct Transport {
    address: Address,
    agent: Agent,
}

impl Transport {
    pub(crate) fn new(options: &Options) -> Result<Self, OptionsError> {
        let address = Address::new(&options.homeserver)?;
        if options.user_agent.is_empty() || HeaderValue::try_from(&options.user_agent).is_err() {
            return Err(OptionsError::UserAgent);
        }
        let within = |step: Duration| Some(step.min(options.deadline));
        let agent = Agent::config_builder()
            .user_agent(&options.user_agent)
            .timeout_resolve(within(RESOLVE))
            .timeout_connect(within(CONNECT))
            .timeout_send_request(within(SEND))
            .timeout_send_body(within(SEND))
            .timeout_recv_response(Some(options.deadline))
            .timeout_recv_body(Some(options.deadline))
            .timeout_per_call(Some(options.deadline))
            .timeout_global(Some(options.deadline))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(MAX_HEADERS)
            .accept_encoding("identity")
            .max_idle_age(IDLE)
            // Else the environment's proxies are used.
            .proxy(None)
            .tls_config(TlsConfig::builder().root_certs(roots(options.ca_pem.as_deref())?).build())
            .build()
            .new_agent();
        Ok(Self { address, agent })
    }

    pub(crate) fn address(&self) -> &str {
        self.address.as_str()
    }

    /// GET `path`, believing at most `max_body` bytes of the answer.
    pub(crate) fn get(&self, token: Option<&Token>, path: &str, max_body: u64) -> Result<Answer, Failure> {
        let request = Request::get(self.url(path));
        let request = match token {
            Some(token) => request.header(AUTHORIZATION, token.header()),
            None => request,
        };
        self.run(request.body(()), token, max_body)
    }

    /// PUT `json` to `path`, byte for byte, believing at most `max_body` bytes of the answer.
    pub(crate) fn put(
        &self,
        token: &Token,
        path: &str,
        json: &str,
        max_body: u64,
    ) -> Result<Answer, Failure> {
        let request = Request::put(self.url(path));
        let request = request.header(AUTHORIZATION, token.header()).header(CONTENT_TYPE, "application/json");
        self.run(request.body(json), Some(token), max_body)
    }

    fn url(&self, path: &str) -> String {
        self.address().to_owned() + path
    }

    fn run<B: AsSendBody>(
        &self,
        request: Result<Request<B>, ureq::http::Error>,
        token: Option<&Token>,
        max_body: u64,
    ) -> Result<Answer, Failure> {
        let request = request.map_err(|e| Failure::no_answer(&e.to_string()))?;
        let read = self.agent.run(request).and_then(|response| read(response, max_body));
        let (mut answer, body) = read.map_err(|e| Failure::no_answer(&describe(&e)))?;
        // What a homeserver says about an error is shown to people; should it repeat the token, they do not see it.
        let hide = |text: &str| token.map_or_else(|| text.to_owned(), |token| token.hide_in(text));
        answer.location = answer.location.as_deref().map(hide);
        answer.json = match answer.status {
            200 => serde_json::from_slice(&body),
            _ => serde_json::from_str(&hide(&String::from_utf8_lossy(&body))),
        }
        .unwrap_or_default();
        Ok(answer)
    }
}

/// Reads an answer to its end; of a body longer than `max_body` nothing is kept.
fn read(response: Response<Body>, max_body: u64) -> Result<(Answer, Vec<u8>), ureq::Error> {
    let text = |name| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
    let answer = Answer {
        status: response.status().as_u16(),
        retry_after: text(RETRY_AFTER),
        date: text(DATE),
        location: text(LOCATION),
        json: Value::Null,
    };
    let mut body = Vec::new();
    response.into_body().into_reader().take(max_body + 1).read_to_end(&mut body)?;
    if body.len() as u64 > max_body {
        body.clear();
    }
    Ok((answer, body))
}

fn describe(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(step) => format!("no whole answer in time ({step})"),
        other => other.to_string(),
    }
}

fn roots(pem: Option<&[u8]>) -> Result<RootCerts, OptionsError> {
    let Some(pem) = pem else { return Ok(RootCerts::WebPki) };
    let mut certificates: Vec<Certificate<'static>> = Vec::new();
    for item in parse_pem(pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|_| OptionsError::Certificates)? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(OptionsError::Certificates);
    }
    Ok(RootCerts::new_with_certs(&certificates))
}
