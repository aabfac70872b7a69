//! The last that was said of each workflow.

use meshhook_store::{Latest, StoreError};
use rusqlite::{Connection, Row, params};

use crate::fault::fault;
use crate::row::moment;

/// Walks back through so many rows and no more: there is no index by room, and a store may have millions.
pub(crate) const LATEST: &str = "SELECT d.repo, d.workflow, d.job, d.branch, d.state, d.received_at \
     FROM (SELECT * FROM delivery ORDER BY seq DESC LIMIT ?2) d LEFT JOIN message m ON m.id = d.message \
     WHERE d.room = ?1 AND d.state IS NOT NULL AND (d.status = 'pending' OR (d.status = 'in_message' \
     AND m.status IN ('open', 'sent', 'uncertain'))) ORDER BY d.seq DESC";

pub(crate) fn latest(db: &Connection, room: &str, look_at: usize) -> Result<Vec<Latest>, StoreError> {
    let look_at = i64::try_from(look_at).unwrap_or(i64::MAX);
    let said = db
        .prepare_cached(LATEST)
        .and_then(|mut s| s.query_map(params![room, look_at], view)?.collect::<Result<Vec<_>, _>>())
        .map_err(fault)?;
    Ok(Latest::of_each(said))
}

fn view(row: &Row<'_>) -> rusqlite::Result<Latest> {
    Ok(Latest {
        repo: row.get(0)?,
        workflow: row.get(1)?,
        job: row.get(2)?,
        branch: row.get(3)?,
        state: row.get(4)?,
        received_at: moment(row, 5)?,
    })
}
