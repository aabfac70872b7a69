//! What the scripted homeserver knows: who may ask, and what is in the rooms.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::fault::RawAnswer;
use super::people::{Asker, People};
use crate::{Event, User};

/// The memory behind the answers.
#[derive(Debug)]
pub(super) struct World {
    pub(super) people: People,
    pub(super) rooms: BTreeMap<String, Room>,
    /// The first event of a transaction id, by room, type, id and who sent it: until a restart.
    memory: HashMap<(String, String, String, String), String>,
    /// The first event of a transaction id, by room, user, device and id: only of who has a device.
    database: HashMap<(String, String, String, String), String>,
    events: usize,
    /// `Date` of its answers, where it sends one.
    pub(super) date: Option<String>,
}

/// A room's timeline, state and members.
#[derive(Debug, Default)]
pub(super) struct Room {
    timeline: Vec<Stored>,
    pub(super) state: BTreeMap<(String, String), Value>,
    /// Those who were not in it from the beginning, or are no more.
    pub(super) members: BTreeMap<String, Member>,
    /// Whether it is joined without an invite.
    pub(super) is_public: bool,
}

/// How somebody stands to a room, and who made it so.
#[derive(Debug, Clone)]
pub(super) struct Member {
    /// `join`, `invite` or `leave`.
    pub(super) membership: &'static str,
    pub(super) by: String,
}

#[derive(Debug)]
struct Stored {
    event: Map<String, Value>,
    /// What a redaction took away.
    redacted: Option<Value>,
    /// Where it came from: who sent it, and the transaction id, shown only to the same device of the same user.
    txn: Option<(Asker, String)>,
}

impl World {
    pub(super) fn new(user: User, room: &str) -> Self {
        let rooms = BTreeMap::from([(room.to_owned(), Room::default())]);
        let (memory, database) = (HashMap::new(), HashMap::new());
        Self { people: People::new(user), rooms, memory, database, events: 0, date: None }
    }

    /// How a user stands to a room that is there.
    pub(super) fn member(&self, room: &str, user: &str) -> Option<Member> {
        let known = self.rooms.get(room)?.members.get(user).cloned();
        let by = user.to_owned();
        known.or_else(|| self.people.is_at_home(user).then_some(Member { membership: "join", by }))
    }

