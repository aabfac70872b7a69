//! What a ping's answer means, in one sentence on what to mend (Application Service API, "Pinging", and what Synapse
//! says).

/// What the homeserver answered to `POST /_matrix/client/v1/appservice/{id}/ping`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// The Matrix error code.
    pub errcode: Option<String>,
    /// The error in the homeserver's words.
    pub error: Option<String>,
    /// The status that whoever the homeserver reached answered with.
    pub their_status: Option<u16>,
    /// What that answer said.
    pub their_body: Option<String>,
}

/// What the listener saw of the ping, which it knows by its transaction id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Received {
    /// Nothing: it did not get there.
    NotReached,
    /// It came, with our `hs_token`.
    RightToken,
    /// It came, with another `hs_token`.
    WrongToken,
    /// It came without any.
    NoToken,
    /// Nobody could ask the listener.
    Unknown,
}

/// What is wrong between a homeserver and its application service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// Nothing.
    Fine,
    /// The homeserver is content, and the listener saw nothing.
    OtherListener,
    /// The homeserver does not know the `as_token`.
    AsToken,
    /// It knows it under another id.
    Id,
    /// The token is a user's.
    UserToken,
    /// It does not let us ask.
    Forbidden,
    /// The registration has no url.
    NoUrl,
    /// The homeserver came with another `hs_token`.
    HsToken,
    /// It came without one.
    NoHsToken,
    /// Another server answered.
    OtherServer,
    /// The listener was content, and the homeserver heard something else.
    AnswerChanged,
    /// Nobody listens at the url.
    Refused,
    /// The url's name leads nowhere.
    Dns,
    /// The homeserver speaks TLS to a port that does not.
    TlsToPlain,
    /// The homeserver does not believe the certificate.
    Certificate,
    /// The url leads to a redirect.
    Redirect,
    /// The url has no scheme that the homeserver speaks.
    Scheme,
    /// What answers there is not this gateway: it answers no JSON.
    NoJson,
    /// The homeserver did not get through, for another reason.
    Connection,
    /// Nobody answered the homeserver in time.
    Timeout,
    /// The homeserver itself did not answer in time.
    NoAnswer,
    /// The homeserver knows no pings.
    NoPings,
    /// The homeserver answered something else.
    Unknown,
}

impl Verdict {
    /// What an answer means, beside what the listener saw; nothing where no answer came in time.
    #[must_use]
    pub fn of(answer: Option<&Answered>, received: Received) -> Self {
        let Some(answer) = answer else { return Self::NoAnswer };
        match (answer.status, answer.errcode.as_deref()) {
            _ if is_content(answer) && received == Received::NotReached => Self::OtherListener,
            _ if is_content(answer) => Self::Fine,
            (401, Some("M_UNKNOWN_TOKEN" | "M_MISSING_TOKEN")) => Self::AsToken,
            (403, Some("M_FORBIDDEN")) => Self::forbidden(answer),
            (400, Some("M_URL_NOT_SET")) => Self::NoUrl,
            (_, Some("M_BAD_STATUS")) => Self::bad_status(answer, received),
            (_, Some("M_CONNECTION_FAILED")) => Self::connection(answer.error.as_deref().unwrap_or_default()),
            (_, Some("M_CONNECTION_TIMEOUT")) => Self::Timeout,
            (404 | 405, Some("M_UNRECOGNIZED")) => Self::NoPings,
            _ => Self::Unknown,
        }
    }

    fn forbidden(answer: &Answered) -> Self {
        match answer.error.as_deref() {
            Some(why) if why.contains("Mismatching application service ID") => Self::Id,
            Some(why) if why.contains("Only application services") => Self::UserToken,
            _ => Self::Forbidden,
        }
    }

    /// The listener answers 403 to a wrong token and to nothing else; so, where nobody could ask it, does another.
    fn bad_status(answer: &Answered, received: Received) -> Self {
        let refused = matches!(answer.their_status, Some(401 | 403));
        match received {
            Received::WrongToken => Self::HsToken,
            Received::NoToken => Self::NoHsToken,
            Received::RightToken => Self::AnswerChanged,
            Received::Unknown if refused && is_ours(answer.their_body.as_deref()) => Self::HsToken,
            Received::Unknown | Received::NotReached => Self::OtherServer,
        }
    }

