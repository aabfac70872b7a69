//! Views, from the reading connection.

use std::sync::atomic::Ordering;

use meshhook_store::{
    Accepted, ActError, Attempt, Audit, Content, DeliveryView, Facts, Filter, Inspect, Key, KeyUse, Latest,
    Life, MessageView, Moment, NewDelivery, NodeView, Raw, RoomView, Said, Status, StoreError, Totals,
};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use crate::aside::aside;
use crate::changes::news;
use crate::fault::fault;
use crate::row::{message_status, moment, moment_or_none, shown, span};
use crate::{SqliteStore, audit, keys, latest, nodes, orders};

impl Inspect for SqliteStore {
    fn list(&self, filter: &Filter) -> Result<Vec<DeliveryView>, StoreError> {
        list(&self.reader(), filter)
    }

    fn show(&self, id: &str) -> Result<Option<Life>, StoreError> {
        // One look: nothing may change between its statements.
        let mut reader = self.reader();
        show(&*reader.transaction().map_err(fault)?, id)
    }

    fn totals(&self) -> Result<Totals, StoreError> {
        self.check.found()?;
        let mut reader = self.reader();
        let db = reader.transaction().map_err(fault)?;
        Ok(Totals {
            rooms: rooms(&db)?,
            parked: count(&db, PARKED)?,
            uncertain: count(&db, UNCERTAIN)?,
            evicted: self.evicted.load(Ordering::Relaxed),
        })
    }

    fn raw(&self, id: &str) -> Result<Option<Raw>, StoreError> {
        let query = format!(
            "SELECT {VIEW}, d.raw FROM delivery d LEFT JOIN message m ON m.id = d.message \
             WHERE d.id = ?1 AND d.status IN ('unreadable', 'stale', 'dropped') AND d.raw IS NOT NULL"
        );
        self.reader()
            .query_row(&query, [id], |row| {
                let DeliveryView { source, received_at, facts, .. } = view(row)?;
                Ok(Raw { source, raw: row.get(VIEW_COLUMNS)?, received_at, facts })
            })
            .optional()
            .map_err(fault)
    }

    fn by_key(&self, key: &Key) -> Result<Option<DeliveryView>, StoreError> {
        let query =
            format!("SELECT {VIEW} FROM delivery d LEFT JOIN message m ON m.id = d.message WHERE d.key = ?1");
        self.reader().query_row(&query, [key.0], view).optional().map_err(fault)
    }

    fn said(&self, room: &str, limit: usize) -> Result<Vec<Said>, StoreError> {
        self.place.check()?;
        audit::said(&self.path, room, limit)
    }

    fn audit(&self, carried: &dyn Fn(&str) -> Option<Vec<Key>>) -> Result<Audit, StoreError> {
        self.place.check()?;
        audit::audit(&self.path, carried)
    }

    fn nodes(&self) -> Result<Vec<NodeView>, StoreError> {
        nodes::nodes(&self.reader())
    }

    fn latest(&self, room: &str, look_at: usize) -> Result<Vec<Latest>, StoreError> {
        latest::latest(&self.reader(), room, look_at)
    }

    fn key_uses(&self) -> Result<Vec<KeyUse>, StoreError> {
        keys::uses(&self.reader())
    }

    fn retry(&self, id: &str, force: bool, now: Moment) -> Result<Accepted, ActError> {
        self.write(|tx| orders::retry(tx, id, force, now))
    }

    fn readmit(&self, id: &str, again: NewDelivery, now: Moment) -> Result<Accepted, ActError> {
        self.write(|tx| orders::readmit(tx, id, &again, now))
    }

    fn discard(&self, id: &str, now: Moment) -> Result<(), ActError> {
        self.write(|tx| orders::discard(tx, id, now))
    }
}

const VIEW: &str = "d.seq, d.id, d.key, d.source, d.status, m.status, d.reason, d.round, d.room, d.received_at, \
     d.seen, d.expires_at, m.event_id, d.state, d.outcome, d.workflow, d.job, d.repo, d.run_id, d.node, \
     d.correlation_id, d.verified_by, d.request_id, d.news, d.news_since, d.news_at, d.branch";
