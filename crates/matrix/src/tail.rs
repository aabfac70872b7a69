//! Is a message in the room? Asked of the room itself, backwards from its end.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::Client;
use crate::path::{encode, in_room};
use crate::{EventId, Failure, FailureKind, Token};

/// The key in a message's content that carries our own id of it, and of all it stands for.
pub(crate) const MARKER: &str = "com.meshmac.message";
const PAGE: usize = 20;
/// A page of the longest events (64 KiB each), each with another bundled in `unsigned`, and their JSON escapes.
const PAGE_BODY: u64 = 4 << 20;

/// Which message is looked for.
#[derive(Debug, Clone, Copy)]
pub struct TailQuery<'a> {
    /// The full id of the user who sent it, if anybody did: only that user's events count. Any member could copy
    /// the marker.
    pub own_user: &'a str,
    /// The last event before it in the room that is known, of that user or of another: the search ends there.
    pub anchor: Option<Anchor<'a>>,
    /// The transaction id under which it was sent.
    pub txn: &'a str,
    /// `id` of `com.meshmac.message` in its content.
    pub message_id: &'a str,
    /// How many pages of 20 such events are read at most.
    pub max_pages: usize,
}

/// An event that a message came after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor<'a> {
    /// Its id.
    pub event: &'a str,
    /// The full id of the user who sent it: only as that user's it counts.
    pub sender: &'a str,
}

/// What the room says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tail {
    /// The message is in the room as this event: its sender is the own user, and it carries the transaction id
    /// (shown by the homeserver to the device that sent it, and kept even when the event is redacted) or the id in
    /// its content (which outlives the device).
    Found(EventId),
    /// When the homeserver answered, no event of the own user after the anchor, or in the whole room as far as whose
    /// token it is sees it, was the message. It is no proof against a request that is still on its way: ask only after the
    /// deadline of the last PUT. Nor does it see through a redaction if the device was another one.
    Absent,
    /// Neither was proved: the own user may not read the room, the pages ended before the room did, or the
    /// homeserver turned in a circle.
    Inconclusive,
}

impl Client {
    /// Looks for a message backwards from the end of the room (`GET /rooms/{room}/messages?dir=b`), among the messages
    /// of its sender and the anchor's only; it also works for a user who was removed, up to that point.
    ///
    /// Each page is one request with the deadline of its own.
    ///
    /// # Errors
    /// When the question was not answered and may be asked again: limited, unauthorized, or unknown.
    pub fn tail_read(&self, token: &Token, room: &str, query: &TailQuery<'_>) -> Result<Tail, Failure> {
        let senders = query.senders();
        let mut from = None;
        for _ in 0..query.max_pages {
            let page = match self.page(token, room, &senders, from.as_deref()) {
                Err(failure) if is_no(&failure) => return Ok(Tail::Inconclusive),
                page => page?,
            };
            if let Some(tail) = page.chunk.iter().find_map(|event| query.look_at(event)) {
                return Ok(tail);
            }
            match page.end {
                None => return Ok(Tail::Absent),
                end if end == from => return Ok(Tail::Inconclusive),
                end => from = end,
            }
        }
        Ok(Tail::Inconclusive)
    }

    /// Messages of these senders, or of everybody if there is none, newest first.
    pub(crate) fn page(
        &self,
        token: &Token,
        room: &str,
        senders: &[&str],
        from: Option<&str>,
    ) -> Result<Page, Failure> {
        let mut filter = json!({ "types": ["m.room.message"] });
        if !senders.is_empty() {
            filter["senders"] = json!(senders);
        }
        let mut rest = format!("messages?dir=b&limit={PAGE}&filter={}", encode(&filter.to_string()));
        if let Some(from) = from {
            rest.extend(["&from=", &encode(from)]);
        }
        self.transport.get(Some(token), &in_room(room, &rest), PAGE_BODY)?.success()
    }
}

/// A page of events, newest first; the room begins where no `end` is given (Client-Server API, 10.5.4).
#[derive(Deserialize)]
pub(crate) struct Page {
    pub(crate) chunk: Vec<Value>,
    pub(crate) end: Option<String>,
}

/// The homeserver has understood, and will not tell.
fn is_no(failure: &Failure) -> bool {
    match failure.kind {
        FailureKind::Forbidden | FailureKind::Refused | FailureKind::UnknownDevice => true,
        FailureKind::Unknown => failure.status == Some(404) && failure.errcode.is_some(),
        _ => false,
    }
}

impl TailQuery<'_> {
    /// Whose messages end the search.
    fn senders(&self) -> Vec<&str> {
        let other = self.anchor.map(|anchor| anchor.sender).filter(|sender| *sender != self.own_user);
        [self.own_user].into_iter().chain(other).collect()
    }

    /// Ends the search or goes on.
    fn look_at(&self, event: &Value) -> Option<Tail> {
        let id = event["event_id"].as_str()?;
        if self.is_ours(event) {
            return EventId::try_from(id.to_owned()).ok().map(Tail::Found);
        }
        let is_it = |anchor: Anchor<'_>| id == anchor.event && event["sender"] == anchor.sender;
        self.anchor.is_some_and(is_it).then_some(Tail::Absent)
    }

    /// The filter is the homeserver's courtesy; the sender is checked here.
    fn is_ours(&self, event: &Value) -> bool {
        event["sender"] == self.own_user
            && (event["unsigned"]["transaction_id"] == self.txn
                || event["content"][MARKER]["id"] == self.message_id)
    }
}
