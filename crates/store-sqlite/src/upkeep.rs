//! Pin and purge: the identity's guard, transition 13, and bare marks.

use std::time::Duration;

use meshhook_store::{DedupeStore, Identity, Key, Moment, Pin, StoreError, SubjectKey, Upkeep, rules};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::fault::fault;
use crate::row::{millis, moment, moment_or_none};
use crate::{SqliteStore, keys, subject};

impl Upkeep for SqliteStore {
    fn pin(&self, identity: &Identity, now: Moment) -> Result<Pin, StoreError> {
        self.write(|tx| pin(tx, identity, now))
    }

    fn purge(&self, now: Moment, limit: usize) -> Result<usize, StoreError> {
        self.write(|tx| purge(tx, now, limit))
    }
}

impl DedupeStore for SqliteStore {
    fn first_time(&self, key: &Key, now: Moment, keep: Duration) -> Result<bool, StoreError> {
        self.write(|tx| {
            let marked = tx
                .prepare_cached(
                    "INSERT INTO mark VALUES (?1, ?2) ON CONFLICT DO UPDATE SET expires_at = excluded.expires_at \
                     WHERE expires_at <= ?3",
                )
                .and_then(|mut s| s.execute(params![key.0, now.plus(keep).millis(), now.millis()]))
                .map_err(fault)?;
            Ok(marked == 1)
        })
    }
}

fn pin(db: &Connection, identity: &Identity, now: Moment) -> Result<Pin, StoreError> {
    let pinned = db
        .query_row("SELECT user, device FROM identity", [], |row| {
            Ok(Identity { user: row.get(0)?, device: row.get(1)? })
        })
        .optional()
        .map_err(fault)?;
    if pinned.as_ref() == Some(identity) {
        return Ok(Pin::Ours);
    }
    if let Some(pinned) = pinned {
        let until = rules::believable(quiet_from(db)?.unwrap_or(now), rules::QUIET, now);
        if until > now {
            return Ok(Pin::Other { pinned, until });
        }
    }
    db.execute("INSERT OR REPLACE INTO identity VALUES (1, ?1, ?2)", params![identity.user, identity.device])
        .map_err(fault)?;
    Ok(Pin::Ours)
}

/// When no PUT of anybody can be under way any more.
fn quiet_from(db: &Connection) -> Result<Option<Moment>, StoreError> {
    db.query_row("SELECT max(taken_at + ?1) FROM room", [millis(rules::QUIET)], |row| moment_or_none(row, 0))
        .map_err(fault)
}

fn purge(db: &Connection, now: Moment, limit: usize) -> Result<usize, StoreError> {
    let expired: Vec<Gone> = db
        .prepare_cached(EXPIRED)
        .and_then(|mut s| s.query_map(params![now.millis(), limit], Gone::of)?.collect())
        .map_err(fault)?;
    expired.iter().try_for_each(|gone| remove(db, gone))?;
    let mut most = expired.len();
    for step in [MACHINES, MARKS, ENDINGS] {
        let gone = db
            .prepare_cached(step)
            .and_then(|mut s| s.execute(params![now.millis(), limit]))
            .map_err(fault)?;
        most = most.max(gone);
    }
    Ok(most.max(keys::purge(db, now, limit)?))
}

pub(crate) const EXPIRED: &str = "SELECT seq, message, subject, event_time, expires_at FROM delivery \
     WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2";
const MACHINES: &str = "DELETE FROM machine WHERE (grp, name) IN \
     (SELECT grp, name FROM machine WHERE expires_at < ?1 LIMIT ?2)";
const MARKS: &str = "DELETE FROM mark WHERE key IN (SELECT key FROM mark WHERE expires_at < ?1 LIMIT ?2)";

const ENDINGS: &str =
    "DELETE FROM ending WHERE branch IN (SELECT branch FROM ending WHERE expires_at < ?1 LIMIT ?2)";

/// A delivery that is to be forgotten, and what hangs on it.
struct Gone {
    seq: i64,
    message: Option<i64>,
    subject: Option<SubjectKey>,
    event_time: Option<i64>,
    expires_at: Option<i64>,
}

impl Gone {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: row.get(0)?,
            message: row.get(1)?,
            subject: row.get::<_, Option<[u8; 32]>>(2)?.map(SubjectKey),
            event_time: row.get(3)?,
            expires_at: row.get(4)?,
        })
    }
}

fn raise_forgotten(db: &Connection, event_time: i64) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO forgotten VALUES (1, ?1) ON CONFLICT DO UPDATE SET event_time = excluded.event_time \
         WHERE excluded.event_time > event_time",
    )
    .and_then(|mut s| s.execute([event_time]))
    .map_err(fault)?;
    Ok(())
}

/// The newest time in a body whose mark was forgotten.
pub(crate) fn forgotten(db: &Connection) -> Result<Option<Moment>, StoreError> {
    db.prepare_cached("SELECT event_time FROM forgotten")
        .and_then(|mut s| s.query_row([], |row| moment(row, 0)).optional())
        .map_err(fault)
}

/// Removes a delivery, and with the last of them its message and its subject.
pub(crate) fn forget(db: &Connection, seq: i64) -> Result<(), StoreError> {
    let gone = db
        .prepare_cached("SELECT seq, message, subject, event_time, expires_at FROM delivery WHERE seq = ?1")
        .and_then(|mut s| s.query_row([seq], Gone::of).optional())
        .map_err(fault)?;
    gone.map_or(Ok(()), |gone| remove(db, &gone))
}

fn remove(db: &Connection, gone: &Gone) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM delivery WHERE seq = ?1")
        .and_then(|mut s| s.execute([gone.seq]))
        .map_err(fault)?;
    if let Some(event_time) = gone.event_time {
        raise_forgotten(db, event_time)?;
    }
    if let Some(message) = gone.message {
        leave_message(db, message)?;
    }
    gone.subject.as_ref().map_or(Ok(()), |subject| subject::leave(db, subject, gone.expires_at))
}

/// Removes a message that has lost its last member.
pub(crate) fn leave_message(db: &Connection, message: i64) -> Result<(), StoreError> {
    db.prepare_cached(
        "DELETE FROM message WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM delivery WHERE message = ?1)",
    )
    .and_then(|mut s| s.execute([message]))
    .map_err(fault)?;
    Ok(())
}
