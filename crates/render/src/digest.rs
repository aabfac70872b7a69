//! Several statuses in one message: a line each.

use meshhook_model::{BuildStatus, Text};
use serde_json::{Map, Value, json};

use crate::address::Address;
use crate::message::Line;
use crate::{Format, data};

/// What a digest's header begins with: no line begins with text from outside.
const SIGN: &str = "📋";

/// The message of several lines, all but `com.meshmac.message`; with `notify` one that clients notify of.
#[must_use]
pub fn digest(lines: &[Line], notify: bool, format: Format) -> Map<String, Value> {
    let header = match lines.len() {
        1 => format!("{SIGN} 1 update"),
        count => format!("{SIGN} {count} updates"),
    };
    let joined = |form: fn(&Line) -> &str, end: &str| {
        std::iter::once(header.as_str()).chain(lines.iter().map(form)).collect::<Vec<_>>().join(end)
    };
    let mut content = Map::new();
    content.insert("msgtype".into(), if notify { "m.text" } else { "m.notice" }.into());
    content.insert("m.mentions".into(), json!({}));
    content.insert("body".into(), joined(|line| &line.plain, "\n").into());
    if format == Format::Html {
        content.insert("format".into(), "org.matrix.custom.html".into());
        content.insert("formatted_body".into(), joined(|line| &line.html, "<br>").into());
    }
    // What is no build has no data.
    let statuses = lines.iter().map(|line| line.data.clone()).filter(|data| !data.is_null()).collect();
    content.insert("com.meshmac.build_statuses".into(), Value::Array(statuses));
    content
}

/// A status in short form, for a digest's data.
pub(crate) fn short(status: &BuildStatus) -> Value {
    let d = &status.details;
    let cut =
        |text: &Option<Text>| text.as_ref().and_then(data::short_text).map(|text| text.as_str().to_owned());
    let link =
        d.run_url.as_ref().and_then(|url| Address::new(url).link().map(|link| link.as_str().to_owned()));
    let fields = [
        ("run_id", cut(&d.run_id)),
        ("repo", cut(&d.repo)),
        ("workflow", cut(&d.workflow)),
        ("state", Some(status.state.as_str().to_owned())),
        ("run_url", link),
        ("mesh_node_id", cut(&d.mesh_node_id)),
    ];
    fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.into())))
        .collect::<Map<_, _>>()
        .into()
}
