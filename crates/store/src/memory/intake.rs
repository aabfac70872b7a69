//! Accept: transition 1.

use std::time::Duration;

use super::keys::Shown;
use super::{MemoryStore, Row, Saying, Subject, Tables};
use crate::rules::{self, Comparison, Verdict};
use crate::{
    Accepted, Announcement, Background, Content, Freshness, Intake, Key, Machine, Moment, NewDelivery, News,
    Outcome, Purport, Status, StoreError,
};

impl Intake for MemoryStore {
    fn is_durable(&self) -> bool {
        false
    }

    fn accept(
        &self,
        batch: Vec<NewDelivery>,
        now: Moment,
    ) -> Result<Vec<Result<Accepted, StoreError>>, StoreError> {
        let mut tables = self.tables();
        Ok(batch.into_iter().map(|new| tables.accept(new, now)).collect())
    }
}

/// The parts of a new delivery that every row has.
struct Common {
    new: NewDelivery,
    now: Moment,
}

impl Tables {
    fn accept(&mut self, mut new: NewDelivery, now: Moment) -> Result<Accepted, StoreError> {
        if let Some(machine) = new.machine.take() {
            self.name_machine(machine, new.retention, now);
        }
        let (nodes, id, received_at) = (std::mem::take(&mut new.nodes), new.id.clone(), new.received_at);
        let shown = Shown::by(&new);
        let answer = self.judge(new, now)?;
        self.note(nodes, &id, received_at, &answer);
        self.used(shown, &answer);
        Ok(answer)
    }

    fn judge(&mut self, mut new: NewDelivery, now: Moment) -> Result<Accepted, StoreError> {
        match std::mem::replace(&mut new.purport, Purport::Ignored(String::new())) {
            Purport::Announce(announcement) => self.announce(Common { new, now }, announcement),
            Purport::Ignored(reason) => Ok(self.set_aside(new, Status::Ignored, reason)),
            Purport::Unreadable(reason) => Ok(self.set_aside(new, Status::Unreadable, reason)),
        }
    }

    pub(super) fn name_machine(&mut self, machine: Machine, retention: Duration, now: Moment) {
        let expires_at = now.plus(rules::keep(Freshness::Signed, retention));
        let group = self.machines.entry(machine.group).or_default();
        if group.len() < rules::MAX_MACHINES || group.contains_key(&machine.name) {
            let known = group.entry(machine.name).or_default();
            *known = expires_at.max(*known);
        }
    }

    fn announce(&mut self, common: Common, a: Announcement) -> Result<Accepted, StoreError> {
        let Common { new, now } = common;
        let known = self.by_key.get(&a.key).copied();
        let status = known.map(|seq| self.shown(&self.deliveries[&seq]));
        let fresh = rules::is_fresh(a.freshness, now, new.retention, self.forgotten);
        Ok(match (rules::judge(status, self.top_of(&a.subject), (a.round, a.rank), fresh), known) {
            (Verdict::Revive, Some(seq)) => self.revive(seq, &a, now),
            (Verdict::Duplicate, Some(seq)) => self.seen_again(seq),
            (Verdict::Superseded, Some(seq)) => self.overtaken(seq, now),
            (Verdict::Superseded, None) => {
                let seq = self.enter(new, a, None);
                self.finish(seq, Status::Superseded, now);
                self.answer(seq, Outcome::Superseded)
            }
            (Verdict::Stale, _) => self.set_aside(new, Status::Stale, "stale".to_owned()),
            _ => self.owe(new, a, now)?,
        })
    }

    /// Takes in what is to be said, unless its source is to be heard of changes alone and it is none.
    fn owe(&mut self, new: NewDelivery, a: Announcement, now: Moment) -> Result<Accepted, StoreError> {
        let Comparison { news, silent, last } = self.compare(&a, now);
        if silent.is_none() {
            self.make_room(&a.room)?;
        }
        self.remember(&a, last);
        let seq = self.enter(new, a, news);
        Ok(match silent {
            Some(reason) => self.silence(seq, reason, now),
            None => {
                self.pend(seq, now);
                self.answer(seq, Outcome::Accepted)
            }
        })
    }

    fn make_room(&self, room: &str) -> Result<(), StoreError> {
        let waiting = self.rooms.get(room).map_or(0, |room| room.pending.len()) as u64;
        let bound = self.bound.unwrap_or(rules::MAX_WAITING);
        let full = StoreError::RoomFull { room: room.to_owned(), waiting };
        if waiting < bound { Ok(()) } else { Err(full) }
    }

    fn see(&mut self, seq: i64) {
        if let Some(row) = self.deliveries.get_mut(&seq) {
            row.seen += 1;
        }
    }