    /// By the names of Twisted's exceptions, which Synapse tells; one may have another around it.
    fn connection(why: &str) -> Self {
        let is = |names: &[&str]| names.iter().any(|name| why.contains(name));
        match why {
            _ if is(&["ConnectionRefusedError"]) => Self::Refused,
            _ if is(&["DNSLookupError"]) => Self::Dns,
            _ if is(&["PageRedirect", "InfiniteRedirection"]) => Self::Redirect,
            _ if is(&["SchemeNotSupported"]) => Self::Scheme,
            _ if is(&["JSONDecodeError"]) => Self::NoJson,
            _ if is(&PLAIN) => Self::TlsToPlain,
            _ if is(&["certificate", "VerificationError"]) => Self::Certificate,
            _ => Self::Connection,
        }
    }

    /// Whether there is nothing to mend.
    #[must_use]
    pub const fn is_fine(self) -> bool {
        matches!(self, Self::Fine)
    }

    /// Its word, which does not change.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.words().0
    }

    /// What is wrong and what to mend, in one sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        self.words().1
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Fine => {
                ("ping_fine", "The homeserver reaches this gateway, and each knows the other's token.")
            }
            Self::OtherListener => (
                "ping_other_listener",
                "The homeserver is content, and this gateway was not asked: the registration's url leads to another \
                 one, so correct it in the homeserver's copy and restart the homeserver.",
            ),
            Self::AsToken => (
                "ping_as_token",
                "The homeserver does not know the as_token: give it this registration file (Synapse: in \
                 app_service_config_files) and restart it, a reload is not enough; or its ip_range_whitelist lacks \
                 this machine's address.",
            ),
            Self::Id => (
                "ping_id",
                "The homeserver knows the as_token under another id: give it this registration file and restart it.",
            ),
            Self::UserToken => (
                "ping_user_token",
                "The as_token is the access token of a user: put an as_token of its own into the registration, give \
                 that to the homeserver and restart it.",
            ),
            Self::Forbidden => (
                "ping_forbidden",
                "The homeserver lets this application service not ask for a ping: its log says why.",
            ),
            Self::NoUrl => (
                "ping_no_url",
                "The homeserver's copy of the registration has no url, so nothing is pushed: write this gateway's into \
                 it and restart the homeserver.",
            ),
            Self::HsToken => (
                "ping_hs_token",
                "The homeserver reached this gateway with another hs_token: give it this registration file and restart \
                 it, a reload is not enough.",
            ),
            Self::NoHsToken => (
                "ping_no_hs_token",
                "The homeserver's ping came without its hs_token: a proxy between them takes the Authorization header \
                 away, or the homeserver is too old to send it in that header.",
            ),
            Self::OtherServer => (
                "ping_other_server",
                "Another server answers at the registration's url: correct the url in the homeserver's copy, or the \
                 proxy that it leads to, and restart the homeserver.",
            ),
            Self::AnswerChanged => (
                "ping_answer_changed",
                "This gateway answered well, and the homeserver heard something else: a proxy between them changes \
                 answers.",
            ),
            Self::Refused => (
                "ping_refused",
                "Nobody listens at the registration's url: compare its host and port with listen in [appservice], as \
                 they are seen from the homeserver's host; in a container, loopback is the container's own.",
            ),
            Self::Dns => (
                "ping_dns",
                "The homeserver does not find the host of the registration's url: correct the name in its copy, or the \
                 DNS of the homeserver's host.",
            ),
            Self::TlsToPlain => (
                "ping_tls_to_plain",
                "The registration's url begins with https, and what listens there speaks no TLS: write http into the \
                 homeserver's copy and restart it, or put a TLS proxy before this gateway.",
            ),
            Self::Certificate => (
                "ping_certificate",
                "The homeserver does not believe the certificate at the registration's url: give the proxy one that \
                 the homeserver's host trusts.",
            ),
            Self::Redirect => (
                "ping_redirect",
                "A redirect is answered at the registration's url, and homeservers follow none: write the address that \
                 it leads to into the homeserver's copy and restart it.",
            ),
            Self::Scheme => (
                "ping_scheme",
                "The registration's url does not begin with http:// or https://: correct it in the homeserver's copy \
                 and restart it.",
            ),
            Self::NoJson => (
                "ping_no_json",
                "What answers at the registration's url is not this gateway, since it answers 200 without JSON: \
                 correct the url in the homeserver's copy, or the proxy that it leads to.",
            ),
            Self::Connection => (
                "ping_connection",
                "The homeserver does not get through to the registration's url: look from its host whether the \
                 network, a firewall or the proxy is in the way.",
            ),
            Self::Timeout => (
                "ping_timeout",
                "The homeserver waited in vain at the registration's url: a firewall drops its packets, or a proxy \
                 there hangs.",
            ),
            Self::NoAnswer => (
                "ping_no_answer",
                "The homeserver did not answer within the time that it was given: it waits itself, most likely since \
                 a firewall drops its packets to the registration's url.",
            ),
            Self::NoPings => (
                "ping_unsupported",
                "The homeserver knows no pings (version 1.7 of the specification): whether it reaches this gateway is \
                 seen when it pushes something.",
            ),
            Self::Unknown => (
                "ping_unknown",
                "The homeserver answered the ping with something unexpected: its log says why.",
            ),
        }
    }
}

