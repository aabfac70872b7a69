//! What went wrong, and what that proves.

use std::fmt;
use std::time::Duration;

use crate::answer::Answer;
use crate::tls::{TlsFailure, TlsTrouble};

/// What a failed request proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// 429: wait. It does not prove that the message is not in the room: Synapse limits before it looks for a
    /// transaction id in its database.
    Limited {
        /// How long, where the answer says so; at most [`LONGEST_WAIT`](crate::LONGEST_WAIT), perhaps zero.
        retry_after: Option<Duration>,
    },
    /// The homeserver knows the token no more, or its user is locked, suspended or deactivated: nothing can be sent
    /// with it.
    Unauthorized {
        /// The session can be had back without logging out (Client-Server API, "Soft logout").
        soft_logout: bool,
    },
    /// 403 of a homeserver: not in the room, or without the power to send. It can become allowed, and the message
    /// may be in the room from an earlier attempt.
    Forbidden,
    /// 400 or 413 of a homeserver: this very request will never be accepted.
    Refused,
    /// 400 `M_UNKNOWN_DEVICE`: the device that an application service speaks for is not made yet.
    UnknownDevice,
    /// Nothing is proved: no answer, or one that only something between us and the homeserver gives. The message
    /// may be in the room or not.
    Unknown,
}

/// A request that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub struct Failure {
    /// What it proves.
    pub kind: FailureKind,
    /// The HTTP status, where there was a whole answer.
    pub status: Option<u16>,
    /// The Matrix error code, where the answer had one.
    pub errcode: Option<String>,
    /// What was wrong with TLS, where that is why there was no answer: then nothing of the request was sent, unless it
    /// is [`TlsTrouble::Other`].
    pub tls: Option<TlsTrouble>,
    /// What happened: one line of at most 300 characters, without the token.
    pub detail: String,
}

/// `403 M_FORBIDDEN: User @x:h not in room !r`
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status, &self.errcode) {
            (Some(status), Some(errcode)) => write!(f, "{status} {errcode}: {}", self.detail),
            (Some(status), None) => write!(f, "{status}: {}", self.detail),
            (None, _) => f.write_str(&self.detail),
        }
    }
}

impl Failure {
    /// There was no whole answer.
    pub(crate) fn no_answer(detail: &str) -> Self {
        Self { kind: FailureKind::Unknown, status: None, errcode: None, tls: None, detail: one_line(detail) }
    }

    /// TLS failed, so there was no answer.
    pub(crate) fn of_tls(tls: TlsFailure) -> Self {
        Self { tls: Some(tls.trouble), ..Self::no_answer(&tls.detail) }
    }

    /// There was an answer, and it is no success.
    pub(crate) fn answered(answer: &Answer) -> Self {
        let errcode = answer.errcode();
        Self {
            kind: kind(answer, errcode),
            status: Some(answer.status),
            errcode: errcode.map(str::to_owned),
            tls: None,
            detail: one_line(&detail(answer, errcode)),
        }
    }
}

impl Failure {
    /// Whether it is about the user that the token speaks as, or about that user and the room, and the token may be as
    /// good as ever: not registered, outside the application service's namespace, without that device, locked, suspended,
    /// deactivated, not in the room, or without the power to.
    ///
    /// Of a token that is one user's own it says no more than its kind.
    #[must_use]
    pub fn is_of_the_user(&self) -> bool {
        const OF_USERS: [&str; 4] =
            ["M_USER_LOCKED", "M_USER_SUSPENDED", "M_USER_DEACTIVATED", "M_EXCLUSIVE"];
        const OF_THE_SERVER: [&str; 1] = ["M_RESOURCE_LIMIT_EXCEEDED"];
        let is_one_of = |codes: &[&str]| self.errcode.as_deref().is_some_and(|code| codes.contains(&code));
        match self.kind {
            FailureKind::UnknownDevice => true,
            FailureKind::Forbidden => !is_one_of(&OF_THE_SERVER),
            FailureKind::Unauthorized { .. } | FailureKind::Refused => is_one_of(&OF_USERS),
            FailureKind::Limited { .. } | FailureKind::Unknown => false,
        }
    }
}

fn kind(answer: &Answer, errcode: Option<&str>) -> FailureKind {
    match (answer.status, errcode) {
        (429, _) => FailureKind::Limited { retry_after: answer.wait() },
        (
            401 | 403,
            Some(
                "M_UNKNOWN_TOKEN" | "M_MISSING_TOKEN" | "M_USER_LOCKED" | "M_USER_SUSPENDED"
                | "M_USER_DEACTIVATED",
            ),
        ) => FailureKind::Unauthorized { soft_logout: answer.soft_logout() },
        (403, Some(_)) => FailureKind::Forbidden,
        (400, Some("M_UNKNOWN_DEVICE")) => FailureKind::UnknownDevice,
        // It speaks of the address, not of the message.
        (400, Some("M_UNRECOGNIZED")) => FailureKind::Unknown,
        (400 | 413, Some(_)) => FailureKind::Refused,
        _ => FailureKind::Unknown,
    }
}

fn detail(answer: &Answer, errcode: Option<&str>) -> String {
    match (errcode, answer.status, &answer.location) {
        (Some(_), ..) => answer.error_text().to_owned(),
        (None, 300..=399, Some(to)) => format!("redirected to {to}; the homeserver's own address is wanted"),
        (None, 200..=299, _) => {
            "not a homeserver's answer: another web server or a network's log-in page?".into()
        }
        _ => "no Matrix error in the answer: from a proxy in front of the homeserver?".into(),
    }
}

const MAX_DETAIL: usize = 300;

