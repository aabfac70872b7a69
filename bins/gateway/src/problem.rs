//! Errors as RFC 9457 has them, each with a code that does not change and one hint.

use std::borrow::Cow;

use hyper::StatusCode;
use hyper::header::{self, HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::Value;

use crate::answer::{self, Answer};

/// What a sender is told to wait where nothing was promised, in seconds.
const RETRY_AFTER: u64 = 10;

/// An error: what the sender is told, and why, for the log alone.
#[derive(Debug)]
pub(crate) struct Problem {
    kind: &'static Kind,
    detail: Cow<'static, str>,
    header: Extra,
    /// For log and metrics: a word that the sender is not told.
    pub(crate) reason: &'static str,
    /// For the log: the reason in words.
    pub(crate) why: Option<String>,
    /// For the operator: how far the time that the sender signed is ahead of ours, where that is the reason.
    pub(crate) clock_off_seconds: Option<i64>,
    /// What the document has beyond the others: its extension members (RFC 9457, section 3.2).
    members: Option<Box<Value>>,
}

/// A header that some problems have.
#[derive(Debug)]
enum Extra {
    None,
    Allow(&'static str),
    /// In seconds.
    RetryAfter(u64),
    Challenge,
}

impl Extra {
    fn line(&self) -> Option<(HeaderName, HeaderValue)> {
        match *self {
            Self::None => None,
            Self::Allow(methods) => Some((header::ALLOW, HeaderValue::from_static(methods))),
            Self::RetryAfter(seconds) => Some((header::RETRY_AFTER, HeaderValue::from(seconds))),
            Self::Challenge => Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
        }
    }
}

/// A kind of problem.
#[derive(Debug)]
pub(crate) struct Kind {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    hint: &'static str,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $status:ident $code:literal $title:literal, $hint:literal;)+) => {
        $($(#[$doc])* pub(crate) static $name: Kind =
            Kind { status: StatusCode::$status, code: $code, title: $title, hint: $hint };)+
    };
}

kinds! {
    /// A hook's body that cannot be read.
    BAD_BODY = BAD_REQUEST "bad_request" "The body cannot be read",
        "send JSON, or a form with the one key payload; meshhook normalize shows how a body is read";
    /// A query or an order that cannot be read.
    BAD_ORDER = BAD_REQUEST "bad_request" "The request cannot be read",
        "correct what is named";
    /// Not proved to be who it has to be.
    UNAUTHORIZED = UNAUTHORIZED "unauthorized" "Not authorized",
        "check the source in the URL, the secret on both sides and the sender's clock; the gateway's log names the \
         reason under this request id";
    /// Without the admin token.
    NO_ADMIN = UNAUTHORIZED "unauthorized" "Not authorized",
        "send the admin token as Authorization: Bearer; it is in admin_token_file, else in admin-token beside the store";
    /// Under a name, or from a page, that the admin listener does not answer to.
    FORBIDDEN = FORBIDDEN "forbidden" "Not answered here",
        "ask under a loopback name, or one of admin_hosts in gateway.toml, and not from another site's page";
    /// Nothing is there.
    NOT_FOUND = NOT_FOUND "not_found" "Nothing here",
        "check the path";
    /// Not by this method.
    METHOD_NOT_ALLOWED = METHOD_NOT_ALLOWED "method_not_allowed" "Not by this method",
        "use one of the methods in the Allow header";
    /// The body did not come in time.
    REQUEST_TIMEOUT = REQUEST_TIMEOUT "request_timeout" "The body did not come in time",
        "send it again, without pauses";
    /// Not in this status.
    CONFLICT = CONFLICT "conflict" "Not possible now",
        "look at the delivery again";
    /// The same for a retry.
    RETRY_CONFLICT = CONFLICT "conflict" "Not possible now",
        "look at the delivery again; retry takes {\"force\":true} for an uncertain one";
    /// A configuration that cannot be used.
    CONFIGURATION_FAULTS = UNPROCESSABLE_ENTITY "configuration_faults" "The configuration has faults",
        "correct what is named and reload again; until then the one before stays in force";
    /// A configuration that counts from the next start only.
    NEEDS_RESTART = CONFLICT "needs_restart" "Not possible while the gateway runs",
        "restart the gateway, or take these changes back and reload again";
    /// An audit is at work.
    AUDITING = CONFLICT "conflict" "Not possible now",
        "ask again once that one is through";
    /// The body is longer than is taken.
    TOO_LARGE = PAYLOAD_TOO_LARGE "body_too_large" "The body is too large",
        "send less, or raise max_body_bytes in gateway.toml";
    /// A coding or type that is not taken.
    UNSUPPORTED = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" "Not in this form",
        "send the body without Content-Encoding; to the admin listener as application/json";
    /// A field has another type or value than it must.
    UNPROCESSABLE = UNPROCESSABLE_ENTITY "invalid_field" "A field is not as it has to be",
        "correct the field; meshhook normalize shows how a body is read";
    /// Too many that were not verified.
    TOO_MANY = TOO_MANY_REQUESTS "too_many_requests" "Too many requests that were not authorized",
        "correct the secret before sending again; authorized ones up to 256 KiB are still taken";
    /// Nothing was promised.
    UNAVAILABLE = SERVICE_UNAVAILABLE "unavailable" "Not accepted",
        "send the same request again after the time in Retry-After; it is not announced twice";
}

/// The document.
#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: &'a str,
    request_id: &'a str,
    hint: &'a str,
    #[serde(flatten)]
    members: Option<&'a Value>,
}

impl Problem {
    /// A problem; `reason` is for the log.
    pub(crate) fn new(
        kind: &'static Kind,
        detail: impl Into<Cow<'static, str>>,
        reason: &'static str,
    ) -> Self {
        Self {
            kind,
            detail: detail.into(),
            header: Extra::None,
            reason,
            why: None,
            clock_off_seconds: None,
            members: None,
        }
    }

    /// The same, with the reason in words for the log.
    pub(crate) fn because(self, why: String) -> Self {
        Self { why: Some(why), ..self }
    }

    /// One answer for whatever is wrong with a signature, its address or its source.
    pub(crate) fn unauthorized(reason: &'static str) -> Self {
        Self::new(&UNAUTHORIZED, "The request is not proved to come from a source of this gateway.", reason)
    }

    /// Another method than those in `allow`.
    pub(crate) fn method(allow: &'static str) -> Self {
        let detail = "The path is there, the method is not.";
        Self::new(&METHOD_NOT_ALLOWED, detail, "method").with(Extra::Allow(allow))
    }

    /// Nothing was promised; `reason` says why not.
    pub(crate) fn unavailable(reason: &'static str) -> Self {
        Self::new(&UNAVAILABLE, "It is not known to be stored, and nothing is promised.", reason)
            .with(Extra::RetryAfter(RETRY_AFTER))
    }

    /// There is no room for the body, which is therefore forgotten.
    pub(crate) fn no_room() -> Self {
        Self::new(&UNAVAILABLE, "Too many bodies are on their way; nothing of it was stored.", "bodies_full")
            .with(Extra::RetryAfter(RETRY_AFTER))
    }

    /// The same reason, after too many of its kind.
    pub(crate) fn limited(self, retry_after: u64) -> Self {
        let detail = "Too many requests from this address were not authorized.";
        let limited = Self::new(&TOO_MANY, detail, self.reason);
        let Self { why, clock_off_seconds, .. } = self;
        Self { why, clock_off_seconds, ..limited.with(Extra::RetryAfter(retry_after)) }
    }

    /// A body that is announced, or is, too long.
    pub(crate) fn too_large() -> Self {
        Self::new(&TOO_LARGE, "The body is longer than max_body_bytes.", "body_too_large")
    }

    /// The admin listener wants its token.
    pub(crate) fn challenge() -> Self {
        Self::new(&NO_ADMIN, "The admin token is missing or wrong.", "admin_token").with(Extra::Challenge)
    }

    /// The same, with how far the sender's clock is off.
    pub(crate) fn with_clock_off(self, seconds: Option<i64>) -> Self {
        Self { clock_off_seconds: seconds, ..self }
    }

    /// The same, with members of its own; an object.
    pub(crate) fn with_members(self, members: Value) -> Self {
        Self { members: Some(Box::new(members)), ..self }
    }

    fn with(self, header: Extra) -> Self {
        Self { header, ..self }
    }

    /// The code, for log and metrics.
    pub(crate) const fn code(&self) -> &'static str {
        self.kind.code
    }

    /// The status.
    pub(crate) const fn status(&self) -> StatusCode {
        self.kind.status
    }

    /// Whether nobody knows who asked.
    pub(crate) fn is_unauthorized(&self) -> bool {
        self.kind.status == StatusCode::UNAUTHORIZED
    }

    /// Whether it is one of too many.
    pub(crate) fn is_limited(&self) -> bool {
        self.kind.status == StatusCode::TOO_MANY_REQUESTS
    }

    /// The answer.
    pub(crate) fn answer(&self, request_id: &str) -> Answer {
        let document = Document {
            r#type: format!("urn:meshhook:problem:{}", self.kind.code.replace('_', "-")),
            title: self.kind.title,
            status: self.kind.status.as_u16(),
            code: self.kind.code,
            detail: &self.detail,
            request_id,
            hint: self.kind.hint,
            members: self.members.as_deref(),
        };
        let body = answer::write(&document);
        let mut answer = answer::typed(self.kind.status, "application/problem+json", body);
        answer.headers_mut().extend(self.header.line());
        answer
    }
}