const VIEW_COLUMNS: usize = 27;

fn view(row: &Row<'_>) -> rusqlite::Result<DeliveryView> {
    Ok(DeliveryView {
        seq: row.get(0)?,
        id: row.get(1)?,
        key: Key(row.get(2)?),
        source: row.get(3)?,
        status: shown(&row.get::<_, String>(4)?, row.get::<_, Option<String>>(5)?.as_deref()),
        reason: row.get(6)?,
        news: news(row, 23)?,
        round: row.get(7)?,
        room: row.get(8)?,
        received_at: moment(row, 9)?,
        seen: row.get(10)?,
        expires_at: moment_or_none(row, 11)?,
        event_id: row.get(12)?,
        facts: Facts {
            state: row.get(13)?,
            outcome: row.get(14)?,
            workflow: row.get(15)?,
            job: row.get(16)?,
            repo: row.get(17)?,
            branch: row.get(26)?,
            run_id: row.get(18)?,
            node: row.get(19)?,
            correlation_id: row.get(20)?,
            verified_by: row.get(21)?,
            request_id: row.get(22)?,
        },
    })
}

fn list(db: &Connection, filter: &Filter) -> Result<Vec<DeliveryView>, StoreError> {
    let texts = [
        ("state", &filter.state),
        ("source", &filter.source),
        ("run_id", &filter.run),
        ("node", &filter.node),
        ("correlation_id", &filter.correlation_id),
    ];
    let (mut conditions, mut values) = (String::new(), Vec::<Value>::new());
    for (column, wanted) in texts {
        if let Some(wanted) = wanted {
            conditions.push_str(&format!(" AND d.{column} = ?"));
            values.push(wanted.clone().into());
        }
    }
    values.push(filter.before.unwrap_or(i64::MAX).into());
    values.push(i64::try_from(filter.limit).unwrap_or(i64::MAX).into());
    db.prepare_cached(&listing(filter.status, &conditions))
        .and_then(|mut s| s.query_map(params_from_iter(values), view)?.collect())
        .map_err(fault)
}

/// Deliveries of a status, the newest first. Where few have it they are found by its index and sorted: the sign before
/// `d.seq` keeps SQLite from walking through all in their order instead.
pub(crate) fn listing(status: Option<Status>, conditions: &str) -> String {
    let (status, seq) = match status {
        None => (String::new(), "d.seq"),
        Some(Status::Sent) => (" AND d.status = 'in_message' AND m.status = 'sent'".to_owned(), "d.seq"),
        Some(status) => (rare(status), "+d.seq"),
    };
    format!(
        "SELECT {VIEW} FROM delivery d LEFT JOIN message m ON m.id = d.message WHERE 1{status}{conditions} \
         AND {seq} < ? ORDER BY {seq} DESC LIMIT ?"
    )
}

pub(crate) const PARKED: &str =
    concat!("SELECT 1 FROM delivery WHERE ", aside!("delivery"), " AND status = 'parked'");
pub(crate) const UNCERTAIN: &str = "SELECT 1 FROM message m CROSS JOIN delivery d ON d.message = m.id \
     WHERE m.status = 'uncertain' AND d.status = 'in_message'";

/// A shown status that few deliveries have, as a condition that an index answers.
fn rare(status: Status) -> String {
    match status {
        Status::InMessage => in_messages("open"),
        Status::Uncertain => in_messages("uncertain"),
        Status::Pending => " AND d.status = 'pending' AND d.room IN (SELECT room FROM room)".to_owned(),
        status => format!(" AND {} AND d.status = '{status}'", aside!("d")),
    }
}

fn in_messages(status: &str) -> String {
    format!(
        " AND d.status = 'in_message' AND d.message IN (SELECT id FROM message WHERE status = '{status}')"
    )
}

