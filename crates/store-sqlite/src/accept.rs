//! Accept: transition 1, a batch a transaction, a savepoint each.

use std::time::Duration;

use meshhook_store::rules::{self, Comparison, Verdict};
use meshhook_store::{
    Accepted, Announcement, Background, Content, Freshness, GroupKey, Intake, Key, Machine, Moment,
    NewDelivery, News, Outcome, Purport, Status, StoreError, SubjectKey,
};
use rusqlite::{Connection, Transaction, params};

use crate::SqliteStore;
use crate::aside::set_aside;
use crate::backlog::Backlog;
use crate::changes::{compare, news_of, silence};
use crate::fault::fault;
use crate::keys::{Shown, Uses};
use crate::nodes;
use crate::row::{self, answer, by_key, millis, top_of};
use crate::settle::finish;
use crate::upkeep::forgotten;

impl Intake for SqliteStore {
    fn is_durable(&self) -> bool {
        true
    }

    fn accept(
        &self,
        batch: Vec<NewDelivery>,
        now: Moment,
    ) -> Result<Vec<Result<Accepted, StoreError>>, StoreError> {
        let mut backlog = self.backlog();
        let mut bounds = Bounds { backlog: &mut backlog, evicted: 0 };
        let answers = self.write(|tx| accept_all(tx, batch, now, &mut bounds))?;
        self.evicted.fetch_add(bounds.evicted, std::sync::atomic::Ordering::Relaxed);
        Ok(answers)
    }
}

/// What keeps the store from growing without end.
struct Bounds<'a> {
    backlog: &'a mut Backlog,
    /// How many kept deliveries had to make room for newer ones.
    evicted: u64,
}

fn accept_all(
    tx: &Transaction<'_>,
    batch: Vec<NewDelivery>,
    now: Moment,
    bounds: &mut Bounds<'_>,
) -> Result<Vec<Result<Accepted, StoreError>>, StoreError> {
    let mut uses = Uses::default();
    let one = |new| {
        let shown = Shown::by(&new);
        let answer = in_savepoint(tx, |db| accept(db, new, now, bounds))?;
        Ok(answer.inspect(|accepted| uses.add(shown, accepted)))
    };
    let answers = batch.into_iter().map(one).collect::<Result<_, StoreError>>()?;
    uses.note(tx)?;
    Ok(answers)
}

/// The inner error is the entry's, which left nothing behind; the outer one is the whole transaction's: a full disk
/// makes SQLite roll all of it back.
fn in_savepoint<T>(
    tx: &Transaction<'_>,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<Result<T, StoreError>, StoreError> {
    run(tx, "SAVEPOINT entry")?;
    let done = work(tx);
    if let Err(why) = &done {
        run(tx, "ROLLBACK TO entry").map_err(|_| why.clone())?;
    }
    run(tx, "RELEASE entry")?;
    Ok(done)
}

fn run(db: &Connection, statement: &str) -> Result<(), StoreError> {
    db.prepare_cached(statement).and_then(|mut s| s.execute([])).map(|_| ()).map_err(fault)
}

fn accept(
    db: &Connection,
    mut new: NewDelivery,
    now: Moment,
    bounds: &mut Bounds<'_>,
) -> Result<Accepted, StoreError> {
    if let Some(machine) = new.machine.take() {
        name_machine(db, &machine, new.retention, now)?;
    }
    let answer = match std::mem::replace(&mut new.purport, Purport::Ignored(String::new())) {
        Purport::Announce(a) => announce(db, &new, &a, now, bounds),
        Purport::Ignored(reason) => set_aside(db, &new, Status::Ignored, &reason, &mut bounds.evicted),
        Purport::Unreadable(reason) => set_aside(db, &new, Status::Unreadable, &reason, &mut bounds.evicted),
    }?;
    nodes::note(db, &new, &answer)?;
    Ok(answer)
}

