//! What is on record in a store that no gateway has: expired, kept on, or taken out again.

use std::path::Path;

use rusqlite::{Connection, Result, params};

/// Has the oldest deliveries, each of a subject of its own, have expired an hour before `now`, in milliseconds; how
/// many there are.
///
/// # Errors
/// When the store cannot be written.
pub fn expire(store: &Path, count: u64, now: i64) -> Result<usize> {
    let db = Connection::open(store)?;
    let end = now - 3_600_000;
    let expired = db.execute(
        "UPDATE delivery SET expires_at = ?1, received_at = received_at - (expires_at - ?1), \
         event_time = event_time - (expires_at - ?1) WHERE seq IN \
         (SELECT seq FROM delivery WHERE expires_at > ?1 ORDER BY seq LIMIT ?2)",
        params![end, count],
    )?;
    have_subjects_expire(&db, end, now)?;
    Ok(expired)
}

/// Has those that have expired and are on record still expire a year from `now`, in milliseconds; how many there are.
///
/// # Errors
/// When the store cannot be written.
pub fn keep_on(store: &Path, now: i64) -> Result<usize> {
    const YEAR: i64 = 365 * 24 * 3600 * 1000;
    let db = Connection::open(store)?;
    have_subjects_expire(&db, now + YEAR, now)?;
    db.execute("UPDATE delivery SET expires_at = ?1 WHERE expires_at < ?2", [now + YEAR, now])
}

/// The subjects of all that have expired by `now` then expire at `end`, where the schema has them do so themselves.
fn have_subjects_expire(db: &Connection, end: i64, now: i64) -> Result<()> {
    let itself = "SELECT EXISTS (SELECT 1 FROM pragma_table_info('subject') WHERE name = 'expires_at')";
    if db.query_row(itself, [], |row| row.get(0))? {
        let those = "SELECT subject FROM delivery WHERE expires_at < ?2";
        db.execute(&format!("UPDATE subject SET expires_at = ?1 WHERE subject IN ({those})"), [end, now])?;
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