/// A text from outside as it may stand in a log line.
fn one_line(text: &str) -> String {
    let seen = |c: char| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c };
    text.chars().map(seen).take(MAX_DETAIL).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn answer(status: u16, json: Value) -> Answer {
        Answer { status, json, ..Answer::default() }
    }

    fn kind_of(status: u16, errcode: &str) -> FailureKind {
        Failure::answered(&answer(status, json!({ "errcode": errcode, "error": "e" }))).kind
    }

    #[test]
    fn only_a_homeservers_error_is_proof() {
        use FailureKind::{Forbidden, Refused, Unauthorized, Unknown, UnknownDevice};
        let unauthorized = Unauthorized { soft_logout: false };
        for (status, errcode, kind) in [
            (401, "M_UNKNOWN_TOKEN", unauthorized),
            (401, "M_MISSING_TOKEN", unauthorized),
            (401, "M_USER_LOCKED", unauthorized),
            (403, "M_USER_SUSPENDED", unauthorized),
            (403, "M_USER_DEACTIVATED", unauthorized),
            (403, "M_FORBIDDEN", Forbidden),
            (403, "org.example.no", Forbidden),
            (400, "M_BAD_JSON", Refused),
            (400, "M_UNKNOWN", Refused),
            (413, "M_TOO_LARGE", Refused),
            (400, "M_UNKNOWN_DEVICE", UnknownDevice),
            (400, "M_UNRECOGNIZED", Unknown),
            (404, "M_UNRECOGNIZED", Unknown),
            (404, "M_NOT_FOUND", Unknown),
            (405, "M_UNRECOGNIZED", Unknown),
            (401, "M_SOMETHING", Unknown),
            (409, "M_CONFLICT", Unknown),
            (500, "M_UNKNOWN", Unknown),
            (502, "M_FORBIDDEN", Unknown),
            (200, "M_FORBIDDEN", Unknown),
        ] {
            assert_eq!(kind_of(status, errcode), kind, "{status} {errcode}");
        }
    }

    #[test]
    fn what_a_ghost_has_done_is_not_the_tokens_fault() {
        for (status, errcode, is_of_the_user) in [
            (403, "M_FORBIDDEN", true),
            (400, "M_UNKNOWN_DEVICE", true),
            (401, "M_USER_LOCKED", true),
            (403, "M_USER_SUSPENDED", true),
            (403, "M_USER_DEACTIVATED", true),
            (400, "M_EXCLUSIVE", true),
            (401, "M_UNKNOWN_TOKEN", false),
            (401, "M_MISSING_TOKEN", false),
            (403, "M_RESOURCE_LIMIT_EXCEEDED", false),
            (400, "M_BAD_JSON", false),
            (413, "M_TOO_LARGE", false),
            (429, "M_LIMIT_EXCEEDED", false),
            (500, "M_USER_LOCKED", false),
            (502, "M_FORBIDDEN", false),
        ] {
            let failure = Failure::answered(&answer(status, json!({ "errcode": errcode })));
            assert_eq!(failure.is_of_the_user(), is_of_the_user, "{status} {errcode}");
        }
        assert!(!Failure::no_answer("timeout").is_of_the_user());
    }

    #[test]
    fn no_proxys_page_is_proof() {
        let bodies =
            [Value::Null, json!({}), json!([]), json!({ "errcode": 7 }), json!({ "errcode": "not a code" })];
        for status in (100..600).filter(|status| *status != 429) {
            for body in &bodies {
                let failure = Failure::answered(&answer(status, body.clone()));
                assert_eq!((failure.kind, failure.errcode), (FailureKind::Unknown, None), "{status} {body}");
            }
        }
    }

    #[test]
    fn a_limit_says_how_long() {
        let limited = |seconds| FailureKind::Limited { retry_after: seconds };
        let body = json!({ "errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 1500 });
        let mut limit = answer(429, body);
        assert_eq!(Failure::answered(&limit).kind, limited(Some(Duration::from_millis(1500))));
        limit.retry_after = Some("7".into());
        assert_eq!(Failure::answered(&limit).kind, limited(Some(Duration::from_secs(7))));
        limit.retry_after = Some("86400".into());
        assert_eq!(Failure::answered(&limit).kind, limited(Some(crate::LONGEST_WAIT)));
        assert_eq!(Failure::answered(&answer(429, Value::Null)).kind, limited(None));
    }

    #[test]
    fn a_soft_logout_is_told() {
        let body =
            json!({ "errcode": "M_UNKNOWN_TOKEN", "error": "Access token has expired", "soft_logout": true });
        let kind = Failure::answered(&answer(401, body)).kind;
        assert_eq!(kind, FailureKind::Unauthorized { soft_logout: true });
    }

    #[test]
    fn a_failure_is_one_readable_line() {
        let known =
            answer(403, json!({ "errcode": "M_FORBIDDEN", "error": "User @x:h\nnot in\u{1b}[31m !r" }));
        assert_eq!(Failure::answered(&known).to_string(), "403 M_FORBIDDEN: User @x:h not in [31m !r");
        let redirect =
            Answer { status: 301, location: Some("https://a.example/".into()), ..Answer::default() };
        assert_eq!(
            Failure::answered(&redirect).to_string(),
            "301: redirected to https://a.example/; the homeserver's own address is wanted"
        );
        assert_eq!(Failure::no_answer("host not found").to_string(), "host not found");
    }

    proptest! {
        #[test]
        fn any_text_makes_a_short_line(status: u16, error: String) {
            let body = json!({ "errcode": "M_FORBIDDEN", "error": error });
            let failure = Failure::answered(&answer(status, body));
            prop_assert!(failure.detail.chars().count() <= MAX_DETAIL);
            prop_assert!(!failure.detail.contains(char::is_control));
        }
    }
}
