//! Accept: transition 1, a batch a transaction.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use meshhook_store::rules::{self, Comparison, Verdict};
use meshhook_store::{
    Accepted, Announcement, Background, Content, Freshness, GroupKey, Intake, Moment, NewDelivery, News,
    Outcome, Purport, Rank, Status, StoreError,
};
use rusqlite::{Connection, Transaction, params};

use crate::SqliteStore;
use crate::aside::{Grown, set_aside};
use crate::backlog::Backlog;
use crate::changes::{compare, news_of, remember};
use crate::entry::{Entry, Said};
use crate::fault::fault;
use crate::keys::Uses;
use crate::nodes::Signs;
use crate::row::{Known, answer, by_key};
use crate::settle::finish;
use crate::subject::{raise, top_of};
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
        let mut accept_all = |apart| self.write(|tx| Batch::accept(tx, &batch, now, &mut backlog, apart));
        let done = match accept_all(Apart(false)) {
            Err(Failed::Entry(_)) => accept_all(Apart(true)),
            done => done,
        };
        let (answers, evicted) = done.map_err(Failed::why)?;
        self.evicted.fetch_add(evicted, Ordering::Relaxed);
        Ok(answers)
    }
}

/// Whether each entry has a savepoint, so that one that fails leaves nothing behind and costs nobody else. SQLite
/// copies every page that changes within one: a batch goes without, and once more with them where an entry fails.
#[derive(Clone, Copy)]
struct Apart(bool);

/// Why nothing of a batch is durable.
enum Failed {
    /// An entry failed, which may have written something.
    Entry(StoreError),
    Whole(StoreError),
}

impl From<StoreError> for Failed {
    fn from(why: StoreError) -> Self {
        Self::Whole(why)
    }
}

impl Failed {
    fn why(self) -> StoreError {
        let (Self::Entry(why) | Self::Whole(why)) = self;
        why
    }
}

/// A batch on its way in.
struct Batch<'b> {
    db: &'b Connection,
    now: Moment,
    forgotten: Option<Moment>,
    backlog: &'b mut Backlog,
    /// Rooms that are due by now.
    awake: BTreeSet<&'b str>,
    grown: Grown<'b>,
    uses: Uses<'b>,
    signs: Signs<'b>,
}

/// An answer each, and how many kept deliveries were evicted.
type Answers = (Vec<Result<Accepted, StoreError>>, u64);

impl<'b> Batch<'b> {
    fn accept(
        tx: &'b Transaction<'_>,
        entries: &'b [NewDelivery],
        now: Moment,
        backlog: &'b mut Backlog,
        apart: Apart,
    ) -> Result<Answers, Failed> {
        let (awake, grown, uses, signs) = Default::default();
        let mut batch = Self { db: tx, now, forgotten: forgotten(tx)?, backlog, awake, grown, uses, signs };
        let answers = entries.iter().map(|new| batch.entry(new, apart)).collect::<Result<_, _>>()?;
        batch.uses.note(tx)?;
        batch.signs.note(tx)?;
        Ok((answers, batch.grown.evict(tx)?))
    }

    /// The inner error is the entry's alone.
    fn entry(&mut self, new: &'b NewDelivery, apart: Apart) -> Result<Result<Accepted, StoreError>, Failed> {
        let answer = if apart.0 { self.in_savepoint(new)? } else { self.take_in(new) };
        match answer {
            Ok(accepted) => {
                self.uses.add(new, &accepted);
                self.signs.add(new, &accepted);
                Ok(Ok(accepted))
            }
            // Who finds the room full has written nothing.
            Err(why @ StoreError::RoomFull { .. }) => Ok(Err(why)),
            // A full disk is everybody's, and SQLite has rolled all of it back.
            Err(why @ StoreError::Full(_)) => Err(Failed::Whole(why)),
            Err(why) if apart.0 => Ok(Err(why)),
            Err(why) => Err(Failed::Entry(why)),
        }
    }

