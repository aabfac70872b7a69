//! What is not announced: kept within bounds, so that it can be explained and read again.

use std::collections::BTreeSet;

use meshhook_store::{Accepted, NewDelivery, Outcome, Status, StoreError, rules};
use rusqlite::{Connection, params};

use crate::accept::seen_again;
use crate::entry::Entry;
use crate::fault::fault;
use crate::row::by_key;
use crate::upkeep::forget;

pub(crate) fn set_aside<'b>(
    db: &Connection,
    new: &'b NewDelivery,
    status: Status,
    reason: &str,
    grown: &mut Grown<'b>,
) -> Result<Accepted, StoreError> {
    let key = new.body_key();
    if let Some(known) = by_key(db, &key)? {
        return seen_again(db, known);
    }
    let entry = Entry {
        reason: Some(reason),
        expires_at: Some(new.received_at.plus(new.retention)),
        raw: (status != Status::Ignored).then_some(&new.raw),
        ..Entry::new(new, &key, status)
    };
    entry.insert(db)?;
    grown.0.insert((&new.source, status == Status::Ignored));
    Ok(entry.answer(if status == Status::Unreadable { Outcome::Unreadable } else { Outcome::Ignored }))
}

/// Sources of which a batch keeps more: what is ignored, or what may be read again. Each is looked through once.
#[derive(Default)]
pub(crate) struct Grown<'b>(BTreeSet<(&'b str, bool)>);

impl Grown<'_> {
    /// Forgets the oldest beyond each source's bounds; how many. What is ignored does not push out what may be read
    /// again.
    pub(crate) fn evict(&self, db: &Connection) -> Result<u64, StoreError> {
        self.0.iter().try_fold(0, |evicted, &(source, is_ignored)| {
            let too_many = if is_ignored { ignored(db, source)? } else { with_bodies(db, source)? };
            too_many.iter().try_for_each(|&seq| forget(db, seq))?;
            Ok(evicted + too_many.len() as u64)
        })
    }
}

/// The ignored deliveries of a source beyond its bound, from the index alone: there are many, and none has a body.
fn ignored(db: &Connection, source: &str) -> Result<Vec<i64>, StoreError> {
    db.prepare_cached(IGNORED)
        .and_then(|mut s| s.query_map(params![source, rules::MAX_ASIDE_ROWS], |row| row.get(0))?.collect())
        .map_err(fault)
}

fn with_bodies(db: &Connection, source: &str) -> Result<Vec<i64>, StoreError> {
    let rows: Vec<(i64, u64)> = db
        .prepare_cached(WITH_BODIES)
        .and_then(|mut s| s.query_map([source], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .map_err(fault)?;
    let mut bytes = 0;
    let too_many = (1..).zip(rows).filter(|(count, (_, size))| {
        bytes += size;
        bytes > rules::MAX_ASIDE_BYTES || *count > rules::MAX_ASIDE_ROWS
    });
    Ok(too_many.map(|(_, (seq, _))| seq).collect())
}

/// What the index `delivery_aside` has, in its own words: SQLite does not see by itself that `status = 'parked'` is
/// among it.
macro_rules! aside {
    ($table:literal) => {
        concat!($table, ".status <> 'pending' AND ", $table, ".status <> 'in_message'")
    };
}
pub(crate) use aside;

/// In the words of the index `delivery_ignored`: what has a mark of its own stays as long as that.
pub(crate) const IGNORED: &str = "SELECT seq FROM delivery WHERE status = 'ignored' AND rank IS NULL AND source = ?1 ORDER BY seq DESC \
     LIMIT -1 OFFSET ?2";

pub(crate) const WITH_BODIES: &str = concat!(
    "SELECT seq, coalesce(length(raw), 0) FROM delivery WHERE ",
    aside!("delivery"),
    " AND status IN ('unreadable', 'stale') AND source = ?1 ORDER BY seq DESC"
);
