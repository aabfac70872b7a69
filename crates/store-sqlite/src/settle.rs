//! What became of a message: transitions 6 to 10.

use std::time::Duration;

use meshhook_store::rules::Top;
use meshhook_store::{
    Attempt, Lease, MessageStatus, Moment, Negative, Outbox, Refused, Status, StoreError, SubjectKey, Take,
    Taken, rules,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::accept::pend;
use crate::changes::unhear;
use crate::fault::fault;
use crate::row::{message_status, millis, moment, moment_or_none, round, span, top_or_none};
use crate::{SqliteStore, freeze, subject};

impl Outbox for SqliteStore {
    fn take(&self, take: &Take<'_>) -> Result<Taken, StoreError> {
        self.write(|tx| freeze::take(tx, take))
    }

    fn settle(&self, message: i64, event_id: &str, attempt: &Attempt, now: Moment) -> Result<(), StoreError> {
        self.write(|tx| settle(tx, message, event_id, attempt, now))
    }

    fn postpone(&self, lease: &Lease, attempt: &Attempt, negative: &Negative) -> Result<bool, StoreError> {
        self.write(|tx| postpone(tx, lease, attempt, negative))
    }

    fn refuse(&self, lease: &Lease, attempt: &Attempt, now: Moment) -> Result<Refused, StoreError> {
        self.write(|tx| refuse(tx, lease, attempt, now))
    }

    fn give_up(&self, lease: &Lease, attempt: &Attempt, now: Moment) -> Result<bool, StoreError> {
        self.write(|tx| close(tx, lease, MessageStatus::Uncertain, attempt, now))
    }

    fn hand_over(&self, lease: &Lease, attempt: &Attempt, now: Moment) -> Result<bool, StoreError> {
        self.write(|tx| hand_over(tx, lease, attempt, now))
    }

    fn hold(&self, room: &str, why: Option<&str>, now: Moment) -> Result<(), StoreError> {
        self.write(|tx| match why {
            Some(why) => hold(tx, room, why, now),
            None => release(tx, room),
        })
    }

    fn hurry(&self, room: &str, now: Moment) -> Result<(), StoreError> {
        self.write(|tx| hurry(tx, room, now))
    }
}

fn settle(
    db: &Connection,
    id: i64,
    event_id: &str,
    attempt: &Attempt,
    now: Moment,
) -> Result<(), StoreError> {
    record(db, id, attempt)?;
    let Some(Settling { status, room, sender, related }) = message(db, id)? else { return Ok(()) };
    if status == MessageStatus::Sent {
        return Ok(());
    }
    db.prepare_cached("UPDATE message SET status = 'sent', event_id = ?2 WHERE id = ?1")
        .and_then(|mut s| s.execute(params![id, event_id]))
        .map_err(fault)?;
    let members = marks(db, id)?;
    for member in &members {
        let expires_at = member.expiry(now);
        db.prepare_cached(
            "UPDATE delivery SET status = 'in_message', expires_at = ?2, content = NULL, line = NULL, reason = NULL \
             WHERE seq = ?1",
        )
        .and_then(|mut s| s.execute(params![member.seq, expires_at.millis()]))
        .map_err(fault)?;
        member.raise(db, expires_at)?;
    }
    if let ([only], false) = (&members[..], related) {
        anchor(db, only, event_id, &room, &sender)?;
    }
    db.prepare_cached("UPDATE room SET last_event = ?2, last_sender = ?3 WHERE room = ?1")
        .and_then(|mut s| s.execute(params![room, event_id, sender]))
        .map_err(fault)?;
    if status == MessageStatus::Open { leave(db, &room, now) } else { Ok(()) }
}

/// A message that is about to be settled.
struct Settling {
    status: MessageStatus,
    room: String,
    sender: String,
    related: bool,
}

fn message(db: &Connection, id: i64) -> Result<Option<Settling>, StoreError> {
    db.prepare_cached("SELECT status, room, sender, relates_to IS NOT NULL FROM message WHERE id = ?1")
        .and_then(|mut s| {
            s.query_row([id], |row| {
                let status = message_status(&row.get::<_, String>(0)?);
                Ok(Settling { status, room: row.get(1)?, sender: row.get(2)?, related: row.get(3)? })
            })
            .optional()
        })
        .map_err(fault)
}

/// A subject's anchor is the event that shows it alone.
fn anchor(db: &Connection, shown: &Mark, event_id: &str, room: &str, sender: &str) -> Result<(), StoreError> {
    let Some((subject, (number, _))) = shown.subject.zip(shown.top) else { return Ok(()) };
    db.prepare_cached(
        "UPDATE subject SET anchor_event = ?2, anchor_room = ?3, anchor_sender = ?4, anchor_round = ?5 \
         WHERE subject = ?1",
    )
    .and_then(|mut s| s.execute(params![subject.0, event_id, room, sender, round(number)]))
    .map_err(fault)?;
    Ok(())
}

/// What the end of a delivery's mark is reckoned from, and what its subject then remembers.
struct Mark {
    seq: i64,
    received: Moment,
    event_time: Option<Moment>,
    keep: Duration,
    subject: Option<SubjectKey>,
    top: Option<Top>,
}

impl Mark {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: row.get(0)?,
            received: moment(row, 1)?,
            event_time: moment_or_none(row, 2)?,
            keep: span(row.get(3)?),
            subject: row.get::<_, Option<[u8; 32]>>(4)?.map(SubjectKey),
            top: top_or_none(row, 5)?,
        })
    }

    fn expiry(&self, now: Moment) -> Moment {
        rules::expiry(self.received, now, self.event_time, self.keep)
    }

    fn raise(&self, db: &Connection, expires_at: Moment) -> Result<(), StoreError> {
        let Some((subject, top)) = self.subject.zip(self.top) else { return Ok(()) };
        subject::raise(db, &subject, top, expires_at)
    }
}