    pub(super) fn seen_again(&mut self, seq: i64) -> Accepted {
        self.see(seq);
        self.answer(seq, Outcome::Duplicate)
    }

    /// What was parked comes again, and its run has left it behind by now.
    pub(super) fn overtaken(&mut self, seq: i64, now: Moment) -> Accepted {
        self.see(seq);
        self.finish(seq, Status::Superseded, now);
        self.answer(seq, Outcome::Superseded)
    }

    pub(super) fn revive(&mut self, seq: i64, a: &Announcement, now: Moment) -> Accepted {
        let news = self.deliveries.get(&seq).and_then(|row| row.saying.as_ref()).and_then(|s| s.news);
        let content = self.render(a, news);
        if let Some(row) = self.deliveries.get_mut(&seq) {
            row.seen += 1;
            row.solo = false;
            if let Some(saying) = &mut row.saying {
                saying.content = Some(content);
            }
        }
        self.pend(seq, now);
        self.answer(seq, Outcome::Accepted)
    }

    fn render(&self, a: &Announcement, news: Option<News>) -> Content {
        let machines: Vec<String> =
            self.machines.get(&a.group).map(|g| g.keys().cloned().collect()).unwrap_or_default();
        (a.render)(&Background { machines: &machines, news })
    }

    /// The part of a row that says something.
    pub(super) fn saying(&mut self, a: &Announcement, news: Option<News>) -> Saying {
        let content = Some(self.render(a, news));
        let top = (a.round, a.rank);
        self.subjects.entry(a.subject).or_insert(Subject { top, rows: 0, anchor: None }).rows += 1;
        Saying { subject: a.subject, top, room: a.room.clone(), content, news }
    }

    fn enter(&mut self, new: NewDelivery, a: Announcement, news: Option<News>) -> i64 {
        let saying = self.saying(&a, news);
        let mut row = row(new, a.key);
        row.saying = Some(saying);
        row.raw = Vec::new();
        (row.event_time, row.keep) = times(a.freshness, row.keep);
        self.insert(row)
    }

    /// Keeps what is not announced, up to the source's bounds.
    fn set_aside(&mut self, new: NewDelivery, status: Status, reason: String) -> Accepted {
        let key = new.body_key();
        if let Some(&seq) = self.by_key.get(&key) {
            return self.seen_again(seq);
        }
        let expires_at = Some(new.received_at.plus(new.retention));
        let mut row = Row { status, reason: Some(reason), expires_at, ..row(new, key) };
        if status == Status::Ignored {
            row.raw = Vec::new();
        }
        let source = row.source.clone();
        let seq = self.insert(row);
        self.evict(&source, status == Status::Ignored);
        self.answer(seq, if status == Status::Unreadable { Outcome::Unreadable } else { Outcome::Ignored })
    }

    fn insert(&mut self, row: Row) -> i64 {
        self.last_seq += 1;
        self.by_id.insert(row.id.clone(), self.last_seq);
        self.by_key.insert(row.key, self.last_seq);
        self.deliveries.insert(self.last_seq, row);
        self.last_seq
    }

    fn evict(&mut self, source: &str, ignored: bool) {
        let aside = |row: &Row| match row.status {
            // What has a mark of its own stays as long as that.
            Status::Ignored => ignored && row.saying.is_none(),
            Status::Unreadable | Status::Stale => !ignored,
            _ => false,
        };
        let (mut rows, mut bytes) = (0u64, 0u64);
        let too_many: Vec<i64> = self
            .deliveries
            .iter()
            .rev()
            .filter(|(_, row)| row.source == source && aside(row))
            .filter(|(_, row)| {
                rows += 1;
                bytes += row.raw.len() as u64;
                rows > rules::MAX_ASIDE_ROWS || bytes > rules::MAX_ASIDE_BYTES
            })
            .map(|(&seq, _)| seq)
            .collect();
        self.evicted += too_many.len() as u64;
        for seq in too_many {
            self.forget(seq);
        }
    }
}

fn row(new: NewDelivery, key: Key) -> Row {
    Row {
        id: new.id,
        key,
        source: new.source,
        status: Status::Pending,
        reason: None,
        saying: None,
        facts: new.facts,
        raw: new.raw,
        received_at: new.received_at,
        event_time: None,
        keep: new.retention,
        expires_at: None,
        message: None,
        solo: false,
        unrelated: false,
        refusals: 0,
        seen: 1,
    }
}

/// The time that a mark's end is reckoned from, and how long it stays after it.
pub(super) fn times(freshness: Freshness, retention: Duration) -> (Option<Moment>, Duration) {
    let event_time = if let Freshness::Body(newest) = freshness { Some(newest) } else { None };
    (event_time, rules::keep(freshness, retention))
}
