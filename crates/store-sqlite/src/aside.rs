//! What is not announced: kept within bounds, so that it can be explained and read again.

use meshhook_store::{Accepted, Moment, NewDelivery, Outcome, Status, StoreError, rules};
use rusqlite::{Connection, params};

use crate::accept::{insert, seen_again};
use crate::fault::fault;
use crate::row::{answer, by_key};
use crate::upkeep::forget;

pub(crate) fn set_aside(
    db: &Connection,
    new: &NewDelivery,
    now: Moment,
    status: Status,
    reason: &str,
    evicted: &mut u64,
) -> Result<Accepted, StoreError> {
    if let Some(known) = by_key(db, &new.body_key)? {
        return seen_again(db, known.seq);
    }
    let seq = insert(db, new, &new.body_key, status)?;
    let raw = (status != Status::Ignored).then_some(&new.raw);
    let expires_at = now.plus(new.retention).millis();
    db.prepare_cached("UPDATE delivery SET reason = ?2, expires_at = ?3, raw = ?4 WHERE seq = ?1")
        .and_then(|mut s| s.execute(params![seq, reason, expires_at, raw]))
        .map_err(fault)?;
    *evicted += evict(db, &new.source, status)?;
    answer(db, seq, if status == Status::Unreadable { Outcome::Unreadable } else { Outcome::Ignored })
}

/// Forgets the oldest beyond the source's bounds. What is ignored does not push out what may be read again.
fn evict(db: &Connection, source: &str, status: Status) -> Result<u64, StoreError> {
    let statuses = if status == Status::Ignored { "'ignored'" } else { "'unreadable', 'stale'" };
    let query = format!(
        "SELECT seq, coalesce(length(raw), 0) FROM delivery WHERE source = ?1 AND status IN ({statuses}) \
         ORDER BY seq DESC"
    );
    let rows: Vec<(i64, u64)> = db
        .prepare_cached(&query)
        .and_then(|mut s| s.query_map([source], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .map_err(fault)?;
    let (mut bytes, mut evicted) = (0, 0);
    for (seq, count) in rows.into_iter().zip(1..).map(|((seq, size), count)| {
        bytes += size;
        (seq, (bytes > rules::MAX_ASIDE_BYTES || count > rules::MAX_ASIDE_ROWS).then_some(()))
    }) {
        if count.is_some() {
            forget(db, seq)?;
            evicted += 1;
        }
    }
    Ok(evicted)
}
