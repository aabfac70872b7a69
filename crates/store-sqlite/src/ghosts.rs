//! The users that machines speak as.

use meshhook_store::{Enrolled, GhostView, Ghosts, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

use crate::SqliteStore;
use crate::fault::fault;

impl Ghosts for SqliteStore {
    fn enrol(&self, user: &str, room: &str, device: &str, most: usize) -> Result<Enrolled, StoreError> {
        if known(&self.reader(), user, room, device)? == Some(true) {
            return Ok(Enrolled::Ready);
        }
        self.write(|tx| enrol(tx, user, room, device, most))
    }

    fn set_ready(&self, user: &str, room: &str, ready: bool) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.prepare_cached("UPDATE ghost SET joined = ?3 WHERE sender = ?1 AND room = ?2")
                .and_then(|mut s| s.execute(params![user, room, ready]))
                .map(|_| ())
                .map_err(fault)
        })
    }

    fn ghosts(&self) -> Result<Vec<GhostView>, StoreError> {
        ghosts(&self.reader())
    }
}

pub(crate) fn ghosts(db: &Connection) -> Result<Vec<GhostView>, StoreError> {
    db.prepare_cached("SELECT sender, room, joined FROM ghost ORDER BY sender, room")
        .and_then(|mut s| {
            let view = |row: &rusqlite::Row<'_>| {
                Ok(GhostView { user: row.get(0)?, room: row.get(1)?, ready: row.get(2)? })
            };
            s.query_map([], view)?.collect()
        })
        .map_err(fault)
}

/// Whether a user with that device is on record as able to send in a room; nothing where it is not on record.
fn known(db: &Connection, user: &str, room: &str, device: &str) -> Result<Option<bool>, StoreError> {
    db.prepare_cached("SELECT joined FROM ghost WHERE sender = ?1 AND room = ?2 AND device = ?3")
        .and_then(|mut s| s.query_row(params![user, room, device], |row| row.get(0)).optional())
        .map_err(fault)
}

fn enrol(db: &Connection, user: &str, room: &str, device: &str, most: usize) -> Result<Enrolled, StoreError> {
    if let Some(ready) = known(db, user, room, device)? {
        return Ok(if ready { Enrolled::Ready } else { Enrolled::Unready });
    }
    let (others, is_new): (usize, bool) = db
        .prepare_cached(
            "SELECT count(DISTINCT sender), NOT EXISTS (SELECT 1 FROM ghost WHERE sender = ?1) FROM ghost \
             WHERE sender <> ?1",
        )
        .and_then(|mut s| s.query_row([user], |row| Ok((row.get(0)?, row.get(1)?))))
        .map_err(fault)?;
    if is_new && others >= most {
        return Ok(Enrolled::TooMany);
    }
    db.prepare_cached(
        "INSERT INTO ghost (sender, room, device, joined) VALUES (?1, ?2, ?3, 0) \
         ON CONFLICT DO UPDATE SET device = excluded.device, joined = 0",
    )
    .and_then(|mut s| s.execute(params![user, room, device]))
    .map_err(fault)?;
    Ok(Enrolled::Unready)
}