const MARK: &str = "SELECT seq, received_at, event_time, keep, subject, round, rank FROM delivery";

fn marks(db: &Connection, message: i64) -> Result<Vec<Mark>, StoreError> {
    db.prepare_cached(&format!("{MARK} WHERE message = ?1 ORDER BY seq"))
        .and_then(|mut s| s.query_map([message], Mark::of)?.collect())
        .map_err(fault)
}

/// Gives a delivery its last status and its mark an end.
pub(crate) fn finish(db: &Connection, seq: i64, status: Status, now: Moment) -> Result<(), StoreError> {
    let mark = db
        .prepare_cached(&format!("{MARK} WHERE seq = ?1"))
        .and_then(|mut s| s.query_row([seq], Mark::of))
        .map_err(fault)?;
    let expires_at = mark.expiry(now);
    db.prepare_cached("UPDATE delivery SET status = ?2, expires_at = ?3 WHERE seq = ?1")
        .and_then(|mut s| s.execute(params![seq, status.as_str(), expires_at.millis()]))
        .map_err(fault)?;
    mark.raise(db, expires_at)
}

fn is_current(db: &Connection, lease: &Lease) -> Result<bool, StoreError> {
    db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM room JOIN message USING (room) WHERE room = ?1 AND gen = ?2 \
         AND message.id = ?3 AND status = 'open')",
    )
    .and_then(|mut s| s.query_row(params![lease.room, lease.generation, lease.message], |row| row.get(0)))
    .map_err(fault)
}

fn postpone(
    db: &Connection,
    lease: &Lease,
    attempt: &Attempt,
    negative: &Negative,
) -> Result<bool, StoreError> {
    record(db, lease.message, attempt)?;
    if !is_current(db, lease)? {
        return Ok(false);
    }
    if let Some(gate) = negative.gate {
        close_gate(db, lease.message, gate, attempt.at)?;
    }
    if let Some(reason) = &negative.hold {
        hold(db, &lease.room, reason, attempt.at)?;
    }
    db.prepare_cached("UPDATE room SET due = coalesce(?2, due) WHERE room = ?1")
        .and_then(|mut s| s.execute(params![lease.room, negative.due.map(Moment::millis)]))
        .map_err(fault)?;
    Ok(true)
}

/// Of several waits the longest holds; one that nobody can have meant does not.
fn close_gate(db: &Connection, message: i64, until: Moment, now: Moment) -> Result<(), StoreError> {
    let last = now.plus(rules::LONGEST_WAIT).millis();
    db.prepare_cached(
        "INSERT INTO gate SELECT sender, ?2 FROM message WHERE id = ?1 ON CONFLICT DO UPDATE \
         SET until = CASE WHEN until > ?3 THEN excluded.until ELSE max(until, excluded.until) END",
    )
    .and_then(|mut s| s.execute(params![message, until.millis(), last]))
    .map_err(fault)?;
    Ok(())
}

fn refuse(db: &Connection, lease: &Lease, attempt: &Attempt, now: Moment) -> Result<Refused, StoreError> {
    if !close(db, lease, MessageStatus::Refused, attempt, now)? {
        return Ok(Refused::Outdated);
    }
    let members = members(db, lease.message)?;
    let related = message(db, lease.message)?.is_some_and(|message| message.related);
    let refused = Refused::of(members.len(), related);
    let reason = attempt.errcode.as_ref().unwrap_or(&attempt.detail);
    db.prepare_cached(
        "UPDATE delivery SET status = 'parked', reason = ?2, refusals = refusals + 1, solo = 1, \
         unrelated = unrelated OR ?3 WHERE message = ?1",
    )
    .and_then(|mut s| s.execute(params![lease.message, reason, refused == Refused::Unrelated]))
    .map_err(fault)?;
    for seq in members {
        match refused {
            Refused::Parked => unhear(db, seq)?,
            _ => pend(db, seq, &lease.room, now)?,
        }
    }
    Ok(refused)
}

