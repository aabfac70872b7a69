//! Deliveries, messages and rooms as the admin listener shows them.

use meshhook_engine::Sending;
use meshhook_model::Timestamp;
use meshhook_store::{Attempt, DeliveryView, Life, MessageView, Moment, News, RoomView, Totals};
use serde::Serialize;
use serde_json::Value;

use super::appservice::Reached;

/// A delivery. What is not known is left out.
#[derive(Serialize)]
pub(crate) struct Delivery {
    id: String,
    /// What may be said once; the room's messages name the keys of their deliveries.
    key: String,
    source: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What it means to its branch, and since when that is broken, where only changes are said.
    #[serde(flatten)]
    news: Option<Change>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    received_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repo: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    branch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    round: Option<u64>,
    correlation_id: String,
    request_id: String,
    verified_by: String,
    seen: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

impl From<DeliveryView> for Delivery {
    fn from(view: DeliveryView) -> Self {
        let facts = view.facts;
        Self {
            id: view.id,
            key: view.key.to_string(),
            source: view.source,
            status: view.status.as_str(),
            reason: view.reason,
            news: view.news.map(Change::from),
            event_id: view.event_id,
            received_at: time(view.received_at),
            state: facts.state,
            outcome: facts.outcome,
            workflow: facts.workflow,
            job: facts.job,
            repo: facts.repo,
            branch: facts.branch,
            run_id: facts.run_id,
            node: facts.node,
            room: view.room,
            round: view.round,
            correlation_id: facts.correlation_id,
            request_id: facts.request_id,
            verified_by: facts.verified_by,
            seen: view.seen,
            expires_at: view.expires_at.and_then(time),
        }
    }
}

#[derive(Serialize)]
struct Change {
    change: &'static str,
    since: Option<Timestamp>,
}

impl From<News> for Change {
    fn from(news: News) -> Self {
        Self { change: news.trend.as_str(), since: time(news.since) }
    }
}

/// A page of deliveries, the newest first.
#[derive(Serialize)]
pub(crate) struct Page {
    deliveries: Vec<Delivery>,
    /// The `before` of the next page, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Page {
    /// A page of `limit`, from one more than that where there are more.
    pub(crate) fn new(mut views: Vec<DeliveryView>, limit: usize) -> Self {
        let more = views.len() > limit;
        views.truncate(limit);
        let next = views.last().filter(|_| more).map(|last| last.seq.to_string());
        Self { deliveries: views.into_iter().map(Into::into).collect(), next }
    }
}

/// A delivery's whole life.
#[derive(Serialize)]
pub(crate) struct Whole {
    #[serde(flatten)]
    delivery: Delivery,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
}

impl From<Life> for Whole {
    fn from(life: Life) -> Self {
        Self {
            delivery: life.delivery.into(),
            content: life.content.and_then(|content| serde_json::from_str(&content.content).ok()),
            message: life.message.map(Into::into),
        }
    }
}

#[derive(Serialize)]
struct Message {
    txn: String,
    sender: String,
    status: &'static str,
    frozen_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    members: Vec<String>,
    attempts: Vec<Attempted>,
}

impl From<MessageView> for Message {
    fn from(view: MessageView) -> Self {
        Self {
            txn: view.txn,
            sender: view.sender,
            status: view.status.as_str(),
            frozen_at: time(view.frozen_at),
            event_id: view.event_id,
            members: view.members,
            attempts: view.attempts.into_iter().map(Into::into).collect(),
        }
    }
}

#[derive(Serialize)]
struct Attempted {
    at: Option<Timestamp>,
    took_ms: u64,
    result: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errcode: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
}

impl From<Attempt> for Attempted {
    fn from(attempt: Attempt) -> Self {
        Self {
            at: time(attempt.at),
            took_ms: u64::try_from(attempt.took.as_millis()).unwrap_or(u64::MAX),
            result: attempt.result,
            http_status: attempt.http_status,
            errcode: attempt.errcode,
            detail: attempt.detail,
        }
    }
}

/// Whether deliveries can be accepted, and how those before fare.
#[derive(Serialize)]
pub(crate) struct Readiness {
    ready: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    durable: bool,
    sending: Sends,
    /// Whether the homeserver reaches us, where an application service sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    ping: Option<Reached>,
    /// Nothing of a store that cannot be looked into.
    #[serde(flatten)]
    owed: Option<Owed>,
}

impl Readiness {
    /// Ready where there is no `trouble`.
    pub(crate) fn new(
        trouble: Option<String>,
        durable: bool,
        sending: Sending,
        ping: Option<Reached>,
        totals: Option<Totals>,
    ) -> Self {
        let owed = totals.map(Into::into);
        Self { ready: trouble.is_none(), why: trouble, durable, sending: sending.into(), ping, owed }
    }
}

#[derive(Serialize)]
struct Owed {
    rooms: Vec<Room>,
    parked: u64,
    uncertain: u64,
}

impl From<Totals> for Owed {
    fn from(Totals { rooms, parked, uncertain, .. }: Totals) -> Self {
        Self { rooms: rooms.into_iter().map(Into::into).collect(), parked, uncertain }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Sends {
    As { user: String, device: Option<String> },
    Stopped { stopped: String, since: Option<Timestamp> },
}

impl From<Sending> for Sends {
    fn from(sending: Sending) -> Self {
        match sending {
            Sending::As { user, device } => Self::As { user, device },
            Sending::Stopped { why, since } => Self::Stopped { stopped: why, since: time(since) },
            _ => Self::Stopped { stopped: "unknown".to_owned(), since: None },
        }
    }
}

#[derive(Serialize)]
struct Room {
    room: String,
    hold: Option<String>,
    since: Option<Timestamp>,
    waiting: u64,
    oldest: Option<Timestamp>,
}

impl From<RoomView> for Room {
    fn from(view: RoomView) -> Self {
        let (hold, since) = view.hold.unzip();
        Self {
            room: view.room,
            hold,
            since: since.and_then(time),
            waiting: view.waiting,
            oldest: view.oldest.and_then(time),
        }
    }
}

pub(crate) fn time(moment: Moment) -> Option<Timestamp> {
    Timestamp::from_unix(moment.seconds())
}