    pub(super) fn membership(&self, room: &str, user: &str) -> Option<&'static str> {
        self.member(room, user).map(|member| member.membership)
    }

    pub(super) fn is_in(&self, room: &str, user: &str) -> bool {
        self.membership(room, user) == Some("join")
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

    /// A send: a transaction id that is known gives the first event's id, whoever may ask by now.
    pub(super) fn send(
        &mut self,
        asker: &Asker,
        room: &str,
        kind: &str,
        txn: &str,
        content: Value,
    ) -> RawAnswer {
        let known = self.known(asker, room, kind, txn);
        if known.is_none() && !self.is_in(room, &asker.user) {
            return not_in_room(&asker.user, room);
        }
        let id = known.unwrap_or_else(|| {
            let id = self.append(room, &asker.user, kind, content);
            let stored = self.rooms.get_mut(room).and_then(|room| room.timeline.last_mut());
            stored.expect("just appended").txn = Some((asker.clone(), txn.to_owned()));
            self.database.extend(in_database(asker, room, txn).map(|key| (key, id.clone())));
            id
        });
        self.memory.insert(in_memory(asker, room, kind, txn), id.clone());
        RawAnswer::json(200, &json!({ "event_id": id }))
    }

    /// The event that a send with this transaction id gives: memory is asked first, as Synapse does.
    pub(super) fn known(&self, asker: &Asker, room: &str, kind: &str, txn: &str) -> Option<String> {
        let stored = || self.database.get(&in_database(asker, room, txn)?);
        let known = self.memory.get(&in_memory(asker, room, kind, txn)).or_else(stored);
        known.filter(|_| self.rooms.contains_key(room)).cloned()
    }

    /// Whether an event of the room came with this transaction id.
    pub(super) fn has_sent(&self, room: &str, txn: &str) -> bool {
        let timeline = self.rooms.get(room).map_or([].as_slice(), |room| &room.timeline);
        timeline.iter().rev().any(|stored| stored.txn.as_ref().is_some_and(|(_, known)| known == txn))
    }

    pub(super) fn forget_transactions(&mut self) {
        self.memory.clear();
        self.database.clear();
    }

    pub(super) fn forget_memory(&mut self) {
        self.memory.clear();
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
        let asker = Asker::of(&self.people.user);
        timeline.iter().map(|stored| Event(shown(stored, &asker))).collect()
    }

    pub(super) fn count(&self, room: &str) -> usize {
        self.rooms.get(room).map_or(0, |room| room.timeline.len())
    }

    /// Every event of a room with the content that it came with, oldest first.
    pub(super) fn committed(&self, room: &str) -> Vec<Event> {
        let timeline = &self.rooms.get(room).expect("a room of the script").timeline;
        let asker = Asker::of(&self.people.user);
        let whole = |stored: &Stored| {
            let mut event = shown(stored, &asker);
            event["content"] = stored.redacted.clone().unwrap_or_else(|| event["content"].take());
            Event(event)
        };
        timeline.iter().map(whole).collect()
    }

    pub(super) fn event(&self, asker: &Asker, room: &str, id: &str) -> RawAnswer {
        let room = self.rooms.get(room).filter(|_| self.may_read(room, asker));
        let timeline = room.map_or([].as_slice(), |room| &room.timeline);
        timeline
            .iter()
            .find(|stored| stored.event["event_id"] == id)
            .map_or_else(not_found, |stored| RawAnswer::json(200, &shown(stored, asker)))
    }

    /// A page of a room, newest first: `wanted` says which events, `from` is the end of the page before.
    pub(super) fn page(
        &self,
        asker: &Asker,
        room: &str,
        from: Option<usize>,
        limit: usize,
        wanted: &dyn Fn(&Value) -> bool,
    ) -> RawAnswer {
        let Some(Room { timeline, .. }) = self.rooms.get(room).filter(|_| self.may_read(room, asker)) else {
            return not_in_room(&asker.user, room);
        };
        let mut at = from.unwrap_or(timeline.len()).min(timeline.len());
        let start = at;
        let mut chunk = Vec::new();
        while at > 0 && chunk.len() < limit {
            at -= 1;
            chunk.extend(Some(shown(&timeline[at], asker)).filter(wanted));
        }
        let mut page = json!({ "chunk": chunk, "start": format!("t{start}") });
        if at > 0 {
            page["end"] = format!("t{at}").into();
        }
        RawAnswer::json(200, &page)
    }

    /// Who was removed reads on; here even what comes after that.
    pub(super) fn may_read(&self, room: &str, asker: &Asker) -> bool {
        self.membership(room, &asker.user).is_some_and(|membership| membership != "invite")
    }
}

fn in_memory(asker: &Asker, room: &str, kind: &str, txn: &str) -> (String, String, String, String) {
    (room.to_owned(), kind.to_owned(), txn.to_owned(), asker.in_memory())
}

fn in_database(asker: &Asker, room: &str, txn: &str) -> Option<(String, String, String, String)> {
    Some((room.to_owned(), asker.user.clone(), asker.device.clone()?, txn.to_owned()))
}

fn shown(stored: &Stored, asker: &Asker) -> Value {
    let mut event = stored.event.clone();
    let is_own = |sent_by: &Asker| sent_by.device.is_some() && sent_by == asker;
    let own = stored.txn.as_ref().filter(|(sent_by, _)| is_own(sent_by));
    let unsigned = own.map_or_else(|| json!({}), |(_, txn)| json!({ "transaction_id": txn }));
    event.insert("unsigned".into(), unsigned);
    Value::Object(event)
}

pub(super) fn not_in_room(user: &str, room: &str) -> RawAnswer {
    RawAnswer::error(403, "M_FORBIDDEN", &format!("User {user} not in room {room}"))
}

pub(super) fn not_found() -> RawAnswer {
    RawAnswer::error(404, "M_NOT_FOUND", "Not found.")
}
