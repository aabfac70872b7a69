//! A message that stands to an earlier one: its new text, or an answer in its thread (Client-Server API, "Event
//! replacements" and "Threading").

use serde_json::{Map, Value, json};

/// How the states of a run stand to one another in the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timeline {
    /// A message each.
    #[default]
    Lines,
    /// One message a run, which is edited.
    Card,
    /// The first one, and a thread below it.
    Thread,
}

/// What a client replaces by it; the rest of a content is not shown.
const SHOWN: [&str; 5] = ["msgtype", "body", "format", "formatted_body", "m.mentions"];

/// The message as the new text of `event`. For clients that know of no replacements it stays a message, with a star
/// before it.
#[must_use]
pub fn edit(mut content: Map<String, Value>, event: &str) -> Map<String, Value> {
    let shown = content.iter().filter(|(key, _)| SHOWN.contains(&key.as_str()));
    let new: Map<String, Value> = shown.map(|(key, value)| (key.clone(), value.clone())).collect();
    for (key, body) in [("body", "* "), ("formatted_body", "* ")] {
        if let Some(Value::String(text)) = content.get_mut(key) {
            text.insert_str(0, body);
        }
    }
    content.insert("m.new_content".into(), Value::Object(new));
    content.insert("m.relates_to".into(), json!({ "rel_type": "m.replace", "event_id": event }));
    content
}

/// The message as the next one in the thread below `root`. For clients that know of no threads it answers `root`.
#[must_use]
pub fn in_thread(mut content: Map<String, Value>, root: &str) -> Map<String, Value> {
    let relation = json!({
        "rel_type": "m.thread", "event_id": root, "is_falling_back": true, "m.in_reply_to": { "event_id": root },
    });
    content.insert("m.relates_to".into(), relation);
    content
}
