//! Freeze and take over: transitions 2 and 3.

use meshhook_store::{Content, Draft, Frozen, Key, Lease, Message, Moment, StoreError, Take, Taken, rules};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::fault::fault;
use crate::row::moment;

struct Room {
    due: Moment,
    owner: String,
    generation: u64,
    lease_until: Moment,
    held: bool,
    last_event: Option<String>,
    last_sender: Option<String>,
    open: Option<i64>,
}

/// The message in hand, or the next one. The caller's transaction makes both the lease and the message durable.
pub(crate) fn take(db: &Connection, take: &Take<'_>) -> Result<Taken, StoreError> {
    if !is_pinned(db, take)? {
        return Ok(Taken::NotPinned);
    }
    if let Some(until) = gate(db, &take.identity.user, take.now)? {
        return Ok(Taken::Nothing { until: Some(until) });
    }
    let Some(room) = room(db, take.room)? else { return Ok(Taken::Nothing { until: None }) };
    let due = rules::clamp_wait(room.due, take.now);
    if let Some(open) = room.open {
        if room.owner != take.owner && room.lease_until > take.now {
            return Ok(Taken::Nothing { until: Some(room.lease_until) });
        }
        return if due > take.now {
            Ok(Taken::Nothing { until: Some(due) })
        } else {
            hand_out(db, take, &room, open, false)
        };
    }
    match oldest(db, take.room)? {
        Some(oldest) if !room.held && due <= take.now => {
            let message = freeze(db, take, &room, oldest)?;
            hand_out(db, take, &room, message, true)
        }
        Some(_) if !room.held => Ok(Taken::Nothing { until: Some(due) }),
        _ => Ok(Taken::Nothing { until: None }),
    }
}

fn is_pinned(db: &Connection, take: &Take<'_>) -> Result<bool, StoreError> {
    db.prepare_cached("SELECT user = ?1 AND device IS ?2 FROM identity")
        .and_then(|mut s| {
            s.query_row(params![take.identity.user, take.identity.device], |row| row.get(0)).optional()
        })
        .map(|same| same.unwrap_or(false))
        .map_err(fault)
}

fn gate(db: &Connection, sender: &str, now: Moment) -> Result<Option<Moment>, StoreError> {
    let until = db
        .prepare_cached("SELECT until FROM gate WHERE sender = ?1")
        .and_then(|mut s| s.query_row([sender], |row| moment(row, 0)).optional())
        .map_err(fault)?;
    Ok(until.map(|until| rules::clamp_wait(until, now)).filter(|until| *until > now))
}

fn room(db: &Connection, room: &str) -> Result<Option<Room>, StoreError> {
    db.prepare_cached(
        "SELECT due, owner, gen, lease_until, hold IS NOT NULL, last_event, last_sender, \
         (SELECT id FROM message WHERE room = ?1 AND status = 'open') FROM room WHERE room = ?1",
    )
    .and_then(|mut s| {
        s.query_row([room], |row| {
            Ok(Room {
                due: moment(row, 0)?,
                owner: row.get(1)?,
                generation: row.get(2)?,
                lease_until: moment(row, 3)?,
                held: row.get(4)?,
                last_event: row.get(5)?,
                last_sender: row.get(6)?,
                open: row.get(7)?,
            })
        })
        .optional()
    })
    .map_err(fault)
}

struct Member {
    seq: i64,
    key: Key,
    content: Content,
    refusals: u32,
}

fn oldest(db: &Connection, room: &str) -> Result<Option<Member>, StoreError> {
    db.prepare_cached(
        "SELECT seq, key, content, line, notify, refusals FROM delivery WHERE room = ?1 AND status = 'pending' \
         ORDER BY seq LIMIT 1",
    )
    .and_then(|mut s| s.query_row([room], member).optional())
    .map_err(fault)
}

fn member(row: &Row<'_>) -> rusqlite::Result<Member> {
    Ok(Member {
        seq: row.get(0)?,
        key: Key(row.get(1)?),
        content: Content { content: row.get(2)?, line: row.get(3)?, notify: row.get(4)? },
        refusals: row.get(5)?,
    })
}

fn freeze(db: &Connection, take: &Take<'_>, room: &Room, member: Member) -> Result<i64, StoreError> {
    let draft = Draft {
        room: take.room.to_owned(),
        sender: take.identity.user.clone(),
        keys: vec![member.key],
        contents: vec![member.content],
        refused_before: member.refusals,
    };
    let Frozen { txn, body } = (take.freeze)(&draft);
    let id = db
        .prepare_cached(
            "INSERT INTO message (room, sender, txn, body, prev_event, prev_sender, frozen_at, frozen_by, session, \
             status) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'open')",
        )
        .and_then(|mut s| {
            s.insert(params![
                draft.room,
                draft.sender,
                txn,
                body,
                room.last_event,
                room.last_sender,
                take.now.millis(),
                take.owner,
                take.session,
            ])
        })
        .map_err(fault)?;
    db.prepare_cached("UPDATE delivery SET status = 'in_message', message = ?2 WHERE seq = ?1")
        .and_then(|mut s| s.execute([member.seq, id]))
        .map_err(fault)?;
    Ok(id)
}

fn hand_out(
    db: &Connection,
    take: &Take<'_>,
    room: &Room,
    id: i64,
    fresh: bool,
) -> Result<Taken, StoreError> {
    let generation = room.generation + 1;
    db.prepare_cached(
        "UPDATE room SET gen = ?2, owner = ?3, lease_until = ?4, taken_at = ?5 WHERE room = ?1",
    )
    .and_then(|mut s| {
        let lease_until = take.now.plus(rules::LEASE).millis();
        s.execute(params![take.room, generation, take.owner, lease_until, take.now.millis()])
    })
    .map_err(fault)?;
    let lease = Lease { room: take.room.to_owned(), generation, message: id };
    Ok(Taken::Message { lease, message: Box::new(message(db, id)?), fresh })
}

fn message(db: &Connection, id: i64) -> Result<Message, StoreError> {
    db.prepare_cached(
        "SELECT room, sender, txn, body, prev_event, prev_sender, frozen_at, frozen_by, session, attempts \
         FROM message WHERE id = ?1",
    )
    .and_then(|mut s| {
        s.query_row([id], |row| {
            Ok(Message {
                id,
                room: row.get(0)?,
                sender: row.get(1)?,
                txn: row.get(2)?,
                body: row.get(3)?,
                prev_event: row.get(4)?,
                prev_sender: row.get(5)?,
                frozen_at: moment(row, 6)?,
                frozen_by: row.get(7)?,
                session: row.get(8)?,
                attempts: row.get(9)?,
            })
        })
    })
    .map_err(fault)
}