/// Whether the homeserver got its answer. After a good one Synapse (1.163, `appservice/scheduler.py`) pushes what waits,
/// and where it is doing so already, that fails, and is told as if the ping had.
fn is_content(answer: &Answered) -> bool {
    let is_pushing =
        |why: &str| ["AlreadyCancelled:", "AlreadyCalled:"].iter().any(|name| why.starts_with(name));
    let failed = answer.errcode.as_deref() == Some("M_CONNECTION_FAILED");
    answer.status == 200 || failed && answer.error.as_deref().is_some_and(is_pushing)
}

/// Whether a refusal is the one that the listener gives.
fn is_ours(body: Option<&str>) -> bool {
    body.is_some_and(|body| body.contains("M_FORBIDDEN"))
}

/// OpenSSL's words where no TLS answers.
const PLAIN: [&str; 4] =
    ["wrong version number", "packet length too long", "http request", "record layer failure"];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const FORBIDDEN: &str = r#"{"errcode":"M_FORBIDDEN","error":"No hs_token of ours."}"#;

    /// As Synapse 1.163.2 answers: status, error code, error, and of whom it reached the status and the body.
    fn synapse(status: u16, errcode: &str, error: &str, theirs: Option<(u16, &str)>) -> Answered {
        let (their_status, their_body) = theirs.map(|(status, body)| (status, body.to_owned())).unzip();
        let (errcode, error) = (Some(errcode.to_owned()), Some(error.to_owned()));
        Answered { status, errcode, error, their_status, their_body }
    }

    fn fine() -> Answered {
        Answered { status: 200, ..Answered::default() }
    }

    #[test]
    fn what_leads_to_us_is_fine_and_what_does_not_is_another() {
        assert_eq!(Verdict::of(Some(&fine()), Received::RightToken), Verdict::Fine);
        assert_eq!(Verdict::of(Some(&fine()), Received::Unknown), Verdict::Fine);
        assert_eq!(Verdict::of(Some(&fine()), Received::NotReached), Verdict::OtherListener);
    }

    #[test]
    fn a_synapse_that_is_pushing_already_was_answered_well() {
        for error in [
            "AlreadyCancelled: Tried to cancel an already-cancelled event.",
            "AlreadyCalled: Tried to cancel an already-called event.",
        ] {
            let answer = synapse(502, "M_CONNECTION_FAILED", error, None);
            assert_eq!(Verdict::of(Some(&answer), Received::RightToken), Verdict::Fine);
            assert_eq!(Verdict::of(Some(&answer), Received::NotReached), Verdict::OtherListener);
        }
    }

    #[test]
    fn each_answer_before_anybody_is_reached() {
        for (status, errcode, error, verdict) in [
            (401, "M_UNKNOWN_TOKEN", "Invalid access token passed.", Verdict::AsToken),
            (401, "M_MISSING_TOKEN", "Missing access token", Verdict::AsToken),
            (403, "M_FORBIDDEN", "Mismatching application service ID in path", Verdict::Id),
            (
                403,
                "M_FORBIDDEN",
                "Only application services can use the /appservice/ping endpoint",
                Verdict::UserToken,
            ),
            (403, "M_FORBIDDEN", "no", Verdict::Forbidden),
            (400, "M_URL_NOT_SET", "The application service does not have a URL set", Verdict::NoUrl),
            (404, "M_UNRECOGNIZED", "Unrecognized request", Verdict::NoPings),
            (500, "M_UNKNOWN", "Internal server error", Verdict::Unknown),
            (429, "M_LIMIT_EXCEEDED", "Too Many Requests", Verdict::Unknown),
        ] {
            let answer = synapse(status, errcode, error, None);
            assert_eq!(Verdict::of(Some(&answer), Received::NotReached), verdict, "{errcode} {error}");
        }
        assert_eq!(Verdict::of(None, Received::NotReached), Verdict::NoAnswer);
        let proxy = Answered { status: 502, ..Answered::default() };
        assert_eq!(Verdict::of(Some(&proxy), Received::NotReached), Verdict::Unknown);
    }

    #[test]
    fn each_way_of_not_getting_through() {
        let wrapped =
            |around: &str, failure: &str| format!("{around}: [<twisted.python.failure.Failure {failure}>]");
        let ssl = |words: &str| {
            let failure = format!("OpenSSL.SSL.Error: [('SSL routines', '', '{words}')]");
            wrapped("RequestTransmissionFailed", &failure)
        };
        let redirect = "twisted.web.error.PageRedirect: 302 Found to http://127.0.0.1:9/";
        for (error, verdict) in [
            (
                "ConnectionRefusedError: Connection was refused by other side: 111: Connection refused.",
                Verdict::Refused,
            ),
            (
                "DNSLookupError: DNS lookup failed: no results for hostname lookup: nowhere.invalid.",
                Verdict::Dns,
            ),
            (&ssl("wrong version number"), Verdict::TlsToPlain),
            (&ssl("certificate verify failed"), Verdict::Certificate),
            (&wrapped("ResponseFailed", redirect), Verdict::Redirect),
            ("SchemeNotSupported: Unsupported scheme: b''", Verdict::Scheme),
            ("JSONDecodeError: Expecting value: line 1 column 1 (char 0)", Verdict::NoJson),
            ("NoRouteError: No route to host: 113: No route to host.", Verdict::Connection),
            ("", Verdict::Connection),
        ] {
            let answer = synapse(502, "M_CONNECTION_FAILED", error, None);
            assert_eq!(Verdict::of(Some(&answer), Received::NotReached), verdict, "{error}");
        }
        let hangs =
            synapse(504, "M_CONNECTION_TIMEOUT", "Timeout after 60s waiting for request to complete.", None);
        assert_eq!(Verdict::of(Some(&hangs), Received::NotReached), Verdict::Timeout);
    }

    /// The same answer means what the listener saw.
    #[test]
    fn a_bad_status_is_told_by_what_came() {
        let refused = synapse(502, "M_BAD_STATUS", "HTTP 403 Forbidden", Some((403, FORBIDDEN)));
        let html = synapse(502, "M_BAD_STATUS", "HTTP 404 Not Found", Some((404, "<html>no</html>")));
        for (answer, received, verdict) in [
            (&refused, Received::WrongToken, Verdict::HsToken),
            (&refused, Received::NoToken, Verdict::NoHsToken),
            (&refused, Received::NotReached, Verdict::OtherServer),
            (&refused, Received::Unknown, Verdict::HsToken),
            (&html, Received::NotReached, Verdict::OtherServer),
            (&html, Received::Unknown, Verdict::OtherServer),
            (&html, Received::RightToken, Verdict::AnswerChanged),
        ] {
            assert_eq!(Verdict::of(Some(answer), received), verdict, "{answer:?} {received:?}");
        }
    }

    const ALL: [Verdict; 23] = [
        Verdict::Fine,
        Verdict::OtherListener,
        Verdict::AsToken,
        Verdict::Id,
        Verdict::UserToken,
        Verdict::Forbidden,
        Verdict::NoUrl,
        Verdict::HsToken,
        Verdict::NoHsToken,
        Verdict::OtherServer,
        Verdict::AnswerChanged,
        Verdict::Refused,
        Verdict::Dns,
        Verdict::TlsToPlain,
        Verdict::Certificate,
        Verdict::Redirect,
        Verdict::Scheme,
        Verdict::NoJson,
        Verdict::Connection,
        Verdict::Timeout,
        Verdict::NoAnswer,
        Verdict::NoPings,
        Verdict::Unknown,
    ];

    #[test]
    fn each_has_a_word_and_a_sentence_of_its_own() {
        let codes: BTreeSet<_> = ALL.iter().map(|verdict| verdict.code()).collect();
        let sentences: BTreeSet<_> = ALL.iter().map(|verdict| verdict.sentence()).collect();
        assert_eq!((codes.len(), sentences.len()), (ALL.len(), ALL.len()));
        assert!(sentences.iter().all(|one| one.ends_with('.') && !one.trim_end_matches('.').contains(". ")));
        assert_eq!(ALL.iter().filter(|verdict| verdict.is_fine()).count(), 1);
    }
}
