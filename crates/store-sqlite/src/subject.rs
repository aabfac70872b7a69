//! How far subjects have come. What is owed speaks for itself; a row of its own has what became final.

use meshhook_store::rules::Top;
use meshhook_store::{Moment, StoreError, SubjectKey};
use rusqlite::{Connection, OptionalExtension, params};

use crate::fault::fault;
use crate::row::{round, top_or_none};

/// The highest round and rank that was accepted.
pub(crate) fn top_of(db: &Connection, subject: &SubjectKey) -> Result<Option<Top>, StoreError> {
    db.prepare_cached(TOP)
        .and_then(|mut s| s.query_row([subject.0], |row| top_or_none(row, 0)).optional())
        .map(Option::flatten)
        .map_err(fault)
}

pub(crate) const TOP: &str = "SELECT round, rank FROM subject WHERE subject = ?1 UNION ALL \
     SELECT round, rank FROM delivery d WHERE subject = ?1 AND expires_at IS NULL ORDER BY 1 DESC, 2 DESC LIMIT 1";

/// Notes what has become final, and until when that is remembered.
pub(crate) fn raise(
    db: &Connection,
    subject: &SubjectKey,
    (number, rank): Top,
    expires_at: Moment,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO subject (subject, round, rank, expires_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET \
         round = CASE WHEN (?2, ?3) > (round, rank) THEN ?2 ELSE round END, \
         rank = CASE WHEN (?2, ?3) > (round, rank) THEN ?3 ELSE rank END, \
         expires_at = max(expires_at, ?4)",
    )
    .and_then(|mut s| s.execute(params![subject.0, round(number), rank.number(), expires_at.millis()]))
    .map_err(fault)?;
    Ok(())
}

/// Forgets the subject of a delivery that is forgotten, if it was the last one.
pub(crate) fn leave(
    db: &Connection,
    subject: &SubjectKey,
    expired_at: Option<i64>,
) -> Result<(), StoreError> {
    db.prepare_cached(LEAVE).and_then(|mut s| s.execute(params![subject.0, expired_at])).map_err(fault)?;
    Ok(())
}

/// What was said together ends together, and not all of that need be forgotten yet.
pub(crate) const LEAVE: &str = "DELETE FROM subject WHERE subject = ?1 AND expires_at <= ?2 \
     AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.subject = ?1 AND d.expires_at IS NULL) \
     AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.expires_at = ?2 AND d.subject = ?1)";
