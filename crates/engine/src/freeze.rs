//! The fixed parts of a message.

use std::time::Duration;

use meshhook_render::{Format, Message, Timeline, digest, edit, in_thread};
use meshhook_store::{Anchor, Draft, Frozen, Member};
use serde_json::{Map, Value, json};

use crate::identity::{Recipe, hex};
use crate::line;

/// The content key under which every event names itself and its members.
pub(crate) const MARKER: &str = "com.meshmac.message";

/// What waited longer is no news: it gets a line with its time.
const OLD: Duration = Duration::from_secs(600);

/// How messages look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// Which bodies a digest has.
    pub format: Format,
    /// How the states of a run stand to one another.
    pub timeline: Timeline,
}

/// Makes a message's transaction id and body.
///
/// The transaction id is a hash of the room, the sender, the members' keys and the number of refused messages they
/// have been in: the same message has the same one on every attempt, and one with other content another.
#[must_use]
pub fn freeze(draft: &Draft, look: Look) -> Frozen {
    let txn = transaction_id(draft);
    let keys: Vec<_> = draft.members.iter().map(|member| member.key.to_string()).collect();
    let (mut content, relates_to) = content(draft, look);
    content.insert(MARKER.to_owned(), json!({ "id": txn, "keys": keys }));
    Frozen { txn, body: Value::Object(content).to_string(), relates_to }
}

/// What a message says, and the event that it relates to.
fn content(draft: &Draft, look: Look) -> (Map<String, Value>, Option<String>) {
    let shown: Vec<&Member> = draft.members.iter().filter(|member| member.shown).collect();
    match shown[..] {
        [only] if draft.now.since(only.received_at) <= OLD => {
            let alone = single(only);
            match draft.anchor.as_ref().and_then(|anchor| related(&alone, only, anchor, look.timeline)) {
                Some((content, event)) => (content, Some(event)),
                None => (alone, None),
            }
        }
        _ => (several(&shown, look.format), None),
    }
}

/// A card is edited within its round, a thread goes on; what notifies is a message of its own, since clients notify of
/// neither. So is what would be too long.
fn related(
    alone: &Map<String, Value>,
    member: &Member,
    anchor: &Anchor,
    timeline: Timeline,
) -> Option<(Map<String, Value>, String)> {
    let event = &anchor.event_id;
    let content = match timeline {
        _ if member.content.notify => return None,
        Timeline::Card if anchor.round == member.round => edit(alone.clone(), event),
        Timeline::Thread => in_thread(alone.clone(), event),
        Timeline::Card | Timeline::Lines => return None,
    };
    let fits = Value::Object(content.clone()).to_string().len() <= Message::MAX_CONTENT_BYTES;
    fits.then(|| (content, event.clone()))
}

/// Contents are rendered by this program and stored whole; one that is no object says at least that much.
fn single(member: &Member) -> Map<String, Value> {
    serde_json::from_str(&member.content.content).unwrap_or_else(|_| {
        let lost = "a build status that cannot be shown";
        Map::from_iter([("msgtype".to_owned(), json!("m.notice")), ("body".to_owned(), json!(lost))])
    })
}

fn several(shown: &[&Member], format: Format) -> Map<String, Value> {
    let lines: Vec<_> = shown.iter().filter_map(|member| line::read(&member.content.line)).collect();
    digest(&lines, shown.iter().any(|member| member.content.notify), format)
}

