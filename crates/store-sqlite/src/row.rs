//! Rows and words, to and fro.

use std::time::Duration;

use meshhook_store::rules::Top;
use meshhook_store::{Accepted, Key, MessageStatus, Moment, Outcome, Rank, Status, StoreError, SubjectKey};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::fault::fault;

/// A delivery as far as decisions need it.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) seq: i64,
    pub(crate) status: Status,
    pub(crate) subject: Option<SubjectKey>,
    pub(crate) top: Top,
    pub(crate) message: Option<i64>,
    pub(crate) refusals: u32,
    pub(crate) has_content: bool,
    pub(crate) has_raw: bool,
    answer: Accepted,
}

impl Known {
    pub(crate) fn answer(self, outcome: Outcome) -> Accepted {
        Accepted { outcome, ..self.answer }
    }
}

macro_rules! known_where {
    ($column:literal) => {
        concat!(
            "SELECT d.seq, d.id, d.status, d.reason, d.subject, d.round, d.rank, d.message, d.refusals, \
             d.content IS NOT NULL, d.raw IS NOT NULL, d.correlation_id, m.status, m.event_id \
             FROM delivery d LEFT JOIN message m ON m.id = d.message WHERE d.",
            $column,
            " = ?1"
        )
    };
}

pub(crate) fn by_key(db: &Connection, key: &Key) -> Result<Option<Known>, StoreError> {
    let mut statement = db.prepare_cached(known_where!("key")).map_err(fault)?;
    statement.query_row([key.0], known).optional().map_err(fault)
}

pub(crate) fn by_id(db: &Connection, id: &str) -> Result<Option<Known>, StoreError> {
    let mut statement = db.prepare_cached(known_where!("id")).map_err(fault)?;
    statement.query_row([id], known).optional().map_err(fault)
}

/// The answer about a delivery as it stands now.
pub(crate) fn answer(db: &Connection, seq: i64, outcome: Outcome) -> Result<Accepted, StoreError> {
    let mut statement = db.prepare_cached(known_where!("seq")).map_err(fault)?;
    Ok(statement.query_row([seq], known).map_err(fault)?.answer(outcome))
}

fn known(row: &Row<'_>) -> rusqlite::Result<Known> {
    let status = shown(&row.get::<_, String>(2)?, row.get::<_, Option<String>>(12)?.as_deref());
    let answer = Accepted {
        outcome: Outcome::Duplicate,
        delivery: row.get(1)?,
        correlation_id: row.get(11)?,
        status,
        reason: row.get(3)?,
        event_id: row.get(13)?,
    };
    Ok(Known {
        seq: row.get(0)?,
        status,
        subject: row.get::<_, Option<[u8; 32]>>(4)?.map(SubjectKey),
        top: top(row.get::<_, Option<i64>>(5)?.unwrap_or(0), row.get::<_, Option<u8>>(6)?.unwrap_or(0)),
        message: row.get(7)?,
        refusals: row.get(8)?,
        has_content: row.get(9)?,
        has_raw: row.get(10)?,
        answer,
    })
}

/// The status that a delivery shows: a member's is its message's.
pub(crate) fn shown(delivery: &str, message: Option<&str>) -> Status {
    let status = delivery.parse().unwrap_or(Status::Unreadable);
    match (status, message.map(message_status)) {
        (Status::InMessage, Some(MessageStatus::Sent)) => Status::Sent,
        (Status::InMessage, Some(MessageStatus::Uncertain)) => Status::Uncertain,
        (status, _) => status,
    }
}

pub(crate) fn message_status(word: &str) -> MessageStatus {
    MessageStatus::ALL.into_iter().find(|s| s.as_str() == word).unwrap_or(MessageStatus::Uncertain)
}

/// Rounds are stored as they are: they fit, and what does not is the highest there is.
pub(crate) fn round(round: u64) -> i64 {
    i64::try_from(round).unwrap_or(i64::MAX)
}

fn top(round: i64, rank: u8) -> Top {
    (u64::try_from(round).unwrap_or(0), Rank::from_number(rank))
}

/// A round and, in the next column, a rank.
pub(crate) fn top_or_none(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Top>> {
    let (round, rank): (Option<i64>, Option<u8>) = (row.get(column)?, row.get(column + 1)?);
    Ok(round.zip(rank).map(|(round, rank)| top(round, rank)))
}

pub(crate) fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

pub(crate) fn span(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

pub(crate) fn moment(row: &Row<'_>, column: usize) -> rusqlite::Result<Moment> {
    row.get(column).map(Moment::from_millis)
}

pub(crate) fn moment_or_none(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Moment>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Moment::from_millis))
}
