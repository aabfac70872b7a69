//! When machines were last heard of.

use std::collections::BTreeMap;

use meshhook_store::{Accepted, NewDelivery, NodeView, SeenIn, StoreError, rules};
use rusqlite::{Connection, Row, params};

use crate::fault::fault;
use crate::row::{moment, shown};

/// The last sign of life of each machine in a batch: one write a machine and commit.
#[derive(Default)]
pub(crate) struct Signs<'b>(BTreeMap<&'b str, &'b NewDelivery>);

impl<'b> Signs<'b> {
    /// The machines that a delivery names, by what became of it.
    pub(crate) fn add(&mut self, new: &'b NewDelivery, answer: &Accepted) {
        if rules::is_sign_of_life(&new.id, answer) {
            self.0.extend(new.nodes.iter().map(|name| (&**name, new)));
        }
    }

    /// Remembers them.
    pub(crate) fn note(&self, db: &Connection) -> Result<(), StoreError> {
        self.0.iter().try_for_each(|(name, new)| seen(db, name, new))
    }
}

fn seen(db: &Connection, name: &str, new: &NewDelivery) -> Result<(), StoreError> {
    let write = |statement| {
        db.prepare_cached(statement)
            .and_then(|mut s| s.execute(params![name, new.received_at.millis(), new.id]))
            .map_err(fault)
    };
    if write("UPDATE node SET last_seen = ?2, delivery = ?3 WHERE name = ?1")? == 0 {
        write("INSERT INTO node VALUES (?1, ?2, ?3)")?;
        forget_oldest(db)?;
    }
    Ok(())
}

fn forget_oldest(db: &Connection) -> Result<(), StoreError> {
    db.prepare_cached(
        "DELETE FROM node WHERE name IN (SELECT name FROM node ORDER BY last_seen, name \
         LIMIT max(0, (SELECT count(*) FROM node) - ?1))",
    )
    .and_then(|mut s| s.execute([rules::MAX_NODES]))
    .map_err(fault)?;
    Ok(())
}

pub(crate) fn nodes(db: &Connection) -> Result<Vec<NodeView>, StoreError> {
    db.prepare_cached(
        "SELECT n.name, n.last_seen, n.delivery, d.source, d.workflow, d.state, d.status, m.status FROM node n \
         LEFT JOIN delivery d ON d.id = n.delivery LEFT JOIN message m ON m.id = d.message ORDER BY n.name",
    )
    .and_then(|mut s| s.query_map([], view)?.collect())
    .map_err(fault)
}

fn view(row: &Row<'_>) -> rusqlite::Result<NodeView> {
    let source: Option<String> = row.get(3)?;
    let seen_in = source.map(|source| {
        let status = shown(&row.get::<_, String>(6)?, row.get::<_, Option<String>>(7)?.as_deref());
        Ok::<_, rusqlite::Error>(SeenIn { source, workflow: row.get(4)?, state: row.get(5)?, status })
    });
    let (name, last_seen, delivery) = (row.get(0)?, moment(row, 1)?, row.get(2)?);
    Ok(NodeView { name, last_seen, delivery, seen_in: seen_in.transpose()? })
}
