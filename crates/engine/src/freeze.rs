//! The fixed parts of a message.

use meshhook_store::{Draft, Frozen};
use serde_json::{Map, Value, json};

use crate::identity::{Recipe, hex};

/// The content key under which every event names itself and its members.
pub(crate) const MARKER: &str = "com.meshmac.message";

/// Makes a message's transaction id and body.
///
/// The transaction id is a hash of the room, the sender, the members' keys and the number of refused messages they
/// have been in: the same message has the same one on every attempt, and one with other content another.
#[must_use]
pub fn freeze(draft: &Draft) -> Frozen {
    let txn = transaction_id(draft);
    let keys: Vec<_> = draft.keys.iter().map(ToString::to_string).collect();
    let mut content = content(draft);
    content.insert(MARKER.to_owned(), json!({ "id": txn, "keys": keys }));
    Frozen { txn, body: Value::Object(content).to_string() }
}

/// Contents are rendered by this program and stored whole; one that is no object says at least that much.
fn content(draft: &Draft) -> Map<String, Value> {
    let first = draft.contents.first().and_then(|c| serde_json::from_str(&c.content).ok());
    first.unwrap_or_else(|| {
        let lost = "a build status that cannot be shown";
        Map::from_iter([("msgtype".to_owned(), json!("m.notice")), ("body".to_owned(), json!(lost))])
    })
}

fn transaction_id(draft: &Draft) -> String {
    let head =
        Recipe::new().text("txn").text(&draft.room).text(&draft.sender).number(draft.refused_before.into());
    let hash = draft.keys.iter().fold(head, |recipe, key| recipe.bytes(&key.0)).hash();
    format!("mh{}", hex(&hash[..16]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshhook_store::{Content, Key};

    fn draft() -> Draft {
        Draft {
            room: "!room".to_owned(),
            sender: "@bot:example.org".to_owned(),
            keys: vec![Key([7; 32])],
            contents: vec![Content {
                content: r#"{"msgtype":"m.text","body":"x"}"#.to_owned(),
                line: String::new(),
                notify: false,
            }],
            refused_before: 0,
        }
    }

    #[test]
    fn a_message_names_itself_and_its_members() {
        let Frozen { txn, body } = freeze(&draft());
        let content: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(content["com.meshmac.message"], json!({ "id": txn, "keys": ["07".repeat(32)] }));
        assert_eq!((&content["body"], &content["msgtype"]), (&json!("x"), &json!("m.text")));
        assert_eq!(txn, GOLDEN);
    }

    const GOLDEN: &str = "mhecd5160f0c44584fd17c375ef23291bc";

    #[test]
    fn every_part_has_a_say_in_the_transaction_id() {
        let others = [
            Draft { room: "!other".to_owned(), ..draft() },
            Draft { sender: "@other:example.org".to_owned(), ..draft() },
            Draft { keys: vec![Key([8; 32])], ..draft() },
            Draft { refused_before: 1, ..draft() },
        ];
        let first = freeze(&draft());
        assert_eq!(freeze(&draft()), first);
        for other in others {
            assert_ne!(freeze(&other).txn, first.txn);
        }
    }
}
