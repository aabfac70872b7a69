//! The last that was said of each workflow.

use super::{Row, Tables};
use crate::{Latest, Status};

impl Tables {
    pub(super) fn latest(&self, room: &str, look_at: usize) -> Vec<Latest> {
        let newest = self.deliveries.values().rev().take(look_at);
        let said = newest.filter(|row| row.is_for(room) && is_said(self.shown(row)));
        Latest::of_each(said.filter_map(latest))
    }
}

impl Row {
    fn is_for(&self, room: &str) -> bool {
        self.saying.as_ref().is_some_and(|saying| saying.room == room)
    }
}

fn latest(row: &Row) -> Option<Latest> {
    let facts = row.facts.clone();
    Some(Latest {
        repo: facts.repo,
        workflow: facts.workflow,
        job: facts.job,
        branch: facts.branch,
        state: facts.state?,
        received_at: row.received_at,
    })
}

/// Whether a delivery in this status is in its room, may be, or is to be.
#[must_use]
const fn is_said(status: Status) -> bool {
    matches!(status, Status::Pending | Status::InMessage | Status::Sent | Status::Uncertain)
}