fn transaction_id(draft: &Draft) -> String {
    let head =
        Recipe::new().text("txn").text(&draft.room).text(&draft.sender).number(draft.refused_before.into());
    let hash = draft.members.iter().fold(head, |recipe, member| recipe.bytes(&member.key.0)).hash();
    format!("mh{}", hex(&hash[..16]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshhook_render::Line;
    use meshhook_store::{Content, Key, Moment};

    const NOW: Moment = Moment::from_seconds(10_000);

    fn member(number: u8, shown: bool, seconds_ago: i64) -> Member {
        let line =
            Line {
                plain: format!("❌ {number}"), html: format!("❌ <b>{number}</b>"), data: json!(number)
            };
        Member {
            key: Key([number; 32]),
            content: Content {
                content: r#"{"msgtype":"m.text","body":"x"}"#.to_owned(),
                line: line::write(&line),
                notify: number == 8,
                speaker: None,
            },
            shown,
            round: 1,
            received_at: Moment::from_seconds(10_000 - seconds_ago),
        }
    }

    fn draft(members: Vec<Member>) -> Draft {
        let sender = "@bot:example.org".to_owned();
        Draft { room: "!room".to_owned(), sender, members, refused_before: 0, anchor: None, now: NOW }
    }

    fn frozen(draft: &Draft) -> (String, Value) {
        let Frozen { txn, body, .. } = freeze(draft, Look::default());
        (txn, serde_json::from_str(&body).unwrap())
    }

    #[test]
    fn a_message_names_itself_and_its_members() {
        let (txn, content) = frozen(&draft(vec![member(7, true, 0)]));
        assert_eq!(content["com.meshmac.message"], json!({ "id": txn, "keys": ["07".repeat(32)] }));
        assert_eq!((&content["body"], &content["msgtype"]), (&json!("x"), &json!("m.text")));
        assert_eq!(txn, GOLDEN);
    }

    /// Reckoned by another program from the recipe's description.
    const GOLDEN: &str = "mhecd5160f0c44584fd17c375ef23291bc";

    #[test]
    fn several_share_a_message_and_all_are_named() {
        let (_, content) = frozen(&draft(vec![member(7, true, 0), member(8, false, 0), member(9, true, 0)]));
        assert_eq!(content["body"], "📋 2 updates\n❌ 7\n❌ 9");
        assert_eq!(content["msgtype"], "m.notice", "only what is shown notifies");
        assert_eq!(content["com.meshmac.build_statuses"], json!([7, 9]));
        assert_eq!(content["com.meshmac.message"]["keys"].as_array().unwrap().len(), 3);
        let (_, content) = frozen(&draft(vec![member(7, true, 0), member(8, true, 0)]));
        assert_eq!(content["msgtype"], "m.text");
    }

    #[test]
    fn one_that_is_shown_alone_is_shown_whole_while_it_is_news() {
        let (_, content) = frozen(&draft(vec![member(7, false, 0), member(8, true, 600)]));
        assert_eq!(content["body"], "x");
        let (_, content) = frozen(&draft(vec![member(8, true, 601)]));
        assert_eq!(content["body"], "📋 1 update\n❌ 8");
    }

    fn relates(member: Member, round: u64, timeline: Timeline) -> Option<Value> {
        let anchor = Some(Anchor { event_id: "$first".to_owned(), round });
        let draft = Draft { anchor, ..draft(vec![member]) };
        let frozen = freeze(&draft, Look { timeline, ..Look::default() });
        let content: Value = serde_json::from_str(&frozen.body).unwrap();
        assert_eq!(frozen.relates_to.as_deref(), content["m.relates_to"]["event_id"].as_str());
        assert_eq!(content["com.meshmac.message"]["id"], frozen.txn);
        frozen.relates_to.is_some().then(|| content["m.relates_to"]["rel_type"].clone())
    }

    #[test]
    fn a_card_is_edited_in_its_round_and_a_thread_goes_on() {
        let quiet = || member(7, true, 0);
        assert_eq!(relates(quiet(), 1, Timeline::Card), Some(json!("m.replace")));
        assert_eq!(relates(quiet(), 2, Timeline::Card), None);
        assert_eq!(relates(quiet(), 1, Timeline::Thread), Some(json!("m.thread")));
        assert_eq!(relates(quiet(), 2, Timeline::Thread), Some(json!("m.thread")));
        assert_eq!(relates(quiet(), 1, Timeline::Lines), None);
    }

    #[test]
    fn what_notifies_is_old_or_long_is_a_message_of_its_own() {
        let long = Content {
            content: json!({ "msgtype": "m.notice", "body": "x".repeat(7000) }).to_string(),
            ..member(7, true, 0).content
        };
        for timeline in [Timeline::Card, Timeline::Thread] {
            assert_eq!(relates(member(8, true, 0), 1, timeline), None);
            assert_eq!(relates(member(7, true, 601), 1, timeline), None);
        }
        assert_eq!(relates(Member { content: long, ..member(7, true, 0) }, 1, Timeline::Card), None);
    }

    #[test]
    fn every_part_has_a_say_in_the_transaction_id() {
        let first = draft(vec![member(7, true, 0)]);
        let others = [
            Draft { room: "!other".to_owned(), ..first.clone() },
            Draft { sender: "@other:example.org".to_owned(), ..first.clone() },
            Draft { members: vec![member(8, true, 0)], ..first.clone() },
            Draft { refused_before: 1, ..first.clone() },
        ];
        for other in &others {
            assert_ne!(frozen(other).0, frozen(&first).0);
        }
        assert_eq!(frozen(&Draft { now: NOW.plus(OLD), ..first.clone() }).0, frozen(&first).0);
    }
}