fn announce(
    db: &Connection,
    new: &NewDelivery,
    a: &Announcement,
    now: Moment,
    bounds: &mut Bounds<'_>,
) -> Result<Accepted, StoreError> {
    let known = by_key(db, &a.key)?;
    let top = top_of(db, &a.subject)?;
    let fresh = rules::is_fresh(a.freshness, now, new.retention, forgotten(db)?);
    match (rules::judge(known.as_ref().map(|k| k.status), top, (a.round, a.rank), fresh), known) {
        (Verdict::Duplicate, Some(known)) => seen_again(db, known.seq),
        (Verdict::Revive, Some(known)) => revive(db, known.seq, a, now),
        (Verdict::Superseded, known) => {
            let seq = known.map_or_else(|| enter(db, new, a, None), |known| see(db, known.seq))?;
            finish(db, seq, Status::Superseded, now)?;
            answer(db, seq, Outcome::Superseded)
        }
        (Verdict::Stale, _) => set_aside(db, new, Status::Stale, "stale", &mut bounds.evicted),
        _ => owe(db, new, a, now, bounds),
    }
}

/// Takes in what is to be said, unless its source is to be heard of changes alone and it is none.
fn owe(
    db: &Connection,
    new: &NewDelivery,
    a: &Announcement,
    now: Moment,
    bounds: &mut Bounds<'_>,
) -> Result<Accepted, StoreError> {
    let Comparison { news, silent, .. } = compare(db, a, now)?;
    if let Some(reason) = silent {
        let seq = enter(db, new, a, news)?;
        return silence(db, seq, a, &reason, now);
    }
    bounds.backlog.take_in(db, &a.room)?;
    let seq = enter(db, new, a, news)?;
    pend(db, seq, &a.subject, (a.round, a.rank), &a.room, now)?;
    answer(db, seq, Outcome::Accepted)
}

fn see(db: &Connection, seq: i64) -> Result<i64, StoreError> {
    db.prepare_cached("UPDATE delivery SET seen = seen + 1 WHERE seq = ?1")
        .and_then(|mut s| s.execute([seq]))
        .map_err(fault)?;
    Ok(seq)
}

pub(crate) fn seen_again(db: &Connection, seq: i64) -> Result<Accepted, StoreError> {
    answer(db, see(db, seq)?, Outcome::Duplicate)
}

pub(crate) fn revive(
    db: &Connection,
    seq: i64,
    a: &Announcement,
    now: Moment,
) -> Result<Accepted, StoreError> {
    let Content { content, line, notify, speaker } = render(db, a, news_of(db, seq)?)?;
    db.prepare_cached(
        "UPDATE delivery SET seen = seen + 1, solo = 0, content = ?2, line = ?3, notify = ?4, \
         speaker = ?5 WHERE seq = ?1",
    )
    .and_then(|mut s| s.execute(params![seq, content, line, notify, speaker]))
    .map_err(fault)?;
    let room = room_of(db, seq)?;
    pend(db, seq, &a.subject, (a.round, a.rank), &room, now)?;
    answer(db, seq, Outcome::Accepted)
}

pub(crate) fn room_of(db: &Connection, seq: i64) -> Result<String, StoreError> {
    db.prepare_cached("SELECT room FROM delivery WHERE seq = ?1")
        .and_then(|mut s| s.query_row([seq], |row| row.get(0)))
        .map_err(fault)
}

pub(crate) fn name_machine(
    db: &Connection,
    machine: &Machine,
    retention: Duration,
    now: Moment,
) -> Result<(), StoreError> {
    let expires_at = now.plus(rules::keep(Freshness::Signed, retention));
    db.prepare_cached(
        "INSERT INTO machine (grp, name, expires_at) \
         SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM machine WHERE grp = ?1 AND name = ?2) \
         OR (SELECT count(*) FROM machine WHERE grp = ?1) < ?4 \
         ON CONFLICT DO UPDATE SET expires_at = max(expires_at, excluded.expires_at)",
    )
    .and_then(|mut s| {
        s.execute(params![machine.group.0, machine.name, expires_at.millis(), rules::MAX_MACHINES])
    })
    .map_err(fault)?;
    Ok(())
}

fn render(db: &Connection, a: &Announcement, news: Option<News>) -> Result<Content, StoreError> {
    Ok((a.render)(&Background { machines: &machines(db, &a.group)?, news }))
}

