//! What the scripted homeserver knows: who holds a token, and what is in the rooms.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::fault::RawAnswer;
use crate::{Event, User};

/// The memory behind the answers.
#[derive(Debug)]
pub(super) struct World {
    /// The one user who may ask; everybody else only has events.
    pub(super) user: User,
    pub(super) rooms: BTreeMap<String, Room>,
    /// The first event of a transaction id, by device and room (Client-Server API, "Transaction identifiers").
    txns: HashMap<(String, String, String), String>,
    events: usize,
    /// `Date` of its answers, where it sends one.
    pub(super) date: Option<String>,
}

/// A room's timeline and state.
#[derive(Debug, Default)]
pub(super) struct Room {
    timeline: Vec<Stored>,
    pub(super) state: BTreeMap<(String, String), Value>,
}

#[derive(Debug)]
struct Stored {
    event: Map<String, Value>,
    /// What a redaction took away.
    redacted: Option<Value>,
    /// Where it came from: device and transaction id, shown only to the same device.
    txn: Option<(String, String)>,
}

impl World {
    pub(super) fn new(user: User, room: &str) -> Self {
        let rooms = BTreeMap::from([(room.to_owned(), Room::default())]);
        Self { user, rooms, txns: HashMap::new(), events: 0, date: None }
    }

    /// Puts an event of anybody into a room that is there.
    pub(super) fn append(&mut self, room: &str, sender: &str, kind: &str, content: Value) -> String {
        self.events += 1;
        let id = format!("$scripted-{}", self.events);
        let event = json!({
            "event_id": id, "room_id": room, "sender": sender, "type": kind, "content": content,
            "origin_server_ts": 1_700_000_000_000_u64 + self.events as u64,
        });
        let Value::Object(event) = event else { unreachable!("written as an object") };
        let room = self.rooms.get_mut(room).expect("a room of the script");
        room.timeline.push(Stored { event, redacted: None, txn: None });
        id
    }

    /// A send by the user: the same transaction id from the same device gives the first event's id.
    pub(super) fn send(&mut self, room: &str, kind: &str, txn: &str, content: Value) -> RawAnswer {
        if !self.rooms.contains_key(room) {
            return not_in_room(&self.user.id, room);
        }
        let key = self.txn_key(room, txn);
        let id = self.txns.get(&key).cloned().unwrap_or_else(|| {
            let id = self.append(room, &self.user.id.clone(), kind, content);
            let stored = self.rooms.get_mut(room).and_then(|room| room.timeline.last_mut());
            stored.expect("just appended").txn = Some((key.0.clone(), key.2.clone()));
            self.txns.insert(key, id.clone());
            id
        });
        RawAnswer::json(200, &json!({ "event_id": id }))
    }

    fn txn_key(&self, room: &str, txn: &str) -> (String, String, String) {
        (self.user.device.clone(), room.to_owned(), txn.to_owned())
    }

    /// Whether a send with this transaction id gives an event that is there.
    pub(super) fn knows(&self, room: &str, txn: &str) -> bool {
        self.txns.contains_key(&self.txn_key(room, txn))
    }

    /// Whether an event of the room came with this transaction id.
    pub(super) fn has_sent(&self, room: &str, txn: &str) -> bool {
        let timeline = self.rooms.get(room).map_or([].as_slice(), |room| &room.timeline);
        timeline.iter().rev().any(|stored| stored.txn.as_ref().is_some_and(|(_, known)| known == txn))
    }

    pub(super) fn forget_transactions(&mut self) {
        self.txns.clear();
    }

    /// Takes an event's content away, as a redaction does.
    pub(super) fn redact(&mut self, event_id: &str) {
        let mut stored = self.rooms.values_mut().flat_map(|room| &mut room.timeline);
        let stored =
            stored.find(|stored| stored.event["event_id"] == event_id).expect("an event of the script");
        let content = stored.event.insert("content".into(), json!({}));
        stored.redacted = stored.redacted.take().or(content);
    }

    /// Every event of a room, oldest first.
    pub(super) fn events(&self, room: &str) -> Vec<Event> {
        let timeline = &self.rooms.get(room).expect("a room of the script").timeline;
        timeline.iter().map(|stored| Event(self.shown(stored))).collect()
    }

    /// Every event of a room with the content that it came with, oldest first.
    pub(super) fn committed(&self, room: &str) -> Vec<Event> {
        let timeline = &self.rooms.get(room).expect("a room of the script").timeline;
        let whole = |stored: &Stored| {
            let mut event = self.shown(stored);
            event["content"] = stored.redacted.clone().unwrap_or_else(|| event["content"].take());
            Event(event)
        };
        timeline.iter().map(whole).collect()
    }

    pub(super) fn event(&self, room: &str, id: &str) -> RawAnswer {
        let timeline = self.rooms.get(room).map_or([].as_slice(), |room| &room.timeline);
        timeline
            .iter()
            .find(|stored| stored.event["event_id"] == id)
            .map_or_else(not_found, |stored| RawAnswer::json(200, &self.shown(stored)))
    }

    /// A page of a room, newest first: `wanted` says which events, `from` is the end of the page before.
    pub(super) fn page(
        &self,
        room: &str,
        from: Option<usize>,
        limit: usize,
        wanted: &dyn Fn(&Value) -> bool,
    ) -> RawAnswer {
        let Some(Room { timeline, .. }) = self.rooms.get(room) else {
            return not_in_room(&self.user.id, room);
        };
        let mut at = from.unwrap_or(timeline.len()).min(timeline.len());
        let start = at;
        let mut chunk = Vec::new();
        while at > 0 && chunk.len() < limit {
            at -= 1;
            chunk.extend(Some(self.shown(&timeline[at])).filter(wanted));
        }
        let mut page = json!({ "chunk": chunk, "start": format!("t{start}") });
        if at > 0 {
            page["end"] = format!("t{at}").into();
        }
        RawAnswer::json(200, &page)
    }

    fn shown(&self, stored: &Stored) -> Value {
        let mut event = stored.event.clone();
        let own = stored.txn.as_ref().filter(|(device, _)| *device == self.user.device);
        let unsigned = own.map_or_else(|| json!({}), |(_, txn)| json!({ "transaction_id": txn }));
        event.insert("unsigned".into(), unsigned);
        Value::Object(event)
    }
}

fn not_in_room(user: &str, room: &str) -> RawAnswer {
    RawAnswer::error(403, "M_FORBIDDEN", &format!("User {user} not in room {room}"))
}

pub(super) fn not_found() -> RawAnswer {
    RawAnswer::error(404, "M_NOT_FOUND", "Not found.")
}
