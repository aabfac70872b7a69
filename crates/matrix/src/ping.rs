//! Asking the homeserver to ask back.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use crate::answer::Answer;
use crate::client::Client;
use crate::path::encode;
use crate::transport::Post;
use crate::{Failure, Token};

/// The answer may hold what another web server answered the homeserver.
const PING_BODY: u64 = 4 << 20;
const MAX_BODY: usize = 1000;

/// What a homeserver is asked to send (Application Service API, "Pinging").
#[derive(Clone, Copy)]
pub struct Ping<'p> {
    /// The `id` of the service's registration.
    pub service: &'p str,
    /// What the homeserver hands on to the service, by which it knows the ping again.
    pub transaction_id: &'p str,
    /// When the answer must be there: Synapse itself waits 60 seconds for the service.
    pub deadline: Duration,
    /// The token that the homeserver shows to the service, to be taken out of what another server answers; empty, of
    /// none.
    pub hs_token: &'p str,
}

/// Why the homeserver does not reach the service, or does not try.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("{failure}")]
pub struct PingFailure {
    /// What the homeserver answered: `M_BAD_STATUS`, `M_CONNECTION_FAILED`, `M_CONNECTION_TIMEOUT` or `M_URL_NOT_SET` of
    /// a ping that failed, else as of any request.
    pub failure: Failure,
    /// The HTTP status that the homeserver got at the service's address.
    pub status: Option<u16>,
    /// What it got there, at most 1000 characters, without tokens.
    pub body: Option<String>,
}

impl fmt::Debug for Ping<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ping")
            .field("service", &self.service)
            .field("transaction_id", &self.transaction_id)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl From<Failure> for PingFailure {
    fn from(failure: Failure) -> Self {
        Self { failure, status: None, body: None }
    }
}

impl Client {
    /// Has the homeserver reach the application service at the address of its registration
    /// (`POST /appservice/{appserviceId}/ping`, since v1.7), and says how long that took it.
    ///
    /// # Errors
    /// Each says what the homeserver came upon.
    pub fn ping(&self, token: &Token, ping: Ping<'_>) -> Result<Duration, PingFailure> {
        #[derive(Deserialize)]
        struct Pong {
            duration_ms: u64,
        }
        let path = format!("/_matrix/client/v1/appservice/{}/ping", encode(ping.service));
        let body = json!({ "transaction_id": ping.transaction_id }).to_string();
        let how = Post { secret: ping.hs_token, max_body: PING_BODY, deadline: Some(ping.deadline) };
        let answer = self.transport.post(Some(token), &path, &body, how)?;
        let (status, body) = (status(&answer), found_there(&answer));
        match answer.success::<Pong>() {
            Ok(pong) => Ok(Duration::from_millis(pong.duration_ms)),
            Err(failure) => Err(PingFailure { failure, status, body }),
        }
    }
}

fn status(answer: &Answer) -> Option<u16> {
    answer.json["status"].as_u64()?.try_into().ok()
}

fn found_there(answer: &Answer) -> Option<String> {
    Some(answer.json["body"].as_str()?.chars().take(MAX_BODY).collect())
}