fn machines(db: &Connection, group: &GroupKey) -> Result<Vec<String>, StoreError> {
    db.prepare_cached("SELECT name FROM machine WHERE grp = ?1 ORDER BY name")
        .and_then(|mut s| s.query_map([group.0], |row| row.get(0))?.collect())
        .map_err(fault)
}

fn enter(
    db: &Connection,
    new: &NewDelivery,
    a: &Announcement,
    news: Option<News>,
) -> Result<i64, StoreError> {
    let seq = insert(db, new, &a.key, Status::Pending)?;
    fill(db, seq, new, a, news)?;
    Ok(seq)
}

/// Inserts what every delivery has.
pub(crate) fn insert(
    db: &Connection,
    new: &NewDelivery,
    key: &Key,
    status: Status,
) -> Result<i64, StoreError> {
    let f = &new.facts;
    db.prepare_cached(
        "INSERT INTO delivery (id, key, source, status, received_at, keep, state, outcome, workflow, job, repo, \
         run_id, node, correlation_id, verified_by, request_id, branch) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
    )
    .and_then(|mut s| {
        s.insert(params![
            new.id,
            key.0,
            new.source,
            status.as_str(),
            new.received_at.millis(),
            millis(new.retention),
            f.state,
            f.outcome,
            f.workflow,
            f.job,
            f.repo,
            f.run_id,
            f.node,
            f.correlation_id,
            f.verified_by,
            f.request_id,
            f.branch,
        ])
    })
    .map_err(fault)
}

/// Adds what an announcement has beyond that.
pub(crate) fn fill(
    db: &Connection,
    seq: i64,
    new: &NewDelivery,
    a: &Announcement,
    news: Option<News>,
) -> Result<(), StoreError> {
    let Content { content, line, notify, speaker } = render(db, a, news)?;
    let event_time = if let Freshness::Body(newest) = a.freshness { Some(newest.millis()) } else { None };
    db.prepare_cached(
        "UPDATE delivery SET key = ?2, subject = ?3, round = ?4, rank = ?5, room = ?6, notify = ?7, content = ?8, \
         line = ?9, event_time = ?10, keep = ?11, news = ?12, news_since = ?13, news_at = ?14, \
         speaker = ?15, raw = NULL, reason = NULL WHERE seq = ?1",
    )
    .and_then(|mut s| {
        s.execute(params![
            seq,
            a.key.0,
            a.subject.0,
            row::round(a.round),
            a.rank.number(),
            a.room,
            notify,
            content,
            line,
            event_time,
            millis(rules::keep(a.freshness, new.retention)),
            news.map(|news| news.trend.as_str()),
            news.map(|news| news.since.millis()),
            news.map(|news| news.at.millis()),
            speaker,
        ])
    })
    .map_err(fault)?;
    Ok(())
}

/// Puts a delivery into the queue of its room and raises its subject's top.
pub(crate) fn pend(
    db: &Connection,
    seq: i64,
    subject: &SubjectKey,
    top: rules::Top,
    room: &str,
    now: Moment,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "UPDATE delivery SET status = 'pending', reason = NULL, expires_at = NULL WHERE seq = ?1",
    )
    .and_then(|mut s| s.execute([seq]))
    .map_err(fault)?;
    raise(db, subject, top)?;
    // An idle room is due at once; one that waits for its open message keeps waiting.
    db.prepare_cached(
        "INSERT INTO room (room) VALUES (?1) ON CONFLICT DO UPDATE SET due = min(due, ?2) \
         WHERE hold IS NULL AND NOT EXISTS (SELECT 1 FROM message WHERE room = ?1 AND status = 'open')",
    )
    .and_then(|mut s| s.execute(params![room, now.millis()]))
    .map_err(fault)?;
    Ok(())
}

/// Notes how far a subject has come.
pub(crate) fn raise(
    db: &Connection,
    subject: &SubjectKey,
    (round, rank): rules::Top,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO subject (subject, round, rank) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE \
         SET round = excluded.round, rank = excluded.rank \
         WHERE (excluded.round, excluded.rank) > (subject.round, subject.rank)",
    )
    .and_then(|mut s| s.execute(params![subject.0, row::round(round), rank.number()]))
    .map_err(fault)?;
    Ok(())
}