    /// The outer error is the whole transaction's.
    fn in_savepoint(&mut self, new: &'b NewDelivery) -> Result<Result<Accepted, StoreError>, StoreError> {
        let db = self.db;
        let run = |statement| db.execute(statement, []).map(|_| ()).map_err(fault);
        run("SAVEPOINT entry")?;
        let done = self.take_in(new);
        if let Err(why) = &done {
            run("ROLLBACK TO entry").map_err(|_| why.clone())?;
        }
        run("RELEASE entry")?;
        Ok(done)
    }

    fn take_in(&mut self, new: &'b NewDelivery) -> Result<Accepted, StoreError> {
        match &new.purport {
            Purport::Announce(a) => self.announce(new, a),
            Purport::Ignored(reason) => self.set_aside(new, Status::Ignored, reason),
            Purport::Unreadable(reason) => self.set_aside(new, Status::Unreadable, reason),
        }
    }

    fn set_aside(
        &mut self,
        new: &'b NewDelivery,
        status: Status,
        reason: &str,
    ) -> Result<Accepted, StoreError> {
        name_machine(self.db, new, self.now)?;
        set_aside(self.db, new, status, reason, &mut self.grown)
    }

    fn announce(&mut self, new: &'b NewDelivery, a: &'b Announcement) -> Result<Accepted, StoreError> {
        let known = by_key(self.db, &a.key)?;
        let verdict = self.judge(known.as_ref(), new, a)?;
        let found = if verdict == Verdict::Pend { self.weigh(a)? } else { Comparison::default() };
        name_machine(self.db, new, self.now)?;
        match (verdict, known) {
            (Verdict::Duplicate, Some(known)) => seen_again(self.db, known),
            (Verdict::Revive, Some(known)) => revive(self.db, known.seq, a, self.now),
            (Verdict::Superseded, known) => self.supersede(known, new, a),
            (Verdict::Stale, _) => set_aside(self.db, new, Status::Stale, "stale", &mut self.grown),
            _ => self.owe(new, a, &found),
        }
    }

    fn judge(
        &self,
        known: Option<&Known>,
        new: &NewDelivery,
        a: &Announcement,
    ) -> Result<Verdict, StoreError> {
        // What is terminal yields to nothing, so there is nothing to look for.
        let top = if a.rank == Rank::Terminal { None } else { top_of(self.db, &a.subject)? };
        let fresh = rules::is_fresh(a.freshness, self.now, new.retention, self.forgotten);
        Ok(rules::judge(known.map(|known| known.status), top, (a.round, a.rank), fresh))
    }

    /// What it changes, if that matters. If it is to be said, its room has to have room for it.
    fn weigh(&mut self, a: &Announcement) -> Result<Comparison, StoreError> {
        let found = compare(self.db, a, self.now)?;
        if found.silent.is_none() {
            self.backlog.take_in(self.db, &a.room)?;
        }
        Ok(found)
    }

    fn supersede(
        &self,
        known: Option<Known>,
        new: &NewDelivery,
        a: &Announcement,
    ) -> Result<Accepted, StoreError> {
        if let Some(known) = known {
            return overtaken(self.db, known.seq, self.now);
        }
        let said = Said { a, news: None, content: Some(render(self.db, a, None)?) };
        self.close(new, said, Status::Superseded, None, Outcome::Superseded)
    }

    /// Takes in what is to be said, unless its source is to be heard of changes alone and it is none.
    fn owe(
        &mut self,
        new: &'b NewDelivery,
        a: &'b Announcement,
        found: &Comparison,
    ) -> Result<Accepted, StoreError> {
        remember(self.db, a, found)?;
        let news = found.news;
        if let Some(reason) = &found.silent {
            let said = Said { a, news, content: None };
            return self.close(new, said, Status::Ignored, Some(reason), Outcome::Ignored);
        }
        let content = Some(render(self.db, a, news)?);
        let entry = Entry::new(new, &a.key, Status::Pending).saying(Said { a, news, content });
        entry.insert(self.db)?;
        if !self.awake.contains(&*a.room) {
            wake(self.db, &a.room, self.now)?;
            self.awake.insert(&a.room);
        }
        Ok(entry.answer(Outcome::Accepted))
    }

