//! `meshhook-gateway reload`: has the gateway that runs take its configuration over, and tells what came of it.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use meshhook_config::{Fault, Faults, admin_door, read_token};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use ureq::http::{Request, Response};
use ureq::{Agent, Body};

use crate::log::plain;

/// Files are read and checked, nothing else.
const WITHIN: Duration = Duration::from_secs(30);

const STRANGER: &str = "what answers there is no gateway's admin listener";

/// Why nothing was taken over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum AskError {
    /// The configuration has faults; each is told.
    #[error("{0}")]
    Faults(#[from] Faults),
    /// The same, found by the gateway.
    #[error("{0}")]
    Found(String),
    /// There is no admin token.
    #[error("a gateway with its store in memory has no admin token of its own")]
    NoToken,
    /// Nobody answers, or not as a gateway does.
    #[error("no gateway answers at {address}: {why}")]
    Unreachable {
        /// Where.
        address: SocketAddr,
        /// Why.
        why: String,
    },
    /// It answers, and will not.
    #[error("refused: {status} {what}")]
    Refused {
        /// The status.
        status: u16,
        /// What it said.
        what: String,
    },
    /// Some of it cannot be taken over by a gateway that runs.
    #[error("some of what differs counts from the next start only:{0}")]
    NeedsRestart(String),
}

impl AskError {
    /// What to do; faults have hints of their own.
    pub(crate) const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Faults(_) | Self::Found(_) => None,
            Self::NoToken => Some("name an admin_token_file in [server], or send the gateway a SIGHUP"),
            Self::Unreachable { .. } => {
                Some("is it running? Where admin_listen was changed it has to be restarted")
            }
            Self::Refused { status: 401, .. } => {
                Some("where the admin token is another one by now, send the gateway a SIGHUP instead")
            }
            Self::Refused { .. } => Some("look for the request in the gateway's log"),
            Self::NeedsRestart(_) => Some("restart the gateway, or take these changes back and reload again"),
        }
    }

    /// The exit code.
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::NeedsRestart(_) => 1,
            Self::Unreachable { .. } => 3,
            Self::Refused { .. } => 4,
            Self::Faults(_) | Self::Found(_) | Self::NoToken => crate::EX_CONFIG,
        }
    }
}

impl From<Fault> for AskError {
    fn from(fault: Fault) -> Self {
        Self::Faults(fault.into())
    }
}

/// Asks the gateway of that config root; what changed and what should be looked at, a line each.
pub(crate) fn reload(root: &Path) -> Result<Vec<String>, AskError> {
    let door = admin_door(root)?;
    let address = door.asked_at();
    let token = read_token(&door.token_file.ok_or(AskError::NoToken)?)?;
    let (status, told) =
        post(address, &token).map_err(|why| AskError::Unreachable { address, why: why.to_string() })?;
    match status {
        200 if !told["changes"].is_array() => {
            Err(AskError::Unreachable { address, why: STRANGER.to_owned() })
        }
        200 => Ok(lines(&told, "changes", change).chain(lines(&told, "warnings", warning)).collect()),
        422 => Err(AskError::Found(lines(&told, "faults", fault).collect::<Vec<_>>().join("\n"))),
        409 => Err(AskError::NeedsRestart(
            lines(&told, "changes", change).map(|line| format!("\n{line}")).collect(),
        )),
        status => Err(AskError::Refused { status, what: text(&told, "detail").into_owned() }),
    }
}

/// The door answers under loopback's name, at whatever address of this machine it is.
fn post(address: SocketAddr, token: &SecretString) -> Result<(u16, Value), ureq::Error> {
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(WITHIN))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .build()
        .into();
    let request = Request::post(format!("http://{address}/reload"))
        .header(HOST, "localhost")
        .header(AUTHORIZATION, format!("Bearer {}", token.expose_secret()))
        .header(CONTENT_TYPE, "application/json")
        .body("{}")?;
    read(agent.run(request)?)
}

fn read(response: Response<Body>) -> Result<(u16, Value), ureq::Error> {
    let status = response.status().as_u16();
    let body = response.into_body().read_to_vec()?;
    Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
}

fn lines<'t>(
    told: &'t Value,
    list: &str,
    line: impl Fn(&Value) -> String + 't,
) -> impl Iterator<Item = String> + 't {
    told.get(list).and_then(Value::as_array).into_iter().flatten().map(line)
}

/// A field's text, without what a terminal would obey.
fn text<'t>(value: &'t Value, key: &str) -> Cow<'t, str> {
    plain(value.get(key).and_then(Value::as_str).unwrap_or_default())
}

fn change(change: &Value) -> String {
    let value = |key| Some(text(change, key)).filter(|value| !value.is_empty()).unwrap_or("nothing".into());
    let what = text(change, "what");
    match change.get("is") {
        Some(_) => format!("{what}: {} instead of {}", value("is"), value("was")),
        None => format!("{what}: {}", text(change, "change")),
    }
}

fn fault(fault: &Value) -> String {
    let line = fault.get("line").map(|line| format!(":{line}")).unwrap_or_default();
    let (file, message, hint) = (text(fault, "file"), text(fault, "message"), text(fault, "hint"));
    format!("{file}{line}: {message}\nhint: {hint}")
}

fn warning(warning: &Value) -> String {
    format!("warning: {}", fault(warning))
}
