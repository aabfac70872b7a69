//! A delivery's row as it is entered, with all it has, so that it is written once; or as its body is read again.

use meshhook_store::{
    Accepted, Announcement, Content, Freshness, Key, Moment, NewDelivery, News, Outcome, Status, StoreError,
    rules,
};
use rusqlite::{Connection, ToSql, params_from_iter};

use crate::fault::fault;
use crate::row::{millis, round};

/// A new row.
pub(crate) struct Entry<'a> {
    pub(crate) new: &'a NewDelivery,
    pub(crate) key: &'a Key,
    pub(crate) status: Status,
    pub(crate) reason: Option<&'a str>,
    pub(crate) expires_at: Option<Moment>,
    pub(crate) raw: Option<&'a [u8]>,
    pub(crate) said: Option<Said<'a>>,
}

/// What an announcement has beyond what every delivery has.
pub(crate) struct Said<'a> {
    pub(crate) a: &'a Announcement,
    pub(crate) news: Option<News>,
    pub(crate) content: Option<Content>,
}

impl Said<'_> {
    fn event_time(&self) -> Option<Moment> {
        if let Freshness::Body(newest) = self.a.freshness { Some(newest) } else { None }
    }

    /// When its mark ends, if it is final by now.
    pub(crate) fn expiry(&self, new: &NewDelivery, now: Moment) -> Moment {
        let keep = rules::keep(self.a.freshness, new.retention);
        rules::expiry(new.received_at, now, self.event_time(), keep)
    }
}

impl<'a> Entry<'a> {
    /// A row that says nothing.
    pub(crate) fn new(new: &'a NewDelivery, key: &'a Key, status: Status) -> Self {
        Self { new, key, status, reason: None, expires_at: None, raw: None, said: None }
    }

    pub(crate) fn saying(self, said: Said<'a>) -> Self {
        Self { said: Some(said), ..self }
    }

    /// The answer about it, from what is known of it.
    pub(crate) fn answer(&self, outcome: Outcome) -> Accepted {
        Accepted {
            outcome,
            delivery: self.new.id.clone(),
            correlation_id: self.new.facts.correlation_id.clone(),
            status: self.status,
            reason: self.reason.map(ToOwned::to_owned),
            event_id: None,
        }
    }

    pub(crate) fn insert(&self, db: &Connection) -> Result<(), StoreError> {
        let new = self.new;
        let (status, received_at) = (self.status.as_str(), new.received_at.millis());
        let expires_at = self.expires_at.map(Moment::millis);
        self.write(db, INSERT, &[&new.id, &new.source, &status, &received_at, &expires_at])
    }

    /// Puts what is read of it now into the place of what was read before; its status and end are the caller's.
    pub(crate) fn reread(&self, db: &Connection, seq: i64) -> Result<(), StoreError> {
        self.write(db, REREAD, &[&seq])
    }

    fn write(&self, db: &Connection, statement: &str, own: &[&dyn ToSql]) -> Result<(), StoreError> {
        let (new, f, said) = (self.new, &self.new.facts, self.said.as_ref());
        let (a, news) = (said.map(|said| said.a), said.and_then(|said| said.news));
        let content = said.and_then(|said| said.content.as_ref());
        let keep = a.map_or(new.retention, |a| rules::keep(a.freshness, new.retention));
        let read: [&dyn ToSql; 27] = [
            &self.key.0,
            &self.reason,
            &a.map(|a| a.subject.0),
            &a.map(|a| round(a.round)),
            &a.map(|a| a.rank.number()),
            &a.map(|a| &a.room),
            &content.is_some_and(|content| content.notify),
            &content.map(|content| &content.content),
            &content.map(|content| &content.line),
            &said.and_then(Said::event_time).map(Moment::millis),
            &millis(keep),
            &self.raw,
            &f.state,
            &f.outcome,
            &f.workflow,
            &f.job,
            &f.repo,
            &f.run_id,
            &f.node,
            &f.correlation_id,
            &f.verified_by,
            &f.request_id,
            &f.branch,
            &news.map(|news| news.trend.as_str()),
            &news.map(|news| news.since.millis()),
            &news.map(|news| news.at.millis()),
            &content.and_then(|content| content.speaker.as_ref()),
        ];
        db.prepare_cached(statement)
            .and_then(|mut s| s.execute(params_from_iter(own.iter().chain(&read))))
            .map_err(fault)?;
        Ok(())
    }
}

/// What the reading of a body gives a delivery.
macro_rules! read {
    () => {
        "key, reason, subject, round, rank, room, notify, content, line, event_time, keep, raw, state, outcome, \
         workflow, job, repo, run_id, node, correlation_id, verified_by, request_id, branch, news, news_since, \
         news_at, speaker"
    };
}

const INSERT: &str = concat!(
    "INSERT INTO delivery (id, source, status, received_at, expires_at, ",
    read!(),
    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, \
     ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32)"
);

const REREAD: &str = concat!(
    "UPDATE delivery SET (",
    read!(),
    ") = (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, \
     ?25, ?26, ?27, ?28) WHERE seq = ?1"
);
