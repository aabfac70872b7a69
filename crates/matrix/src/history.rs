//! What a room holds of ours, page by page.

use serde_json::Value;

use crate::client::Client;
use crate::tail::MARKER;
use crate::{EventId, Failure, Token};

/// So many senders are asked for by name. The request's line has room for more, by a few: 255 bytes each, three times that
/// when encoded, and Synapse takes 16 KiB. Of more, everybody's messages are read.
const MOST_NAMED: usize = 20;

/// A message of one of the senders that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The event.
    pub event_id: EventId,
    /// When its homeserver says it was sent, in milliseconds since the epoch.
    pub sent_at: Option<i64>,
    /// `keys` of `com.meshmac.message` in its content; nothing where there is none, as in a redacted event.
    pub keys: Option<Vec<String>>,
}

/// A page of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenPage {
    /// Its events, newest first.
    pub events: Vec<Written>,
    /// Where the page before it begins; nothing where the room does.
    pub before: Option<String>,
}

impl Client {
    /// What `senders` wrote into a room, backwards from its end or from where another page ended
    /// (`GET /rooms/{room}/messages?dir=b`), up to 20 messages. Edits are messages too.
    ///
    /// # Errors
    /// As with any request; [`FailureKind::Forbidden`](crate::FailureKind::Forbidden) when the user may not look.
    pub fn written(
        &self,
        token: &Token,
        room: &str,
        senders: &[&str],
        from: Option<&str>,
    ) -> Result<WrittenPage, Failure> {
        let asked_for = if senders.len() > MOST_NAMED { &[] } else { senders };
        let page = self.page(token, room, asked_for, from)?;
        // The filter is the homeserver's courtesy.
        let ours = |event: &&Value| event["sender"].as_str().is_some_and(|sender| senders.contains(&sender));
        let events = page.chunk.iter().filter(ours).filter_map(written).collect();
        Ok(WrittenPage { events, before: page.end })
    }
}

fn written(event: &Value) -> Option<Written> {
    let event_id = EventId::try_from(event["event_id"].as_str()?.to_owned()).ok()?;
    let keys = event["content"][MARKER]["keys"].as_array();
    let keys = keys.and_then(|keys| keys.iter().map(|key| key.as_str().map(str::to_owned)).collect());
    Some(Written { event_id, sent_at: event["origin_server_ts"].as_i64(), keys })
}
