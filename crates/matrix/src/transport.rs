//! One request, one answer, over ureq with every default that surprises switched off.

use std::io::Read;
use std::time::Duration;

use serde_json::Value;
use ureq::config::Config;
use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, LOCATION, RETRY_AFTER};
use ureq::http::request::Builder;
use ureq::http::{HeaderValue, Method, Request, Response};
use ureq::{Agent, AsSendBody, Body};

use crate::address::{Address, ProxyAddress};
use crate::answer::Answer;
use crate::client::OTHER_BODY;
use crate::tls::{PresentedCertificate, Trust, agent, trouble_of};
use crate::{Failure, Options, OptionsError, Token};

const RESOLVE: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(10);
const SEND: Duration = Duration::from_secs(10);
/// Shorter than any server or proxy keeps an idle connection (the shortest defaults are 5 s), so that a request is
/// not lost on one that is just being closed. ureq never sends a request a second time.
const IDLE: Duration = Duration::from_secs(3);
const JSON: &str = "application/json";
const MAX_HEADERS: usize = 64 << 10;

/// A homeserver and the means to ask it.
pub(crate) struct Transport {
    address: Address,
    agent: Agent,
    trust: Trust,
}

impl Transport {
    pub(crate) fn new(options: &Options) -> Result<Self, OptionsError> {
        let address = checked(options)?;
        let trust = Trust::new(options.ca_pem.as_deref(), &options.fingerprints)?;
        Ok(Self { address, agent: agent(config(options), trust.config()), trust })
    }

    pub(crate) fn address(&self) -> &str {
        self.address.as_str()
    }

    /// GET `path`, believing at most `max_body` bytes of the answer.
    pub(crate) fn get(&self, token: Option<&Token>, path: &str, max_body: u64) -> Result<Answer, Failure> {
        let request = self.request(Method::GET, token, path);
        self.run(request.body(()), None, &hiding(token), max_body)
    }

    /// PUT `json` to `path`, byte for byte, believing at most `max_body` bytes of the answer.
    pub(crate) fn put(
        &self,
        token: &Token,
        path: &str,
        json: &str,
        max_body: u64,
    ) -> Result<Answer, Failure> {
        let request = self.request(Method::PUT, Some(token), path).header(CONTENT_TYPE, JSON);
        self.run(request.body(json), None, &hiding(Some(token)), max_body)
    }

    /// POST `json` to `path`.
    pub(crate) fn post(
        &self,
        token: Option<&Token>,
        path: &str,
        json: &str,
        how: Post<'_>,
    ) -> Result<Answer, Failure> {
        let request = self.request(Method::POST, token, path).header(CONTENT_TYPE, JSON);
        let hide_token = hiding(token);
        let hide = |text: &str| hide_token(&hide_secret(how.secret, text));
        self.run(request.body(json), how.deadline, &hide, how.max_body)
    }

    /// A request as whom the token speaks for.
    fn request(&self, method: Method, token: Option<&Token>, path: &str) -> Builder {
        let request = Request::builder().method(method);
        match token {
            Some(token) => request.uri(self.url(&token.speaks(path))).header(AUTHORIZATION, token.header()),
            None => request.uri(self.url(path)),
        }
    }

    /// The certificate that the server presents; nothing is sent to it. `None` over http.
    pub(crate) fn certificate(&self) -> Result<Option<PresentedCertificate>, Failure> {
        if self.address.is_http() {
            return Ok(None);
        }
        let (probe, tls) = self.trust.probe();
        let ended = agent(self.agent.config().clone(), tls).get(self.address()).call();
        match (probe.take(), ended) {
            (Some(seen), _) => PresentedCertificate::of(&seen)
                .map(Some)
                .ok_or_else(|| Failure::no_answer("the server's certificate cannot be read")),
            (None, Err(error)) => Err(failure(&error)),
            (None, Ok(_)) => Err(Failure::no_answer("the server presented no certificate")),
        }
    }

    fn url(&self, path: &str) -> String {
        self.address().to_owned() + path
    }

