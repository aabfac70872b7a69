//! What a homeserver pushes: the events of a transaction, as far as a gateway hears them.
//!
//! An answer other than 200 has the homeserver push the same again, for ever, with everything later queued behind it.
//! So nothing in a body is an error: what cannot be read is counted.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The events of one transaction (Application Service API, `PUT /_matrix/app/v1/transactions/{txnId}`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Push {
    /// Those that could be read, in their order.
    pub events: Vec<Event>,
    /// How many could not. A body that holds no list of events is one.
    pub unreadable: usize,
}

/// An event of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id: what tells one that is pushed twice, since the ids of transactions begin anew.
    pub event_id: String,
    /// The room.
    pub room_id: String,
    /// Who sent it.
    pub sender: String,
    /// When, by its homeserver's clock, in milliseconds since the Unix epoch.
    pub sent_at: i64,
    /// What it is.
    pub kind: Kind,
}

/// What an event is to a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A user came, went or was asked to (`m.room.member`).
    Member {
        /// Whom it is about.
        user: String,
        /// What he is to the room from now on.
        membership: Membership,
        /// What whoever did it gave as the reason, cut.
        reason: Option<String>,
    },
    /// The room was upgraded (`m.room.tombstone`).
    Tombstone {
        /// The room that takes its place.
        replacement: Option<String>,
    },
    /// The room is encrypted from now on (`m.room.encryption`).
    Encrypted,
    /// Somebody said something (`m.room.message`).
    Text {
        /// What sort of message it is: `m.text`, `m.notice`, …
        msgtype: String,
        /// What it says, cut.
        body: String,
    },
    /// Anything else.
    Other,
}

/// What a user is to a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Membership {
    /// Asked to join.
    Invite,
    /// In it.
    Join,
    /// Out of it: left, kicked, declined, or no longer banned.
    Leave,
    /// Banned.
    Ban,
    /// Asks to be let in.
    Knock,
}

impl Push {
    /// The most events that are read of one transaction; Synapse sends 100.
    pub const MAX_EVENTS: usize = 10_000;

    /// Reads a transaction's body, whatever it is.
    #[must_use]
    pub fn read(body: &[u8]) -> Self {
        match serde_json::from_slice(body) {
            Ok(Transaction(Some(push))) => push,
            Ok(Transaction(None)) | Err(_) => Self { events: Vec::new(), unreadable: 1 },
        }
    }

    fn add(&mut self, event: Option<Event>) {
        match event.filter(|_| self.events.len() < Self::MAX_EVENTS) {
            Some(event) => self.events.push(event),
            None => self.unreadable += 1,
        }
    }
}

/// The longest id, in bytes (Matrix specification, "Opaque Identifiers" and "Common Identifier Format").
const LONGEST_ID: usize = 255;

/// How much is kept of what people wrote, in bytes.
const LONGEST_TEXT: usize = 1024;

/// A body's events, where it has a list of them. They are read one after the other, so that a body full of small values
/// takes no more memory than it has bytes.
struct Transaction(Option<Push>);

impl<'de> Deserialize<'de> for Transaction {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Self(None))
    }
}

impl<'de> Visitor<'de> for Transaction {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a transaction")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<Self, A::Error> {
        while let Some(name) = fields.next_key::<String>()? {
            if name == "events" {
                fields.next_value_seed(Events(self.0.get_or_insert_default()))?;
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        Ok(self)
    }
}

struct Events<'p>(&'p mut Push);

impl<'de> DeserializeSeed<'de> for Events<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Events<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut events: A) -> Result<(), A::Error> {
        while let Some(event) = events.next_element::<&RawValue>()? {
            self.0.add(Event::read(event));
        }
        Ok(())
    }
}

/// What every event has.
#[derive(Deserialize)]
struct Shape<'a> {
    event_id: String,
    room_id: String,
    sender: String,
    origin_server_ts: i64,
    #[serde(rename = "type")]
    kind: String,
    state_key: Option<String>,
    #[serde(borrow)]
    content: &'a RawValue,
}