fn hand_over(db: &Connection, lease: &Lease, attempt: &Attempt, now: Moment) -> Result<bool, StoreError> {
    if !close(db, lease, MessageStatus::Refused, attempt, now)? {
        return Ok(false);
    }
    let members = members(db, lease.message)?;
    // Pending again is a step from there: no member is without a message that is open.
    db.prepare_cached(
        "UPDATE delivery SET status = 'parked', refusals = refusals + 1, speaker = NULL WHERE message = ?1",
    )
    .and_then(|mut s| s.execute([lease.message]))
    .map_err(fault)?;
    members.into_iter().try_for_each(|seq| pend(db, seq, &lease.room, now))?;
    Ok(true)
}

fn close(
    db: &Connection,
    lease: &Lease,
    status: MessageStatus,
    attempt: &Attempt,
    now: Moment,
) -> Result<bool, StoreError> {
    record(db, lease.message, attempt)?;
    if !is_current(db, lease)? {
        return Ok(false);
    }
    db.prepare_cached("UPDATE message SET status = ?2 WHERE id = ?1")
        .and_then(|mut s| s.execute(params![lease.message, status.as_str()]))
        .map_err(fault)?;
    leave(db, &lease.room, now)?;
    Ok(true)
}

/// The message in hand is done with: the room is free for its next one.
fn leave(db: &Connection, room: &str, now: Moment) -> Result<(), StoreError> {
    db.prepare_cached(
        "UPDATE room SET due = ?2, lease_until = ?2, hold = NULL, hold_since = NULL WHERE room = ?1",
    )
    .and_then(|mut s| s.execute(params![room, now.millis()]))
    .map_err(fault)?;
    Ok(())
}

fn members(db: &Connection, message: i64) -> Result<Vec<i64>, StoreError> {
    db.prepare_cached("SELECT seq FROM delivery WHERE message = ?1 ORDER BY seq")
        .and_then(|mut s| s.query_map([message], |row| row.get(0))?.collect())
        .map_err(fault)
}

fn hold(db: &Connection, room: &str, reason: &str, now: Moment) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO room (room, hold, hold_since) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE \
         SET hold = excluded.hold, hold_since = coalesce(hold_since, excluded.hold_since)",
    )
    .and_then(|mut s| s.execute(params![room, reason, now.millis()]))
    .map_err(fault)?;
    Ok(())
}

fn hurry(db: &Connection, room: &str, now: Moment) -> Result<(), StoreError> {
    db.prepare_cached(
        "UPDATE room SET due = min(due, ?2) WHERE room = ?1 AND hold IS NOT NULL \
         AND EXISTS (SELECT 1 FROM message m WHERE m.room = ?1 AND m.status = 'open')",
    )
    .and_then(|mut s| s.execute(params![room, now.millis()]))
    .map_err(fault)?;
    Ok(())
}

fn release(db: &Connection, room: &str) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE room SET hold = NULL, hold_since = NULL WHERE room = ?1")
        .and_then(|mut s| s.execute([room]))
        .map_err(fault)?;
    Ok(())
}

/// Keeps the first and the last attempts of a message.
fn record(db: &Connection, message: i64, attempt: &Attempt) -> Result<(), StoreError> {
    let before: Option<i64> = db
        .prepare_cached("SELECT attempts FROM message WHERE id = ?1")
        .and_then(|mut s| s.query_row([message], |row| row.get(0)).optional())
        .map_err(fault)?;
    let Some(made) = before.map(|before| before + 1) else { return Ok(()) };
    db.prepare_cached("UPDATE message SET attempts = ?2 WHERE id = ?1")
        .and_then(|mut s| s.execute([message, made]))
        .map_err(fault)?;
    db.prepare_cached("INSERT INTO attempt VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
        .and_then(|mut s| {
            s.execute(params![
                message,
                made,
                attempt.at.millis(),
                millis(attempt.took),
                attempt.result,
                attempt.http_status,
                attempt.errcode,
                attempt.detail,
            ])
        })
        .map_err(fault)?;
    let half = i64::try_from(rules::MAX_ATTEMPTS / 2).unwrap_or(i64::MAX);
    if made <= 2 * half {
        return Ok(());
    }
    db.prepare_cached("DELETE FROM attempt WHERE message = ?1 AND n > ?2 AND n <= ?3")
        .and_then(|mut s| s.execute(params![message, half, made - half]))
        .map_err(fault)?;
    Ok(())
}
