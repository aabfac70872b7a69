//! What is on record in a store that no gateway has: expired, kept on, or taken out again.

use std::ops::Range;
use std::path::Path;

use rusqlite::{Connection, Result, params};

/// Has the oldest deliveries, each of a subject of its own, have expired an hour before `now`, in milliseconds, or
/// earlier, those of a message at once; how many there are.
///
/// # Errors
/// When the store cannot be written.
pub fn expire(store: &Path, count: u64, now: i64) -> Result<usize> {
    let db = Connection::open(store)?;
    let end = now - 3_600_000;
    let expired = db.execute(
        "UPDATE delivery SET expires_at = d.new, received_at = received_at - (expires_at - d.new), \
         event_time = event_time - (expires_at - d.new) FROM \
         (SELECT seq, ?1 - coalesce(message, 0) AS new FROM delivery WHERE expires_at > ?1 ORDER BY seq LIMIT ?2) d \
         WHERE delivery.seq = d.seq",
        params![end, count],
    )?;
    have_subjects_expire(&db, 0..now)?;
    Ok(expired)
}

/// Has those that have expired by `now`, in milliseconds, and are on record still expire a year later; how many there are.
///
/// # Errors
/// When the store cannot be written.
pub fn keep_on(store: &Path, now: i64) -> Result<usize> {
    const YEAR: i64 = 365 * 24 * 3600 * 1000;
    let db = Connection::open(store)?;
    let kept =
        db.execute("UPDATE delivery SET expires_at = expires_at + ?1 WHERE expires_at < ?2", [YEAR, now])?;
    have_subjects_expire(&db, now + YEAR / 2..now + YEAR)?;
    Ok(kept)
}

/// The subjects of all that expire in that time then expire with them, where the schema has them do so themselves.
fn have_subjects_expire(db: &Connection, time: Range<i64>) -> Result<()> {
    let itself = "SELECT EXISTS (SELECT 1 FROM pragma_table_info('subject') WHERE name = 'expires_at')";
    if db.query_row(itself, [], |row| row.get(0))? {
        let with_theirs = "UPDATE subject SET expires_at = d.expires_at FROM delivery d \
                           WHERE d.expires_at >= ?1 AND d.expires_at < ?2 AND d.subject = subject.subject";
        db.execute(with_theirs, [time.start, time.end])?;
    }
    Ok(())
}

/// Takes out what came since and is owed still, each of a subject of its own; how many deliveries that were.
///
/// # Errors
/// When the store cannot be written.
pub fn forget_what_waits(store: &Path) -> Result<usize> {
    let mut db = Connection::open(store)?;
    let tx = db.transaction()?;
    let waits = "status = 'pending' OR message IN (SELECT id FROM message WHERE status = 'open')";
    tx.execute(
        &format!("DELETE FROM subject WHERE subject IN (SELECT subject FROM delivery WHERE {waits})"),
        [],
    )?;
    let gone = tx.execute(&format!("DELETE FROM delivery WHERE {waits}"), [])?;
    tx.execute("DELETE FROM message WHERE status = 'open'", [])?;
    tx.commit()?;
    Ok(gone)
}
