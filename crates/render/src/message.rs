//! The message whole.

use meshhook_model::{BuildStatus, State};
use serde_json::{Map, Value, json};

use crate::address::{Address, Link};
use crate::layout::{self, Row};
use crate::{Format, News, Style, data, digest, form, words};

/// A status, ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The content of an `m.room.message` event, all but `com.meshmac.message`.
    pub content: Map<String, Value>,
    /// What stands for it in a digest.
    pub line: Line,
    /// Whether it is one that clients notify of (`m.text`).
    pub notify: bool,
}

impl Message {
    /// The content's longest JSON.
    ///
    /// An event may have 16 KiB by our own rule. Around the content a homeserver writes at most 2.5 KiB: two ids
    /// and a server name of 255 bytes, ten authorizing and twenty previous events' ids of 44, hash, signature and
    /// key names. The last half KiB is for `com.meshmac.message`.
    pub const MAX_CONTENT_BYTES: usize = 13 * 1024;
}

/// One line of a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// For `body`.
    pub plain: String,
    /// For `formatted_body`, whatever the style's format.
    pub html: String,
    /// The status in short form: run, repository, workflow, state, address, machine.
    pub data: Value,
}

/// The message of a status.
#[must_use]
pub fn message(status: &BuildStatus, style: &Style) -> Message {
    message_with(status, None, style)
}

/// The message of a status that is news to its branch.
#[must_use]
pub fn message_with(status: &BuildStatus, news: Option<News>, style: &Style) -> Message {
    let notify = words::notifies(status, style);
    let mut content = Map::new();
    content.insert("msgtype".into(), if notify { "m.text" } else { "m.notice" }.into());
    content.insert("m.mentions".into(), json!({}));
    add_bodies(&mut content, &layout::rows(status, news, style), style.format);
    if let Some(link) = external_url(status) {
        content.insert("external_url".into(), link.as_str().into());
    }
    add_data(&mut content, status, news);
    Message { content, line: line(status, news, style), notify }
}

fn add_bodies(content: &mut Map<String, Value>, rows: &[Row], format: Format) {
    let lines = |form: fn(&[layout::Piece]) -> String| rows.iter().map(|row| form(row)).collect::<Vec<_>>();
    content.insert("body".into(), lines(form::plain).join("\n").into());
    if format == Format::Html {
        content.insert("format".into(), "org.matrix.custom.html".into());
        content.insert("formatted_body".into(), lines(form::html).join("<br>").into());
    }
}

fn external_url(status: &BuildStatus) -> Option<Link> {
    status.details.run_url.as_ref().map(Address::new)?.link().cloned()
}

fn add_data(content: &mut Map<String, Value>, status: &BuildStatus, news: Option<News>) {
    const KEY: &str = "com.meshmac.build_status";
    let used = data::written(content) + KEY.len() + r#","":"#.len();
    let room = Message::MAX_CONTENT_BYTES.saturating_sub(used);
    content.insert(KEY.into(), data::of(status, news, room));
}

fn line(status: &BuildStatus, news: Option<News>, style: &Style) -> Line {
    let row = layout::digest(status, news, style);
    Line { plain: form::plain(&row), html: form::html(&row), data: digest::short(status) }
}

/// The lines of the message for a terminal, each ended; with `colour` by SGR sequences.
///
/// Besides these it holds no control character: a [`Text`](meshhook_model::Text), a
/// [`WebLink`](meshhook_model::WebLink) and an [`Emoji`](crate::Emoji) have none.
#[must_use]
pub fn terminal(status: &BuildStatus, style: &Style, colour: bool) -> String {
    let colour = colour.then(|| state_colour(status));
    layout::rows(status, None, style).iter().map(|row| form::terminal(row, colour) + "\n").collect()
}

/// The state's colour as an SGR parameter (ECMA-48).
fn state_colour(status: &BuildStatus) -> &'static str {
    match status.state {
        State::Queued => "2",
        State::Running => "36",
        State::Succeeded if words::is_warned(status) => "33",
        State::Succeeded => "32",
        State::Failed => "31",
    }
}
