//! The vocabulary as data beside the words.

use std::io;

use meshhook_model::{BuildStatus, Details, RunUrl, Text};
use serde::Serialize;
use serde_json::Value;

use crate::News;
use crate::address::Address;
use crate::outside::shorten;

/// How many bytes a text keeps where the whole status has no room: a SHA-256, a UUID, most names. JSON doubles
/// them at most.
const SHORT_BYTES: usize = 64;

/// How many machines are kept then.
const SHORT_NODES: usize = 5;

/// The status as JSON, with what it means to its branch; its texts cut where it would be longer than `room` bytes.
///
/// No real system's status comes near: it takes texts of a kilobyte each, or an address of two.
pub(crate) fn of(status: &BuildStatus, news: Option<News>, room: usize) -> Value {
    let whole = value(status, news);
    if written(&whole) <= room { whole } else { value(&short(status), news) }
}

/// How many bytes `value` takes as JSON.
pub(crate) fn written(value: &impl Serialize) -> usize {
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).expect("what is sent is JSON, and counting fails at nothing");
    count.0
}

/// Counts what is written to it.
struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn value(status: &BuildStatus, news: Option<News>) -> Value {
    let mut value = serde_json::to_value(status).expect("a status is a map of strings and integers");
    if let (Some(news), Value::Object(data)) = (news, &mut value) {
        news.add_to(data);
    }
    value
}

fn short(status: &BuildStatus) -> BuildStatus {
    let d = &status.details;
    let cut = |text: &Option<Text>| text.as_ref().and_then(short_text);
    let linked = |url: &&RunUrl| Address::new(url).link().is_some();
    let details = Details {
        unit: d.unit,
        workflow: cut(&d.workflow),
        job: cut(&d.job),
        outcome: cut(&d.outcome),
        branch: cut(&d.branch),
        owner_unknown: d.owner_unknown,
        commit: cut(&d.commit),
        run_url: d.run_url.as_ref().filter(linked).cloned(),
        mesh_node_id: cut(&d.mesh_node_id),
        nodes: d.nodes.iter().take(SHORT_NODES).filter_map(short_text).collect(),
        run_id: cut(&d.run_id),
        attempt: d.attempt,
        round: d.round,
        repo: cut(&d.repo),
        actor: cut(&d.actor),
        title: cut(&d.title),
        started_at: d.started_at,
        finished_at: d.finished_at,
        correlation_id: cut(&d.correlation_id),
    };
    BuildStatus { state: status.state, details }
}

pub(crate) fn short_text(text: &Text) -> Option<Text> {
    Text::new(&shorten(text.as_str(), SHORT_BYTES, char::len_utf8))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bytes_are_counted_as_they_are_written() {
        let value = json!({ "a": ["\"\u{1}\\é🍎", -7, 0.5, null, true, {}], "": [] });
        assert_eq!(written(&value), value.to_string().len());
    }
}
