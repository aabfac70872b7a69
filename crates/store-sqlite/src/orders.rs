//! What an operator orders: transitions 11 and 12.

use meshhook_store::rules::{self, Comparison, Verdict};
use meshhook_store::{
    Accepted, ActError, Announcement, Moment, NewDelivery, Outcome, Purport, Status, StoreError,
};
use rusqlite::{Connection, params};

use crate::accept::{name_machine, overtaken, pend, render, revive, room_of, seen_again};
use crate::changes::{compare, remember, silence, unhear};
use crate::entry::{Entry, Said};
use crate::fault::fault;
use crate::row::{Known, answer, by_id, by_key};
use crate::settle::finish;
use crate::subject::top_of;

fn find(db: &Connection, id: &str) -> Result<Known, ActError> {
    by_id(db, id)?.ok_or(ActError::Unknown)
}

pub(crate) fn retry(db: &Connection, id: &str, force: bool, now: Moment) -> Result<Accepted, ActError> {
    let known = find(db, id)?;
    let was_in_message = known.message.is_some() || known.refusals > 0;
    if !known.has_content || !rules::may_retry(known.status, force, was_in_message) {
        return Err(ActError::Conflict(known.status));
    }
    match known.message.filter(|_| known.status == Status::Uncertain) {
        None => owe_again(db, id, now)?,
        Some(message) => write_off(db, message)?.iter().try_for_each(|member| owe_again(db, member, now))?,
    }
    let superseded = find(db, id)?.status == Status::Superseded;
    Ok(answer(db, known.seq, if superseded { Outcome::Superseded } else { Outcome::Accepted })?)
}

/// An operator decided that an uncertain message is not in the room: its members are free again, each alone. A key is
/// in one message at most that may be in the room.
fn write_off(db: &Connection, message: i64) -> Result<Vec<String>, StoreError> {
    db.execute("UPDATE message SET status = 'refused' WHERE id = ?1", [message]).map_err(fault)?;
    let mut free = db
        .prepare(
            "UPDATE delivery SET refusals = refusals + 1, solo = 1 WHERE message = ?1 AND status = 'in_message' \
             RETURNING id",
        )
        .map_err(fault)?;
    let members = free.query_map([message], |row| row.get(0)).map_err(fault)?;
    members.collect::<Result<_, _>>().map_err(fault)
}

fn owe_again(db: &Connection, id: &str, now: Moment) -> Result<(), ActError> {
    let known = find(db, id)?;
    let Some(subject) = known.subject else { return Err(ActError::Conflict(known.status)) };
    match rules::judge(None, top_of(db, &subject)?, known.top, true) {
        Verdict::Superseded => finish(db, known.seq, Status::Superseded, now)?,
        _ => pend(db, known.seq, &room_of(db, known.seq)?, now)?,
    }
    Ok(())
}

pub(crate) fn readmit(
    db: &Connection,
    id: &str,
    again: &NewDelivery,
    now: Moment,
) -> Result<Accepted, ActError> {
    let known = find(db, id)?;
    if !known.has_raw || !rules::may_reread(known.status) {
        return Err(ActError::Conflict(known.status));
    }
    name_machine(db, again, now)?;
    let seq = known.seq;
    Ok(match &again.purport {
        Purport::Announce(a) => announce_again(db, seq, again, a, now)?,
        Purport::Ignored(reason) => put_aside(db, seq, Status::Ignored, reason, Outcome::Ignored)?,
        Purport::Unreadable(reason) => put_aside(db, seq, Status::Unreadable, reason, Outcome::Unreadable)?,
    })
}

fn put_aside(
    db: &Connection,
    seq: i64,
    status: Status,
    reason: &str,
    outcome: Outcome,
) -> Result<Accepted, StoreError> {
    db.execute(
        "UPDATE delivery SET status = ?2, reason = ?3 WHERE seq = ?1",
        params![seq, status.as_str(), reason],
    )
    .map_err(fault)?;
    answer(db, seq, outcome)
}

fn announce_again(
    db: &Connection,
    seq: i64,
    again: &NewDelivery,
    a: &Announcement,
    now: Moment,
) -> Result<Accepted, StoreError> {
    let known = by_key(db, &a.key)?;
    let top = top_of(db, &a.subject)?;
    let verdict = rules::judge(known.as_ref().map(|k| k.status), top, (a.round, a.rank), true);
    if let Some(first) = known {
        put_aside(db, seq, Status::Ignored, "duplicate", Outcome::Ignored)?;
        return match verdict {
            Verdict::Revive => revive(db, first.seq, a, now),
            Verdict::Superseded => overtaken(db, first.seq, now),
            _ => seen_again(db, first),
        };
    }
    let superseded = verdict == Verdict::Superseded;
    let found = if superseded { Comparison::default() } else { compare(db, a, now)? };
    remember(db, a, &found)?;
    let said = Said { a, news: found.news, content: Some(render(db, a, found.news)?) };
    Entry::new(again, &a.key, Status::Pending).saying(said).reread(db, seq)?;
    if superseded {
        finish(db, seq, Status::Superseded, now)?;
        return answer(db, seq, Outcome::Superseded);
    }
    if let Some(reason) = found.silent {
        return silence(db, seq, &reason, now);
    }
    pend(db, seq, &a.room, now)?;
    answer(db, seq, Outcome::Accepted)
}

pub(crate) fn discard(db: &Connection, id: &str, now: Moment) -> Result<(), ActError> {
    let known = find(db, id)?;
    if !rules::may_discard(known.status) {
        return Err(ActError::Conflict(known.status));
    }
    unhear(db, known.seq)?;
    Ok(finish(db, known.seq, Status::Dropped, now)?)
}
