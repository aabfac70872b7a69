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

/// Looks at topics, and adds to them where that is wanted.
pub(super) struct Topic {
    fix: bool,
    /// What somebody who may has lent, once it was asked for.
    lent: Option<Token>,
}

impl Topic {
    pub(super) const fn new(fix: bool) -> Self {
        Self { fix, lent: None }
    }

    pub(super) fn look(
        &mut self,
        client: &Client,
        token: &Token,
        room: &str,
        report: &mut Report<'_, '_>,
    ) -> Result<(), Failure> {
        let topic = match client.state(token, room, "m.room.topic") {
            Ok(topic) => {
                topic.and_then(|topic| Some(topic["topic"].as_str()?.to_owned())).unwrap_or_default()
            }
            Err(failure) => {
                return report.skipped(CHECK, format!("{room} does not tell its topic: {failure}"));
            }
        };
        if topic.contains(FIELD) {
            return report.ok(CHECK, format!("the topic of {room} tells workers to send {FIELD}"));
        }
        if self.fix {
            return self.mend(client, room, &topic, report);
        }
        let again = report.command("meshhook doctor --fix-topic");
        report.warning(
            (CHECK, "topic"),
            format!("the topic of {room} does not tell that every worker sends {FIELD}"),
            format!("set it: \"{TEXT}\"; or, with the token of somebody who may: {again}"),
        )
    }

    /// The bot has no right to, and need not have it: somebody lends theirs.
    fn mend(
        &mut self,
        client: &Client,
        room: &str,
        topic: &str,
        report: &mut Report<'_, '_>,
    ) -> Result<(), Failure> {
        let Some(lent) = self.borrow()? else {
            let hint = "copy it from a client's settings, as it is";
            return report.fault((CHECK, "topic"), "that is no access token", hint);
        };
        let text = if topic.is_empty() { TEXT.to_owned() } else { format!("{topic}\n{TEXT}") };
        match client.set_state(lent, room, "m.room.topic", &json!({ "topic": text })) {
            Ok(_) => report.ok(CHECK, format!("the topic of {room} now tells workers to send {FIELD}")),
            Err(failure) => report.fault(
                (CHECK, "topic"),
                format!("the topic of {room} was not set: {failure}"),
                "it takes the token of somebody whose power level allows it: usually 50, a moderator's",
            ),
        }
    }

    fn borrow(&mut self) -> Result<Option<&Token>, Failure> {
        if self.lent.is_none() {
            let given = prompt::secret("access token of somebody who may set the topic: ", "token")?;
            self.lent = Token::new(&given).ok();
        }
        Ok(self.lent.as_ref())
    }
}
