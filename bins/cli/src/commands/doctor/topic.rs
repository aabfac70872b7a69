//! The room's topic tells every worker what to send: a message without a machine helps nobody who has a pool of them.

use meshhook_matrix::{Client, Token};
use serde_json::json;

use super::report::Report;
use crate::failure::Failure;
use crate::prompt;

const CHECK: &str = "topic";

/// The field that the topic has to name.
const FIELD: &str = "mesh_node_id";

/// What the topic has to say.
const TEXT: &str = "Build statuses by meshhook. Every worker sends its mesh_node_id, the name of its machine, with each status.";

/// Looks at the topic, and adds to it where that is wanted.
pub(super) fn look(
    client: &Client,
    token: &Token,
    room: &str,
    fix: bool,
    report: &mut Report<'_, '_>,
) -> Result<(), Failure> {
    let topic = match client.state(token, room, "m.room.topic") {
        Ok(topic) => topic.and_then(|topic| Some(topic["topic"].as_str()?.to_owned())).unwrap_or_default(),
        Err(failure) => return report.skipped(CHECK, format!("{room} does not tell its topic: {failure}")),
    };
    if topic.contains(FIELD) {
        return report.ok(CHECK, format!("the topic of {room} tells workers to send {FIELD}"));
    }
    if fix {
        return mend(client, room, &topic, report);
    }
    report.warning(
        (CHECK, "topic"),
        format!("the topic of {room} does not tell that every worker sends {FIELD}"),
        format!("set it: \"{TEXT}\"; or let the doctor, with the token of somebody who may: meshhook doctor --fix-topic"),
    )
}

/// The bot has no right to, and need not have it: somebody lends theirs for this one request.
fn mend(client: &Client, room: &str, topic: &str, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    let lent =
        prompt::secret(&format!("access token of somebody who may set the topic of {room}: "), "token")?;
    let Ok(lent) = Token::new(&lent) else {
        return report.fault(
            (CHECK, "topic"),
            "that is no access token",
            "copy it from a client's settings, as it is",
        );
    };
    let text = if topic.is_empty() { TEXT.to_owned() } else { format!("{topic}\n{TEXT}") };
    match client.set_state(&lent, room, "m.room.topic", &json!({ "topic": text })) {
        Ok(_) => report.ok(CHECK, format!("the topic of {room} now tells workers to send {FIELD}")),
        Err(failure) => report.fault(
            (CHECK, "topic"),
            format!("the topic of {room} was not set: {failure}"),
            "it takes the token of somebody whose power level allows it: usually 50, a moderator's",
        ),
    }
}