#[derive(Deserialize)]
struct MemberContent {
    membership: Membership,
    reason: Option<String>,
}

#[derive(Deserialize)]
struct TombstoneContent {
    replacement_room: Option<String>,
}

#[derive(Deserialize)]
struct MessageContent {
    msgtype: String,
    body: String,
}

impl Event {
    fn read(raw: &RawValue) -> Option<Self> {
        let shape: Shape<'_> = serde_json::from_str(raw.get()).ok()?;
        let kind = shape.kind()?;
        let Shape { event_id, room_id, sender, origin_server_ts, .. } = shape;
        let short = [&event_id, &room_id, &sender].iter().all(|id| is_id(id));
        short.then_some(Self { event_id, room_id, sender, sent_at: origin_server_ts, kind })
    }
}

impl Shape<'_> {
    fn kind(&self) -> Option<Kind> {
        Some(match (&*self.kind, self.state_key.as_deref()) {
            ("m.room.member", Some(user)) => self.member(user)?,
            ("m.room.tombstone", Some("")) => self.tombstone(),
            ("m.room.encryption", Some("")) => Kind::Encrypted,
            ("m.room.message", None) => self.message(),
            _ => Kind::Other,
        })
    }

    fn content<'c, T: Deserialize<'c>>(&'c self) -> Option<T> {
        serde_json::from_str(self.content.get()).ok()
    }

    fn member(&self, user: &str) -> Option<Kind> {
        let MemberContent { membership, reason } = self.content()?;
        let user = Some(user).filter(|user| is_id(user))?.to_owned();
        Some(Kind::Member { user, membership, reason: reason.map(cut) })
    }

    /// A tombstone that names no room is one all the same.
    fn tombstone(&self) -> Kind {
        let content: Option<TombstoneContent> = self.content();
        let replacement = content.and_then(|content| content.replacement_room);
        Kind::Tombstone { replacement: replacement.filter(|room| is_id(room)) }
    }

    /// One that was redacted says nothing.
    fn message(&self) -> Kind {
        let said = self.content().map(|MessageContent { msgtype, body }| (cut(msgtype), cut(body)));
        said.map_or(Kind::Other, |(msgtype, body)| Kind::Text { msgtype, body })
    }
}

fn is_id(text: &str) -> bool {
    (1..=LONGEST_ID).contains(&text.len())
}

