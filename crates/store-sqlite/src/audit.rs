//! Long looks, each on a connection of its own: every row against the invariants, and what is in a room.

use std::path::Path;

use meshhook_store::audit::{Audit, Auditor, Carried, Carrier, DeliveryRow, Invariant, LookedAt, MessageRow};
use meshhook_store::{Key, MessageStatus, Said, StoreError};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};

use crate::fault::fault;
use crate::row::{moment, top_or_none};

/// Walks through the file at `path`. Writers go on; the log grows until the walk is over.
pub(crate) fn audit(path: &Path, carried: &dyn Fn(&str) -> Option<Vec<Key>>) -> Result<Audit, StoreError> {
    let mut connection = reading(path)?;
    let snapshot = connection.transaction().map_err(fault)?;
    let mut auditor = Auditor::default();
    walk(&snapshot, DELIVERIES, |row| delivery(&mut auditor, row))?;
    walk(&snapshot, MESSAGES, |row| message(&snapshot, &mut auditor, row, carried))?;
    for (invariant, breaches) in OTHERS {
        walk(&snapshot, breaches, |row| {
            auditor.report(invariant, row.get(0)?);
            Ok(())
        })?;
    }
    Ok(auditor.finish(looked_at(&snapshot).map_err(fault)?))
}

/// A connection for a long look: the one for views would keep others waiting.
pub(crate) fn reading(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).map_err(fault)
}

/// The newest messages of a room that are sent.
pub(crate) fn said(path: &Path, room: &str, limit: usize) -> Result<Vec<Said>, StoreError> {
    let mut connection = reading(path)?;
    let snapshot = connection.transaction().map_err(fault)?;
    snapshot
        .prepare(
            "SELECT id, event_id, sender FROM message WHERE room = ?1 AND status = 'sent' AND event_id IS NOT NULL \
             ORDER BY id DESC LIMIT ?2",
        )
        .and_then(|mut s| {
            let said = |row: &Row<'_>| {
                let message = row.get(0)?;
                let keys = members(&snapshot, message)?;
                Ok(Said { message, event_id: row.get(1)?, sender: row.get(2)?, keys })
            };
            s.query_map(params![room, limit], said)?.collect()
        })
        .map_err(fault)
}

/// Row by row, so that no more than one is in memory.
fn walk(
    db: &Connection,
    query: &str,
    mut look: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> Result<(), StoreError> {
    db.prepare(query)
        .and_then(|mut s| {
            let mut rows = s.query([])?;
            while let Some(row) = rows.next()? {
                look(row)?;
            }
            Ok(())
        })
        .map_err(fault)
}

/// What came after something that is owed may be final, and then no index finds it by its subject.
const DELIVERIES: &str = "WITH said AS MATERIALIZED ( \
         SELECT l.subject, l.room, l.seq, l.round, l.rank FROM delivery l JOIN message lm ON lm.id = l.message \
         WHERE l.status = 'in_message' AND lm.status <> 'refused' AND l.subject IN ( \
             SELECT subject FROM delivery WHERE expires_at IS NULL AND subject IS NOT NULL)) \
     SELECT d.id, d.status, d.round, d.rank, s.round, s.rank, \
     d.content IS NOT NULL AND d.line IS NOT NULL, r.room IS NOT NULL, d.expires_at IS NOT NULL, \
     d.message IS NOT NULL, m.status, m.room IS d.room, d.status = 'pending' AND d.rank < 2 AND EXISTS ( \
         SELECT 1 FROM said l WHERE l.subject = d.subject AND l.room = d.room AND l.seq > d.seq \
         AND (l.round, l.rank) > (d.round, d.rank)) \
     FROM delivery d LEFT JOIN message m ON m.id = d.message LEFT JOIN subject s ON s.subject = d.subject \
     LEFT JOIN room r ON r.room = d.room ORDER BY d.seq";

fn delivery(auditor: &mut Auditor, row: &Row<'_>) -> rusqlite::Result<()> {
    let (id, status): (String, String) = (row.get(0)?, row.get(1)?);
    let Ok(status) = status.parse() else {
        auditor.report(Invariant::TablesAgree, format!("delivery {id} has the status {status:?}"));
        return Ok(());
    };
    let carrier = Carrier {
        status: row.get::<_, Option<String>>(10)?.and_then(|word| known(&word)),
        same_room: row.get(11)?,
    };
    auditor.delivery(&DeliveryRow {
        id: &id,
        status,
        top: top_or_none(row, 2)?,
        subject_top: top_or_none(row, 4)?,
        has_content: row.get(6)?,
        has_room: row.get(7)?,
        has_end: row.get(8)?,
        message: row.get::<_, bool>(9)?.then_some(carrier),
        is_overtaken: row.get::<_, Option<bool>>(12)?.unwrap_or(false),
    });
    Ok(())
}

const MESSAGES: &str =
    "SELECT id, room, status, frozen_at, event_id IS NOT NULL, body FROM message ORDER BY id";

fn message(
    db: &Connection,
    auditor: &mut Auditor,
    row: &Row<'_>,
    carried: &dyn Fn(&str) -> Option<Vec<Key>>,
) -> rusqlite::Result<()> {
    let (id, room, status): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let Some(status) = known(&status) else {
        auditor.report(Invariant::TablesAgree, format!("message {id} has the status {status:?}"));
        return Ok(());
    };
    let keys = carried(row.get_ref(5)?.as_str()?);
    auditor.message(&MessageRow {
        id,
        room: &room,
        status,
        frozen_at: moment(row, 3)?,
        has_event: row.get(4)?,
        members: members(db, id)?,
        carried: keys.map(|keys| keys.into_iter().map(|key| whereabouts(db, key)).collect()).transpose()?,
    });
    Ok(())
}

fn known(word: &str) -> Option<MessageStatus> {
    MessageStatus::ALL.into_iter().find(|status| status.as_str() == word)
}

fn members(db: &Connection, message: i64) -> rusqlite::Result<Vec<Key>> {
    db.prepare_cached("SELECT key FROM delivery WHERE message = ?1 ORDER BY seq")?
        .query_map([message], |row| row.get(0).map(Key))?
        .collect()
}

fn whereabouts(db: &Connection, key: Key) -> rusqlite::Result<Carried> {
    let delivery = db
        .prepare_cached("SELECT message, received_at FROM delivery WHERE key = ?1")?
        .query_row([key.0], |row| Ok((row.get(0)?, moment(row, 1)?)))
        .optional()?;
    Ok(Carried { key, delivery })
}

/// What no row shows by itself.
const OTHERS: [(Invariant, &str); 3] = [
    (
        Invariant::OnRecord,
        "SELECT DISTINCT 'message ' || message || ' has attempts and is not on record' FROM attempt \
         WHERE message NOT IN (SELECT id FROM message)",
    ),
    (
        Invariant::TablesAgree,
        "SELECT 'subject ' || lower(hex(subject)) || ' has no deliveries' FROM subject s \
         WHERE subject NOT IN (SELECT subject FROM delivery WHERE subject IS NOT NULL)",
    ),
    (
        Invariant::TablesAgree,
        "SELECT 'the file: ' || integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
    ),
];

const SUBJECTS: &str = "(SELECT subject FROM subject UNION \
     SELECT subject FROM delivery WHERE expires_at IS NULL AND subject IS NOT NULL)";

fn looked_at(db: &Connection) -> rusqlite::Result<LookedAt> {
    let count = |table| db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0));
    Ok(LookedAt {
        attempts: count("attempt")?,
        subjects: count(SUBJECTS)?,
        rooms: count("room")?,
        ..LookedAt::default()
    })
}