fn show(db: &Connection, id: &str) -> Result<Option<Life>, StoreError> {
    let query = format!(
        "SELECT {VIEW}, d.content, d.line, d.notify, d.message, d.speaker FROM delivery d LEFT JOIN message m ON m.id = d.message \
         WHERE d.id = ?1"
    );
    let found = db
        .prepare_cached(&query)
        .and_then(|mut s| {
            s.query_row([id], |row| {
                let content: Option<String> = row.get(VIEW_COLUMNS)?;
                let line: Option<String> = row.get(VIEW_COLUMNS + 1)?;
                let (notify, speaker) = (row.get(VIEW_COLUMNS + 2)?, row.get(VIEW_COLUMNS + 4)?);
                let content =
                    content.zip(line).map(|(content, line)| Content { content, line, notify, speaker });
                Ok((view(row)?, content, row.get::<_, Option<i64>>(VIEW_COLUMNS + 3)?))
            })
            .optional()
        })
        .map_err(fault)?;
    let Some((delivery, content, message)) = found else { return Ok(None) };
    let message = message.map(|id| message_view(db, id)).transpose()?;
    Ok(Some(Life { delivery, content, message }))
}

fn message_view(db: &Connection, id: i64) -> Result<MessageView, StoreError> {
    let members = db
        .prepare_cached("SELECT id FROM delivery WHERE message = ?1 ORDER BY seq")
        .and_then(|mut s| s.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>())
        .map_err(fault)?;
    let attempts = db
        .prepare_cached(
            "SELECT at, took, result, http_status, errcode, detail FROM attempt WHERE message = ?1 ORDER BY n",
        )
        .and_then(|mut s| s.query_map([id], attempt)?.collect::<Result<_, _>>())
        .map_err(fault)?;
    db.prepare_cached(
        "SELECT txn, sender, status, frozen_at, event_id, relates_to FROM message WHERE id = ?1",
    )
    .and_then(|mut s| {
        s.query_row([id], |row| {
            Ok(MessageView {
                txn: row.get(0)?,
                sender: row.get(1)?,
                status: message_status(&row.get::<_, String>(2)?),
                frozen_at: moment(row, 3)?,
                event_id: row.get(4)?,
                relates_to: row.get(5)?,
                members,
                attempts,
            })
        })
    })
    .map_err(fault)
}

fn attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    Ok(Attempt {
        at: moment(row, 0)?,
        took: span(row.get(1)?),
        result: row.get(2)?,
        http_status: row.get(3)?,
        errcode: row.get(4)?,
        detail: row.get(5)?,
    })
}

/// Counts no further than a person needs.
fn count(db: &Connection, rows: &str) -> Result<u64, StoreError> {
    db.prepare_cached(&format!("SELECT count(*) FROM ({rows} LIMIT 1000)"))
        .and_then(|mut s| s.query_row([], |row| row.get(0)))
        .map_err(fault)
}

fn rooms(db: &Connection) -> Result<Vec<RoomView>, StoreError> {
    db.prepare_cached(ROOMS).and_then(|mut s| s.query_map(params![], room_view)?.collect()).map_err(fault)
}

pub(crate) const ROOMS: &str = "SELECT room, hold, hold_since, due, \
         (SELECT count(*) FROM (SELECT 1 FROM delivery d WHERE d.room = room.room AND status = 'pending' LIMIT 1000)) \
         + EXISTS (SELECT 1 FROM message m WHERE m.room = room.room AND status = 'open'), \
         coalesce((SELECT min(received_at) FROM delivery d JOIN message m ON m.id = d.message \
                   WHERE m.room = room.room AND m.status = 'open'), \
                  (SELECT received_at FROM delivery d WHERE d.room = room.room AND status = 'pending' \
                   ORDER BY seq LIMIT 1)) \
         FROM room ORDER BY room";

fn room_view(row: &Row<'_>) -> rusqlite::Result<RoomView> {
    let hold: Option<String> = row.get(1)?;
    Ok(RoomView {
        room: row.get(0)?,
        hold: hold.zip(moment_or_none(row, 2)?),
        due: moment(row, 3)?,
        waiting: row.get(4)?,
        oldest: moment_or_none(row, 5)?,
    })
}