    /// Takes in what is final as it comes: it keeps its mark, and is never compared again.
    fn close(
        &self,
        new: &NewDelivery,
        said: Said<'_>,
        status: Status,
        reason: Option<&str>,
        outcome: Outcome,
    ) -> Result<Accepted, StoreError> {
        let (a, expires_at) = (said.a, said.expiry(new, self.now));
        let entry =
            Entry { reason, expires_at: Some(expires_at), ..Entry::new(new, &a.key, status).saying(said) };
        entry.insert(self.db)?;
        raise(self.db, &a.subject, (a.round, a.rank), expires_at)?;
        Ok(entry.answer(outcome))
    }
}

fn see(db: &Connection, seq: i64) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE delivery SET seen = seen + 1 WHERE seq = ?1")
        .and_then(|mut s| s.execute([seq]))
        .map(|_| ())
        .map_err(fault)
}

pub(crate) fn seen_again(db: &Connection, known: Known) -> Result<Accepted, StoreError> {
    see(db, known.seq)?;
    Ok(known.answer(Outcome::Duplicate))
}

/// What was parked comes again, and its run has left it behind by now.
pub(crate) fn overtaken(db: &Connection, seq: i64, now: Moment) -> Result<Accepted, StoreError> {
    see(db, seq)?;
    finish(db, seq, Status::Superseded, now)?;
    answer(db, seq, Outcome::Superseded)
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
    pend(db, seq, &room_of(db, seq)?, now)?;
    answer(db, seq, Outcome::Accepted)
}

pub(crate) fn room_of(db: &Connection, seq: i64) -> Result<String, StoreError> {
    db.prepare_cached("SELECT room FROM delivery WHERE seq = ?1")
        .and_then(|mut s| s.query_row([seq], |row| row.get(0)))
        .map_err(fault)
}

/// Remembers the machine that a delivery names for its group, whatever becomes of the delivery.
pub(crate) fn name_machine(db: &Connection, new: &NewDelivery, now: Moment) -> Result<(), StoreError> {
    let Some(machine) = &new.machine else { return Ok(()) };
    let expires_at = now.plus(rules::keep(Freshness::Signed, new.retention));
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

pub(crate) fn render(db: &Connection, a: &Announcement, news: Option<News>) -> Result<Content, StoreError> {
    Ok((a.render)(&Background { machines: &machines(db, &a.group)?, news }))
}

fn machines(db: &Connection, group: &GroupKey) -> Result<Vec<String>, StoreError> {
    db.prepare_cached("SELECT name FROM machine WHERE grp = ?1 ORDER BY name")
        .and_then(|mut s| s.query_map([group.0], |row| row.get(0))?.collect())
        .map_err(fault)
}

/// Puts a delivery into the queue of its room again.
pub(crate) fn pend(db: &Connection, seq: i64, room: &str, now: Moment) -> Result<(), StoreError> {
    db.prepare_cached(
        "UPDATE delivery SET status = 'pending', reason = NULL, expires_at = NULL WHERE seq = ?1",
    )
    .and_then(|mut s| s.execute([seq]))
    .map_err(fault)?;
    wake(db, room, now)
}

/// An idle room is due at once; one that waits for its open message keeps waiting.
fn wake(db: &Connection, room: &str, now: Moment) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO room (room) VALUES (?1) ON CONFLICT DO UPDATE SET due = ?2 WHERE due > ?2 AND hold IS NULL \
         AND NOT EXISTS (SELECT 1 FROM message WHERE room = ?1 AND status = 'open')",
    )
    .and_then(|mut s| s.execute(params![room, now.millis()]))
    .map_err(fault)?;
    Ok(())
}
