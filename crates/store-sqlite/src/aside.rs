//! What is not announced: kept within bounds, so that it can be explained and read again.

use meshhook_store::{Accepted, NewDelivery, Outcome, Status, StoreError, rules};
use rusqlite::Connection;

use crate::accept::seen_again;
use crate::entry::Entry;
use crate::fault::fault;
use crate::row::by_key;
use crate::upkeep::forget;

pub(crate) fn set_aside(
    db: &Connection,
    new: &NewDelivery,
    status: Status,
    reason: &str,
    evicted: &mut u64,
) -> Result<Accepted, StoreError> {
    if let Some(known) = by_key(db, &new.body_key)? {
        return seen_again(db, known);
    }
    let entry = Entry {
        reason: Some(reason),
        expires_at: Some(new.received_at.plus(new.retention)),
        raw: (status != Status::Ignored).then_some(&new.raw),
        ..Entry::new(new, &new.body_key, status)
    };
    entry.insert(db)?;
    *evicted += evict(db, &new.source, status)?;
    Ok(entry.answer(if status == Status::Unreadable { Outcome::Unreadable } else { Outcome::Ignored }))
}

/// Forgets the oldest beyond the source's bounds. What is ignored does not push out what may be read again.
fn evict(db: &Connection, source: &str, status: Status) -> Result<u64, StoreError> {
    let rows = if status == Status::Ignored { ignored(db, source)? } else { with_bodies(db, source)? };
    let (mut bytes, mut evicted) = (0, 0);
    for (count, (seq, size)) in (1..).zip(rows) {
        bytes += size;
        if bytes > rules::MAX_ASIDE_BYTES || count > rules::MAX_ASIDE_ROWS {
            forget(db, seq)?;
            evicted += 1;
        }
    }
    Ok(evicted)
}

/// The ignored deliveries of a source, the newest first, from the index alone: there are many, and none has a body.
fn ignored(db: &Connection, source: &str) -> Result<Vec<(i64, u64)>, StoreError> {
    db.prepare_cached(IGNORED)
        .and_then(|mut s| s.query_map([source], |row| Ok((row.get(0)?, 0)))?.collect())
        .map_err(fault)
}

fn with_bodies(db: &Connection, source: &str) -> Result<Vec<(i64, u64)>, StoreError> {
    db.prepare_cached(WITH_BODIES)
        .and_then(|mut s| s.query_map([source], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .map_err(fault)
}

/// What the index `delivery_aside` has, in its own words: SQLite does not see by itself that `status = 'parked'` is
/// among it.
macro_rules! aside {
    () => {
        "status IN ('parked', 'superseded', 'dropped', 'ignored', 'unreadable', 'stale')"
    };
}
pub(crate) use aside;

/// In the words of the index `delivery_ignored`: what has a mark of its own stays as long as that.
pub(crate) const IGNORED: &str =
    "SELECT seq FROM delivery WHERE status = 'ignored' AND rank IS NULL AND source = ?1 ORDER BY seq DESC";

pub(crate) const WITH_BODIES: &str = concat!(
    "SELECT seq, coalesce(length(raw), 0) FROM delivery WHERE ",
    aside!(),
    " AND status IN ('unreadable', 'stale') AND source = ?1 ORDER BY seq DESC"
);
