//! A digest's line, as the store keeps it.

use meshhook_render::Line;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Serialize, Deserialize)]
struct Written {
    plain: String,
    html: String,
    data: Value,
}

pub(crate) fn write(line: &Line) -> String {
    let Line { plain, html, data } = line.clone();
    // Two texts and a JSON value cannot fail to be written.
    serde_json::to_string(&Written { plain, html, data }).unwrap_or_default()
}

pub(crate) fn read(written: &str) -> Option<Line> {
    let Written { plain, html, data } = serde_json::from_str(written).ok()?;
    Some(Line { plain, html, data })
}
