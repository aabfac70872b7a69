//! When keys last verified a delivery.

use std::collections::BTreeMap;

use meshhook_store::{Accepted, KeyUse, Moment, NewDelivery, StoreError, rules};
use rusqlite::{Connection, params};

use crate::fault::fault;
use crate::row::moment;

/// The last use of each key in a batch, by source and label, with the delivery that is on record: one write a key and
/// commit, however many deliveries there are.
#[derive(Default)]
pub(crate) struct Uses<'b>(BTreeMap<(&'b str, &'b str), (Moment, String)>);

impl<'b> Uses<'b> {
    /// A delivery, and what became of it.
    pub(crate) fn add(&mut self, new: &'b NewDelivery, answer: &Accepted) {
        let last = self.0.entry((&new.source, &new.facts.verified_by)).or_default();
        last.0 = new.received_at;
        last.1.clone_from(&answer.delivery);
    }

    /// Remembers them.
    pub(crate) fn note(&self, db: &Connection) -> Result<(), StoreError> {
        self.0.iter().try_for_each(|((source, key), (at, delivery))| used(db, source, key, *at, delivery))
    }
}

fn used(db: &Connection, source: &str, key: &str, at: Moment, delivery: &str) -> Result<(), StoreError> {
    let write = |statement| {
        db.prepare_cached(statement)
            .and_then(|mut s| s.execute(params![source, key, at.millis(), delivery]))
            .map_err(fault)
    };
    if write("UPDATE key_use SET last_used = ?3, delivery = ?4 WHERE source = ?1 AND key = ?2")? == 0 {
        write("INSERT INTO key_use VALUES (?1, ?2, ?3, ?4)")?;
        forget_oldest(db)?;
    }
    Ok(())
}

fn forget_oldest(db: &Connection) -> Result<(), StoreError> {
    db.prepare_cached(
        "DELETE FROM key_use WHERE (source, key) IN (SELECT source, key FROM key_use \
         ORDER BY last_used, source, key LIMIT max(0, (SELECT count(*) FROM key_use) - ?1))",
    )
    .and_then(|mut s| s.execute([rules::MAX_KEYS]))
    .map_err(fault)?;
    Ok(())
}

/// Forgets keys that nobody has used for long; how many.
pub(crate) fn purge(db: &Connection, now: Moment, limit: usize) -> Result<usize, StoreError> {
    db.prepare_cached(
        "DELETE FROM key_use WHERE (source, key) IN (SELECT source, key FROM key_use WHERE last_used < ?1 LIMIT ?2)",
    )
    .and_then(|mut s| s.execute(params![now.minus(rules::UNUSED).millis(), limit]))
    .map_err(fault)
}

pub(crate) fn uses(db: &Connection) -> Result<Vec<KeyUse>, StoreError> {
    db.prepare_cached("SELECT source, key, last_used, delivery FROM key_use ORDER BY source, key")
        .and_then(|mut s| {
            let view = |row: &rusqlite::Row<'_>| {
                let (source, key) = (row.get(0)?, row.get(1)?);
                Ok(KeyUse { source, key, last_used: moment(row, 2)?, delivery: row.get(3)? })
            };
            s.query_map([], view)?.collect()
        })
        .map_err(fault)
}
