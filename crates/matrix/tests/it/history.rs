//! What a room holds of ours.

use meshhook_matrix::FailureKind;
use meshhook_testkit::Synapse;
use serde_json::{Value, json};

use crate::{client, token};

fn marked(key: &str) -> Value {
    json!({ "msgtype": "m.notice", "body": key, "com.meshmac.message": { "id": key, "keys": [key] } })
}

#[test]
fn it_is_read_page_by_page_by_sender_and_with_its_edits() {
    let synapse = Synapse::shared();
    let [host, bot, stranger] =
        ["host", "bot", "stranger"].map(|n| synapse.register(&format!("history-{n}")));
    let room = synapse.create_room(&host.token, json!({ "preset": "private_chat" }));
    synapse.bring_in(&host.token, &room, &bot);
    synapse.bring_in(&host.token, &room, &stranger);
    let first = synapse.send(&bot.token, &room, "t0", &marked("k0"));
    for n in 1..24 {
        synapse.send(&bot.token, &room, &format!("t{n}"), &marked(&format!("k{n}")));
        synapse.send(&stranger.token, &room, &format!("t{n}"), &marked("forged"));
    }
    let mut edit = marked("k24");
    edit["m.relates_to"] = json!({ "rel_type": "m.replace", "event_id": first });
    edit["m.new_content"] = json!({ "msgtype": "m.notice", "body": "edited" });
    synapse.send(&bot.token, &room, "t24", &edit);
    let redacted = synapse.send(&bot.token, &room, "t25", &marked("k25"));
    synapse.redact(&bot.token, &room, &redacted);
    synapse.send(&host.token, &room, "t26", &marked("k26"));

    let client = client(&synapse.url());
    let (token, senders) = (token(&bot.token), [&*bot.id, &*host.id]);
    let newest = client.written(&token, &room, &senders, None).unwrap();
    assert_eq!(newest.events.len(), 20);
    assert_eq!((newest.events[1].event_id.as_str(), &newest.events[1].keys), (&*redacted, &None));
    let before = newest.before.as_deref();
    let mut all = newest.events.clone();
    let mut next = before.map(str::to_owned);
    while let Some(from) = next {
        let page = client.written(&token, &room, &senders, Some(&from)).unwrap();
        all.extend(page.events);
        next = page.before;
    }
    let keys: Vec<_> = all.iter().rev().filter_map(|event| event.keys.clone()).flatten().collect();
    let expected: Vec<_> = (0..=26).filter(|n| *n != 25).map(|n| format!("k{n}")).collect();
    assert_eq!(keys, expected);
    assert!(all.windows(2).all(|pair| pair[0].sent_at >= pair[1].sent_at && pair[1].sent_at.is_some()));

    let other = synapse.create_room(&host.token, json!({}));
    let refused = client.written(&token, &other, &senders, None).unwrap_err();
    assert_eq!(refused.kind, FailureKind::Forbidden);
}