/// The beginning of a long text, and a sign that it goes on: cut, it must not be what it is not whole.
fn cut(mut text: String) -> String {
    if text.len() > LONGEST_TEXT {
        let most = LONGEST_TEXT - '…'.len_utf8();
        let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn event(kind: &str, state_key: Option<&str>, content: &Value) -> Value {
        let mut event = json!({
            "event_id": "$e", "room_id": "!r", "sender": "@a:x", "origin_server_ts": 1_790_000_000_123_i64,
            "type": kind, "content": content, "unsigned": {"age": 1.5},
        });
        if let Some(state_key) = state_key {
            event["state_key"] = state_key.into();
        }
        event
    }

    fn read(events: &Value) -> Push {
        Push::read(json!({ "events": events }).to_string().as_bytes())
    }

    fn kind(name: &str, state_key: Option<&str>, content: &Value) -> Option<Kind> {
        read(&json!([event(name, state_key, content)])).events.pop().map(|event| event.kind)
    }

    fn text(msgtype: &str, body: &str) -> Kind {
        Kind::Text { msgtype: msgtype.to_owned(), body: body.to_owned() }
    }

    #[test]
    fn what_a_gateway_hears() {
        let said = event("m.room.message", None, &json!({"msgtype": "m.text", "body": "!builds"}));
        let expected = Event {
            event_id: "$e".to_owned(),
            room_id: "!r".to_owned(),
            sender: "@a:x".to_owned(),
            sent_at: 1_790_000_000_123,
            kind: text("m.text", "!builds"),
        };
        assert_eq!(read(&json!([said])), Push { events: vec![expected], unreadable: 0 });
        let kicked = kind("m.room.member", Some("@b:x"), &json!({"membership": "leave", "reason": "bye"}));
        let reason = Some("bye".to_owned());
        let member = Kind::Member { user: "@b:x".to_owned(), membership: Membership::Leave, reason };
        assert_eq!(kicked, Some(member));
        let upgraded = kind("m.room.tombstone", Some(""), &json!({"replacement_room": "!new"}));
        assert_eq!(upgraded, Some(Kind::Tombstone { replacement: Some("!new".to_owned()) }));
        let encrypted = kind("m.room.encryption", Some(""), &json!({"algorithm": "m.megolm.v1.aes-sha2"}));
        assert_eq!(encrypted, Some(Kind::Encrypted));
        assert_eq!(kind("m.reaction", None, &json!({})), Some(Kind::Other));
    }

    /// What says nothing of the room's state is nothing of that kind.
    #[test]
    fn a_state_event_is_one_by_its_key() {
        assert_eq!(kind("m.room.member", None, &json!({"membership": "leave"})), Some(Kind::Other));
        assert_eq!(kind("m.room.tombstone", None, &json!({})), Some(Kind::Other));
        assert_eq!(kind("m.room.tombstone", Some("x"), &json!({})), Some(Kind::Other));
        assert_eq!(kind("m.room.encryption", Some("x"), &json!({})), Some(Kind::Other));
        let said = json!({"msgtype": "m.text", "body": "!builds"});
        assert_eq!(kind("m.room.message", Some(""), &said), Some(Kind::Other));
    }

    #[test]
    fn what_was_redacted_is_no_text_and_a_bare_tombstone_is_one() {
        assert_eq!(kind("m.room.message", None, &json!({})), Some(Kind::Other));
        assert_eq!(kind("m.room.message", None, &json!({"msgtype": 1, "body": "x"})), Some(Kind::Other));
        for content in
            [json!({}), json!({"replacement_room": 1}), json!({"replacement_room": "x".repeat(256)})]
        {
            assert_eq!(
                kind("m.room.tombstone", Some(""), &content),
                Some(Kind::Tombstone { replacement: None })
            );
        }
    }

    #[test]
    fn an_event_of_no_known_shape_is_counted_and_stops_no_other() {
        let good = event("m.room.message", None, &json!({"msgtype": "m.text", "body": "hi"}));
        let with = |field: &str, value: Value| {
            let mut event = good.clone();
            event[field] = value;
            event
        };
        let without = |field: &str| {
            let mut event = good.clone();
            event.as_object_mut().unwrap().remove(field);
            event
        };
        let bad = [
            json!(null),
            json!(1.5),
            json!("x"),
            json!([]),
            json!({}),
            without("event_id"),
            without("origin_server_ts"),
            without("content"),
            with("event_id", json!("")),
            with("event_id", json!("$".repeat(256))),
            with("room_id", json!(null)),
            with("sender", json!({"a": 1})),
            with("origin_server_ts", json!(1.5)),
            with("origin_server_ts", json!("1790000000123")),
            with("origin_server_ts", json!(u64::MAX)),
            with("type", json!(7)),
            with("state_key", json!(7)),
            event("m.room.member", Some("@b:x"), &json!({"membership": "owner"})),
            event("m.room.member", Some("@b:x"), &json!([])),
            event("m.room.member", Some(""), &json!({"membership": "join"})),
        ];
        for event in &bad {
            let push = read(&json!([good, event, good]));
            assert_eq!((push.events.len(), push.unreadable), (2, 1), "{event}");
        }
    }

    #[test]
    fn a_body_that_holds_no_events_is_unreadable_once() {
        let deep = "[".repeat(100_000);
        let broken = format!(r#"{{"events":[{}"#, event("m.reaction", None, &json!({})));
        let bodies: [&[u8]; 14] = [
            b"",
            b"null",
            b"[]",
            b"7",
            b"{}",
            b"{\"events\":null}",
            b"{\"events\":{}}",
            b"{\"events\":7}",
            b"{\"events\":[]",
            b"{\"events\":[]} x",
            b"{\"events\":[\"\xff\"]}",
            b"events=%5B%5D",
            deep.as_bytes(),
            broken.as_bytes(),
        ];
        for body in bodies {
            let found = Push::read(body);
            assert_eq!(found, Push { events: vec![], unreadable: 1 }, "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn what_stands_beside_the_events_does_not_matter() {
        let body = br#"{"de.sorunome.msc2409.ephemeral":[1e999,{"a":[[[]]]}],"events":[],"x":null}"#;
        assert_eq!(Push::read(body), Push::default());
    }

    #[test]
    fn no_depth_is_too_deep() {
        let bomb = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let around = |content: &str| {
            let fields = r#""event_id":"$e","room_id":"!r","sender":"@a:x","origin_server_ts":1"#;
            format!(r#"{{"x":{bomb},"events":[{{{fields},"type":"m.room.message","content":{content}}}]}}"#)
        };
        let push = Push::read(around(&bomb).as_bytes());
        assert_eq!((push.events.len(), push.unreadable), (1, 0));
        assert_eq!(push.events[0].kind, Kind::Other);
        let push = Push::read(around(&format!(r#"{{"msgtype":"m.text","body":"!","z":{bomb}}}"#)).as_bytes());
        assert_eq!(push.events[0].kind, text("m.text", "!"));
        assert_eq!(Push::read(format!(r#"{{"events":[{bomb}]}}"#).as_bytes()).unreadable, 1);
    }

    #[test]
    fn a_cut_text_is_no_shorter_one() {
        let long = format!("!builds{}x", " ".repeat(LONGEST_TEXT));
        let Some(Kind::Text { body, .. }) =
            kind("m.room.message", None, &json!({"msgtype": "m.text", "body": long}))
        else {
            panic!("it is a text")
        };
        assert!(body.len() <= LONGEST_TEXT && body.trim_end().ends_with('…'), "{body}");
        assert_eq!(cut("ä".repeat(LONGEST_TEXT)).len(), LONGEST_TEXT - 1);
    }

    #[test]
    fn there_are_no_more_events_than_are_kept() {
        let one = event("m.reaction", None, &json!({}));
        let push = read(&Value::Array(vec![one; Push::MAX_EVENTS + 3]));
        assert_eq!((push.events.len(), push.unreadable), (Push::MAX_EVENTS, 3));
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,300}".prop_map(Value::from),
            prop_oneof![Just("m.room.member"), Just("m.room.message"), Just("join")].prop_map(Value::from),
        ];
        let name = prop_oneof![
            Just("event_id"),
            Just("room_id"),
            Just("sender"),
            Just("origin_server_ts"),
            Just("type"),
            Just("state_key"),
            Just("content"),
            Just("membership"),
            Just("body"),
        ];
        leaf.prop_recursive(4, 48, 8, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::btree_map(name.clone().prop_map(String::from), inner, 0..9)
                    .prop_map(|fields| fields.into_iter().collect::<Value>()),
            ]
        })
    }

    proptest! {
        /// Every element of the list is an event or counted, and nothing that is kept is long.
        #[test]
        fn nothing_is_lost_and_all_is_bounded(events in prop::collection::vec(value(), 0..6)) {
            let push = read(&Value::from(events.clone()));
            prop_assert_eq!(push.events.len() + push.unreadable, events.len());
            for event in push.events {
                prop_assert!([&event.event_id, &event.room_id, &event.sender].iter().all(|id| is_id(id)));
                if let Kind::Text { msgtype, body } = event.kind {
                    prop_assert!(msgtype.len().max(body.len()) <= LONGEST_TEXT);
                }
            }
        }

        #[test]
        fn any_bytes_are_a_push(body: Vec<u8>) {
            let push = Push::read(&body);
            prop_assert!(push.events.is_empty() && push.unreadable <= 1);
        }
    }
}
