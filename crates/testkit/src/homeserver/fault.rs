//! What can go wrong with a request.

use std::time::Duration;

use serde_json::{Value, json};

/// The requests that a [`Fault`] can be wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `GET /versions`
    Versions,
    /// `GET /account/whoami`
    Whoami,
    /// `GET /joined_rooms`
    JoinedRooms,
    /// `PUT /rooms/{room}/send/{type}/{txn}`
    Send,
    /// `GET /rooms/{room}/messages`
    Messages,
    /// `GET /rooms/{room}/state/{type}/{key}`
    State,
    /// `GET /rooms/{room}/event/{event}`
    Event,
    /// `POST /register`
    Register,
    /// `PUT /devices/{device}`
    Device,
    /// `GET` and `PUT /profile/{user}/displayname`
    Profile,
    /// `POST /rooms/{room}/invite`
    Invite,
    /// `POST /rooms/{room}/join`
    Join,
    /// `POST /rooms/{room}/leave`
    Leave,
    /// `POST /appservice/{service}/ping`
    Ping,
    /// Everything else.
    Unknown,
}

/// One way in which a request goes wrong: whether it takes effect all the same, how long nothing happens then, and
/// what the client gets to see. A new fault is a new constructor.
#[derive(Debug, Clone)]
pub struct Fault {
    pub(super) name: &'static str,
    pub(super) effect: Effect,
    pub(super) wait: Duration,
    pub(super) kind: Kind,
}

/// Whether a request takes effect though its client does not get the true answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Never,
    /// Before the client gets to see anything.
    Before,
    /// That much later than it.
    After(Duration),
}

/// What the client gets to see.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// The true answer: the request takes effect.
    None,
    /// The true answer, and the end of the connection: the request takes effect.
    Last,
    /// The first half of the true answer, and after that time a reset connection: the request takes effect.
    Half(Duration),
    /// Another answer.
    Instead(RawAnswer),
    /// Another answer, unless the request had taken effect before: then the true one.
    Refuse(RawAnswer),
    /// No answer: the connection is closed.
    Close,
    /// No answer: half of the request's body is read, then the connection is reset.
    ResetUpload,
}

/// Status, headers and body as they go out.
#[derive(Debug, Clone)]
pub(super) struct RawAnswer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl RawAnswer {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::typed(status, "application/json", body.to_string())
    }

    fn typed(status: u16, content_type: &str, body: String) -> Self {
        Self { status, headers: vec![("Content-Type".into(), content_type.into())], body }
    }

    /// An error in the specification's form.
    pub(super) fn error(status: u16, errcode: &str, error: &str) -> Self {
        Self::json(status, &json!({ "errcode": errcode, "error": error }))
    }
}

impl Fault {
    const fn new(kind: Kind) -> Self {
        Self { name: "fault", effect: Effect::Never, wait: Duration::ZERO, kind }
    }

    /// No fault at all.
    pub(super) fn none() -> Self {
        Self { name: "answered", ..Self::new(Kind::None) }
    }

    pub(super) fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    fn instead(answer: RawAnswer) -> Self {
        Self::new(Kind::Instead(answer))
    }

    /// 429 as Synapse words it: milliseconds in the body, whole seconds (rounded up) in `Retry-After`.
    #[must_use]
    pub fn rate_limited(retry_after: Duration) -> Self {
        Self::rate_limited_in_body(retry_after).header("Retry-After", &whole_seconds(retry_after))
    }

    /// 429 as homeservers before version 1.10 of the specification word it: `retry_after_ms` in the body.
    #[must_use]
    pub fn rate_limited_in_body(retry_after: Duration) -> Self {
        let millis = u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX);
        let mut body = json!({ "errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests" });
        body["retry_after_ms"] = millis.into();
        Self::status(429, &body)
    }

    /// 429 as a proxy words it: a page, and `Retry-After`.
    #[must_use]
    pub fn rate_limited_in_header(retry_after: Duration) -> Self {
        Self::html(429).header("Retry-After", &whole_seconds(retry_after))
    }

    /// 403 as for a user without the power to send.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::error(403, "M_FORBIDDEN", "You don't have permission to post that to the room.")
    }

    /// An error for good, of a request that had not taken effect before: what a homeserver has stored once it does
    /// not refuse.
    #[must_use]
    pub fn refused(code: u16, errcode: &str, error: &str) -> Self {
        Self::new(Kind::Refuse(RawAnswer::error(code, errcode, error)))
    }

    /// A status with a JSON body.
    #[must_use]
    pub fn status(code: u16, body: &Value) -> Self {
        Self::instead(RawAnswer::json(code, body))
    }

    /// A status with an error in the specification's form.
    #[must_use]
    pub fn error(code: u16, errcode: &str, error: &str) -> Self {
        Self::instead(RawAnswer::error(code, errcode, error))
    }

    /// A proxy's page of that status.
    #[must_use]
    pub fn html(code: u16) -> Self {
        Self::text(
            code,
            "text/html",
            &format!("<html><head><title>{code}</title></head><body>nginx</body></html>"),
        )
    }

    /// 200 with a page that asks to log in to the network.
    #[must_use]
    pub fn captive_portal() -> Self {
        Self::text(
            200,
            "text/html",
            "<html><body><form action=\"/login\">Welcome to our WiFi</form></body></html>",
        )
    }

    /// A status with any body.
    #[must_use]
    pub fn text(code: u16, content_type: &str, body: &str) -> Self {
        Self::instead(RawAnswer::typed(code, content_type, body.to_owned()))
    }

    /// The connection is closed without an answer.
    #[must_use]
    pub fn dropped() -> Self {
        Self::new(Kind::Close)
    }

    /// The request takes effect and is answered, and the connection is closed after that.
    #[must_use]
    pub fn last_answer() -> Self {
        Self::new(Kind::Last)
    }

    /// The connection is reset in the middle of the request's body: the request is none.
    #[must_use]
    pub fn reset_upload() -> Self {
        Self::new(Kind::ResetUpload)
    }

    /// The request takes effect, and the connection is reset in the middle of the answer's body.
    #[must_use]
    pub fn truncated() -> Self {
        Self::new(Kind::Half(Duration::ZERO))
    }

    /// The request takes effect, and in the middle of the answer's body nothing more comes for that long, then a
    /// reset.
    #[must_use]
    pub fn stalled(time: Duration) -> Self {
        Self::new(Kind::Half(time))
    }

    /// Nothing happens for that long, then the connection is closed.
    #[must_use]
    pub fn hang(time: Duration) -> Self {
        Self { wait: time, ..Self::dropped() }
    }

    /// The request takes effect at once, and its true answer comes that much later.
    #[must_use]
    pub fn slow(time: Duration) -> Self {
        Self { wait: time, ..Self::none() }
    }

    /// The same fault, only that the request has taken effect before: the answer is lost, not the message.
    #[must_use]
    pub fn after_commit(self) -> Self {
        Self { effect: Effect::Before, ..self }
    }

    /// The same fault, only that the request takes effect that long after the client has seen it: a proxy gave up, or
    /// the connection broke, while the homeserver was still at it.
    #[must_use]
    pub fn commits_later(self, time: Duration) -> Self {
        Self { effect: Effect::After(time), ..self }
    }

    /// One more header on the answer, where the fault has one of its own.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Kind::Instead(answer) = &mut self.kind {
            answer.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}

fn whole_seconds(time: Duration) -> String {
    time.as_secs_f64().ceil().to_string()
}