    fn with_deadline<B: AsSendBody>(&self, request: Request<B>, deadline: Duration) -> Request<B> {
        self.agent
            .configure_request(request)
            .timeout_recv_response(Some(deadline))
            .timeout_recv_body(Some(deadline))
            .timeout_per_call(Some(deadline))
            .timeout_global(Some(deadline))
            .build()
    }

    fn run<B: AsSendBody>(
        &self,
        request: Result<Request<B>, ureq::http::Error>,
        deadline: Option<Duration>,
        hide: &dyn Fn(&str) -> String,
        max_body: u64,
    ) -> Result<Answer, Failure> {
        let request = request.map_err(|e| Failure::no_answer(&e.to_string()))?;
        let answered = match deadline {
            None => self.agent.run(request),
            Some(deadline) => self.agent.run(self.with_deadline(request, deadline)),
        };
        let read = answered.and_then(|response| read(response, max_body));
        let (mut answer, body) = read.map_err(|e| failure(&e))?;
        // What a homeserver says about an error is shown to people; should it repeat a secret, they do not see it.
        answer.location = answer.location.as_deref().map(hide);
        answer.json = match answer.status {
            200 => serde_json::from_slice(&body),
            _ => serde_json::from_str(&String::from_utf8_lossy(&body)).map(|json| hidden(json, hide)),
        }
        .unwrap_or_default();
        Ok(answer)
    }
}

/// What is asked of a POST beside its path.
#[derive(Clone, Copy)]
pub(crate) struct Post<'p> {
    /// Shown nowhere of the answer, beside the token.
    pub(crate) secret: &'p str,
    /// So many bytes of the answer are believed at most.
    pub(crate) max_body: u64,
    /// When it must be over, if not as always.
    pub(crate) deadline: Option<Duration>,
}

impl Post<'_> {
    /// One with nothing out of the common about it.
    pub(crate) const PLAIN: Self = Self { secret: "", max_body: OTHER_BODY, deadline: None };
}

/// The homeserver's address, where everything else goes with it.
fn checked(options: &Options) -> Result<Address, OptionsError> {
    let address = Address::new(&options.homeserver)?;
    if options.user_agent.is_empty() || HeaderValue::try_from(&options.user_agent).is_err() {
        return Err(OptionsError::UserAgent);
    }
    match address.is_http() {
        true if !options.fingerprints.is_empty() => Err(OptionsError::FingerprintsOverHttp),
        true if options.proxy.is_some() => Err(OptionsError::ProxyOverHttp),
        _ => Ok(address),
    }
}

fn config(options: &Options) -> Config {
    let within = |step: Duration| Some(step.min(options.deadline));
    Agent::config_builder()
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
        // Where nothing is said, the environment's proxies are used.
        .proxy(options.proxy.as_ref().map(ProxyAddress::as_ureq))
        .build()
}

/// Takes what is to be hidden out of each text of a JSON value, as it reads without escapes.
fn hidden(json: Value, hide: &dyn Fn(&str) -> String) -> Value {
    match json {
        Value::String(text) => hide(&text).into(),
        Value::Array(values) => values.into_iter().map(|value| hidden(value, hide)).collect(),
        Value::Object(map) => map.into_iter().map(|(name, value)| (name, hidden(value, hide))).collect(),
        other => other,
    }
}

/// Takes a secret, if any, out of a text.
fn hide_secret(secret: &str, text: &str) -> String {
    if secret.is_empty() { text.to_owned() } else { text.replace(secret, "[secret]") }
}

/// Takes the token out of a text.
fn hiding(token: Option<&Token>) -> impl Fn(&str) -> String {
    move |text| token.map_or_else(|| text.to_owned(), |token| token.hide_in(text))
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

fn failure(error: &ureq::Error) -> Failure {
    if let Some(tls) = trouble_of(error) {
        return Failure::of_tls(tls);
    }
    Failure::no_answer(&match error {
        ureq::Error::Timeout(step) => format!("no whole answer in time ({step})"),
        ureq::Error::ConnectProxyFailed(why) => format!("the proxy does not connect us: {why}"),
        other => other.to_string(),
    })
}
