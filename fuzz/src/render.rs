//! Messages of any texts.

use meshhook_model::{BuildStatus, Details, RunUrl, State, Text};
use meshhook_render::{Message, Style, message};
use serde_json::{Map, Value};

use crate::choice;

/// Any texts make a message that is short enough, whose HTML has no element but ours, and that mentions nobody.
///
/// The first byte is the state, the rest the fields, parted by line feeds.
///
/// # Panics
/// Where something holds that must not.
pub fn render(data: &[u8]) {
    let Some((first, rest)) = choice(data) else { return };
    let fields = String::from_utf8_lossy(rest);
    let status = status(State::ALL[first % State::ALL.len()], &fields);
    let message = message(&status, &Style::default());
    let written = Value::Object(message.content.clone()).to_string();
    assert!(written.len() <= Message::MAX_CONTENT_BYTES, "{} bytes", written.len());
    assert_eq!(message.content["m.mentions"], Value::Object(Map::new()));
    for html in [message.content["formatted_body"].as_str(), Some(&message.line.html)].into_iter().flatten() {
        assert!(is_ours(html), "{html}");
    }
    let body = message.content["body"].as_str().expect("a message has a body");
    assert!(!body.contains("@room") && !body.contains('\r'), "{body}");
}

fn status(state: State, fields: &str) -> BuildStatus {
    let mut fields = fields.split('\n');
    let mut text = || fields.next().and_then(Text::new);
    let details = Details {
        workflow: text(),
        job: text(),
        outcome: text(),
        branch: text(),
        commit: text(),
        mesh_node_id: text(),
        correlation_id: text(),
        title: text(),
        repo: text(),
        nodes: (0..4).filter_map(|_| text()).collect(),
        ..Details::default()
    };
    let run_url = fields.next().and_then(RunUrl::new);
    BuildStatus { state, details: Details { run_url, ..details } }
}

/// Whether every tag is one that a message is made of.
fn is_ours(html: &str) -> bool {
    html.split('<').skip(1).all(|rest| {
        let tag = rest.split('>').next().unwrap_or_default();
        matches!(tag, "strong" | "/strong" | "br" | "/a")
            || tag.strip_prefix("a href=\"http").is_some_and(|href| href.matches('"').count() == 1)
    })
}
