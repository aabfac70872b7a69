//! Does the homeserver reach the gateway? It is asked to, and what comes is looked at on this side, too.

use std::net::SocketAddr;
use std::time::Duration;

use meshhook_appservice::{Answered, Received, Registration, Verdict};
use meshhook_matrix::{Client, Ping, PingFailure, Token};
use secrecy::ExposeSecret;
use serde_json::Value;

use super::gateway::{Gateway, items};
use super::listener::Listener;
use super::report::Report;
use crate::admin::Admin;
use crate::failure::Failure;
use crate::random;

const CHECK: &str = "ping";

/// Synapse waits a minute for the service: longer than who waits at a terminal.
const DEADLINE: Duration = Duration::from_secs(20);

/// Has the homeserver ping, and says what came of it.
pub(super) fn look(
    client: &Client,
    token: &Token,
    registration: &Registration,
    listen: Option<SocketAddr>,
    gateway: &Gateway,
    report: &mut Report<'_, '_>,
) -> Result<(), Failure> {
    let id = format!("doctor_{}", random::hex::<12>()?);
    let witness = Witness::find(registration, listen, &id, gateway, report)?;
    let ask = || {
        let hs_token = registration.hs_token.expose_secret();
        let ping = Ping { service: &registration.id, transaction_id: &id, deadline: DEADLINE, hs_token };
        let answer = client.ping(token, ping);
        let said = answer.as_ref().err().map(ToString::to_string);
        (Verdict::of(answered(answer).as_ref(), witness.received(&id)), said)
    };
    let (verdict, said) = match ask() {
        // A homeserver keeps connections, and finds out by using one that who listened before has gone.
        (Verdict::Connection, _) => ask(),
        asked => asked,
    };
    told(verdict, said.as_deref(), witness.who(), report)
}

fn told(
    verdict: Verdict,
    said: Option<&str>,
    witness: &str,
    report: &mut Report<'_, '_>,
) -> Result<(), Failure> {
    let sentence = verdict.sentence().trim_end_matches('.');
    if verdict.is_fine() {
        return report.ok(CHECK, format!("{sentence} ({witness})"));
    }
    let (what, mend) = sentence.split_once(": ").unwrap_or((sentence, "see the homeserver's log"));
    let said = said.map(|said| format!("; the homeserver: {said}")).unwrap_or_default();
    let text = format!("{what} ({witness}{said})");
    match verdict {
        // Messages get out all the same, and nothing is certain to be wrong with what comes in.
        Verdict::NoUrl | Verdict::NoPings | Verdict::Forbidden | Verdict::Unknown => {
            report.warning((CHECK, verdict.code()), text, mend)
        }
        _ => report.fault((CHECK, verdict.code()), text, mend),
    }
}

/// What the homeserver answered; nothing where it did not.
fn answered(answer: Result<Duration, PingFailure>) -> Option<Answered> {
    let PingFailure { failure, status: their_status, body: their_body, .. } = match answer {
        Ok(_) => return Some(Answered { status: 200, ..Answered::default() }),
        Err(failure) => failure,
    };
    let (errcode, error) = (failure.errcode, Some(failure.detail));
    Some(Answered { status: failure.status?, errcode, error, their_status, their_body })
}

/// Who sees on this side what comes.
enum Witness<'w> {
    /// The gateway that runs.
    Gateway(&'w Admin),
    /// The doctor, in its place.
    Doctor(Listener),
    /// Nobody who could be asked.
    Nobody,
}

impl<'w> Witness<'w> {
    fn find(
        registration: &Registration,
        listen: Option<SocketAddr>,
        id: &str,
        gateway: &'w Gateway,
        report: &mut Report<'_, '_>,
    ) -> Result<Self, Failure> {
        // One that still sends as a bot has nothing to tell, and does not listen there either.
        if let Some(admin) = gateway.admin.as_ref().filter(|admin| admin.get("/appservice").is_ok()) {
            return Ok(Self::Gateway(admin));
        }
        let Some(listen) = listen else { return Ok(Self::Nobody) };
        match Listener::open(listen, registration.clone(), id, 2 * DEADLINE) {
            Ok(listener) => Ok(Self::Doctor(listener)),
            Err(_) if gateway.runs => Ok(Self::Nobody),
            Err(error) => {
                let text = format!("in the gateway's place nobody can listen at {listen}: {error}");
                let hint = "if a gateway runs there, name its admin listener: --admin-url; else correct [appservice] listen";
                report.warning((CHECK, "listen_taken"), text, hint).map(|()| Self::Nobody)
            }
        }
    }

    fn received(&self, id: &str) -> Received {
        match self {
            Self::Gateway(admin) => admin.get("/appservice").map_or(Received::Unknown, |seen| of(&seen, id)),
            Self::Doctor(listener) => listener.received(),
            Self::Nobody => Received::Unknown,
        }
    }

    const fn who(&self) -> &'static str {
        match self {
            Self::Gateway(_) => "by the gateway's own door",
            Self::Doctor(_) => "the doctor listened in the gateway's place",
            Self::Nobody => "what came, nobody here could tell",
        }
    }
}

fn of(seen: &Value, id: &str) -> Received {
    let ping = items(&seen["pings"]).iter().find(|ping| ping["transaction_id"] == id);
    match ping.map(|ping| ping["token"].as_str()) {
        None => Received::NotReached,
        Some(Some("right")) => Received::RightToken,
        Some(Some("wrong")) => Received::WrongToken,
        Some(Some("none")) => Received::NoToken,
        Some(_) => Received::Unknown,
    }
}
