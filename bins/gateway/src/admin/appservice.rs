//! `GET /appservice`.

use hyper::StatusCode;
use meshhook_appservice::Received;
use meshhook_engine::Sending;
use meshhook_model::Timestamp;
use serde::Serialize;

use super::view::time;
use super::{Admin, Answered};
use crate::answer::json;
use crate::appservice::{Judged, Pinged, Seen};
use crate::problem::{self, Problem};

impl Admin {
    /// What the homeserver's door saw.
    pub(super) fn appservice(&self) -> Answered {
        let detail = "This gateway sends as a bot: no homeserver pushes to it.";
        let journal = self.journal.as_ref();
        let journal = journal.ok_or_else(|| Problem::new(&problem::NOT_FOUND, detail, "no_appservice"))?;
        let user = match self.engine.sending() {
            Sending::As { user, .. } => Some(user),
            _ => None,
        };
        Ok(json(StatusCode::OK, &View::new(user, &journal.all())))
    }

    /// What came of the last ping of ours.
    pub(super) fn reached(&self) -> Option<Reached> {
        self.journal.as_ref().and_then(|journal| journal.all().judged).map(Reached::from)
    }
}

/// What is not known is `null`.
#[derive(Serialize)]
struct View<'a> {
    /// The service's own user.
    user: Option<String>,
    /// Whether the homeserver reaches us, as far as it was asked.
    ping: Option<Reached>,
    transactions: u64,
    last_transaction: Option<Timestamp>,
    events: u64,
    duplicates: u64,
    unreadable: u64,
    /// Requests with another token, or with none.
    refused: u64,
    /// The pings that came last, the newest first.
    pings: Vec<Ping<'a>>,
}

impl<'a> View<'a> {
    fn new(user: Option<String>, seen: &'a Seen) -> Self {
        Self {
            user,
            ping: seen.judged.map(Reached::from),
            transactions: seen.transactions,
            last_transaction: seen.last_transaction.and_then(time),
            events: seen.events,
            duplicates: seen.duplicates,
            unreadable: seen.unreadable,
            refused: seen.refused,
            pings: seen.pings().into_iter().map(Ping::from).collect(),
        }
    }
}

/// What came of a ping of ours.
#[derive(Serialize)]
pub(crate) struct Reached {
    fine: bool,
    code: &'static str,
    /// What is wrong and what to mend.
    sentence: &'static str,
    /// Since when it is so.
    since: Option<Timestamp>,
    /// When it was asked for last.
    at: Option<Timestamp>,
}

impl From<Judged> for Reached {
    fn from(Judged { verdict, since, at }: Judged) -> Self {
        let (code, sentence) = (verdict.code(), verdict.sentence());
        Self { fine: verdict.is_fine(), code, sentence, since: time(since), at: time(at) }
    }
}

#[derive(Serialize)]
struct Ping<'a> {
    transaction_id: &'a str,
    /// Whether it came with our `hs_token`: `right`, `wrong` or `none`.
    token: &'static str,
    at: Option<Timestamp>,
}

impl<'a> From<&'a Pinged> for Ping<'a> {
    fn from(Pinged { transaction_id, received, at }: &'a Pinged) -> Self {
        let token = match received {
            Received::RightToken => "right",
            Received::WrongToken => "wrong",
            _ => "none",
        };
        Self { transaction_id, token, at: time(*at) }
    }
}
