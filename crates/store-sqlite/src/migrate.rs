//! Whose file it is; and from an older schema to this one, in one transaction.

use meshhook_store::StoreError;
use rusqlite::{Connection, TransactionBehavior};

use crate::fault::fault;

/// "mesh" in ASCII: which program's file this is (`PRAGMA application_id`).
const APPLICATION: i32 = 0x6d65_7368;

/// The steps from nothing to the newest schema; `PRAGMA user_version` counts those that were taken.
const STEPS: [&str; 6] = [
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
    include_str!("schema/6.sql"),
];

/// The schema of a file that is ours or empty.
///
/// # Errors
/// [`StoreError`] of a file that is neither, or of a schema that is not known here.
pub(crate) fn recognise(connection: &Connection) -> Result<usize, StoreError> {
    let number = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i64>(0)).map_err(fault);
    let found = number("PRAGMA user_version")?;
    if number("PRAGMA application_id")? != i64::from(APPLICATION)
        && number("SELECT count(*) FROM sqlite_schema")? > 0
    {
        return Err(StoreError::Unusable("it is another program's database".to_owned()));
    }
    match usize::try_from(found) {
        Ok(schema) if schema <= STEPS.len() => Ok(schema),
        _ => Err(StoreError::Newer { found, known: i64::try_from(STEPS.len()).unwrap_or(i64::MAX) }),
    }
}

/// Takes the steps that `schema` lacks. A file that lacks none is not written to.
pub(crate) fn migrate(connection: &mut Connection, schema: usize) -> Result<(), StoreError> {
    let newest = STEPS.len();
    if schema == newest {
        return Ok(());
    }
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)?;
    for step in STEPS.iter().skip(schema) {
        tx.execute_batch(step).map_err(fault)?;
    }
    tx.execute_batch(&format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {newest}"))
        .map_err(fault)?;
    tx.commit().map_err(fault)
}

#[cfg(test)]
mod tests {
    use meshhook_store::conformance::fixture::*;
    use meshhook_store::{Filter, Inspect, KeyUse, Moment, Outbox, Rank, Status, Upkeep, rules};

    use super::*;
    use crate::SqliteStore;
    use crate::open::open;

    /// What the first version had written when it was stopped: a delivery that waits, and one that is in the room.
    const OWED: &str = "
        INSERT INTO room (room, last_event, last_sender) VALUES ('!builds:example.org', '$before', '@bot:example.org');
        INSERT INTO subject (subject, round, rank, anchor_event, anchor_room, anchor_sender)
            VALUES (zeroblob(32), 1, 1, '$before', '!builds:example.org', '@bot:example.org');
        INSERT INTO message (id, room, sender, txn, body, frozen_at, frozen_by, status, event_id)
            VALUES (1, '!builds:example.org', '@bot:example.org', 'mh1', '{}', 0, 'p', 'sent', '$before');
        INSERT INTO delivery (id, key, source, status, subject, round, rank, room, message, received_at, keep,
            expires_at, correlation_id, verified_by, request_id)
            VALUES ('sent', zeroblob(32), 's', 'in_message', zeroblob(32), 1, 0, '!builds:example.org', 1, 0, 0, 1, 'c', 'k', 'r');
        INSERT INTO delivery (id, key, source, status, subject, round, rank, room, content, line, received_at, keep,
            correlation_id, verified_by, request_id)
            VALUES ('owed', randomblob(32), 's', 'pending', zeroblob(32), 1, 1, '!builds:example.org', '{}', '', 5000, 0, 'c', 'k', 'r');";

    /// A file as the version with that schema left it.
    fn left_by(schema: usize, path: &std::path::Path) {
        let old = Connection::open(path).unwrap();
        STEPS[..schema].iter().for_each(|step| old.execute_batch(step).unwrap());
        old.execute_batch(&format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {schema}"))
            .unwrap();
        old.execute_batch(OWED).unwrap();
    }

    #[test]
    fn what_an_older_version_owes_is_sent() {
        for schema in 1..STEPS.len() {
            let folder = tempfile::TempDir::new().unwrap();
            let path = folder.path().join("meshhook.db");
            left_by(schema, &path);
            let store = SqliteStore::open(&path).unwrap();
            let (_, message, _) = take_message(&store, ROOM, "one", START);
            assert_eq!(message.relates_to.as_deref(), Some("$before:1"), "{schema}");
            store.settle(message.id, "$event", &attempt("sent", START), START).unwrap();
            let view = |id: &str| store.show(id).unwrap().unwrap().delivery;
            assert_eq!(["sent", "owed"].map(|id| view(id).status), [Status::Sent; 2]);
            assert_eq!((view("sent").news, store.nodes().unwrap().len()), (None, 0));
            let known = KeyUse {
                source: "s".into(),
                key: "k".into(),
                last_used: Moment::from_seconds(5),
                delivery: "owed".into(),
            };
            // What a version that notes it has not noted did not happen.
            let known: Vec<_> = (schema < 4).then_some(known).into_iter().collect();
            assert_eq!(store.key_uses().unwrap(), known);
            State::of(1, Rank::Running).accept(&store, "new", START);
            assert!(send_one(&store, ROOM, START).is_some());
            State::of(2, Rank::Terminal).ends(1, false, "").accept(&store, "broke", START);
            let silent = State::of(3, Rank::Terminal).ends(1, false, "").accept(&store, "silent", START);
            assert_eq!(silent.status, Status::Ignored);
            let uses = store.key_uses().unwrap();
            assert!(uses.iter().any(|one| one.delivery == "silent"), "{uses:?}");
        }
    }

    /// It lacks tables that a newer one has.
    #[test]
    fn a_large_file_of_an_older_version_is_opened() {
        for schema in 1..STEPS.len() {
            let folder = tempfile::TempDir::new().unwrap();
            let path = folder.path().join("meshhook.db");
            left_by(schema, &path);
            let store = open(&path, 0).unwrap_or_else(|why| panic!("schema {schema}: {why}"));
            assert!(send_one(&store, ROOM, START).is_some());
        }
    }

    /// What schema 5 had in the place of what schema 6 has: each subject's row knew of what was owed as well.
    const BACK_TO_5: &str = "
        DROP INDEX delivery_owed;
        DROP INDEX delivery_aside;
        CREATE INDEX delivery_subject ON delivery (subject) WHERE subject IS NOT NULL;
        CREATE INDEX delivery_aside ON delivery (status, source, seq)
            WHERE status IN ('parked', 'superseded', 'dropped', 'ignored', 'unreadable', 'stale');
        INSERT INTO subject (subject, round, rank)
            SELECT subject, round, rank FROM delivery WHERE subject IS NOT NULL ORDER BY round, rank
            ON CONFLICT DO UPDATE SET round = excluded.round, rank = excluded.rank;
        ALTER TABLE subject DROP COLUMN expires_at;
        PRAGMA user_version = 5;";

    #[test]
    fn deliveries_in_every_status_come_through() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("meshhook.db");
        let lives = |store: &SqliteStore| -> Vec<_> {
            let all = store.list(&Filter { limit: 100, ..Filter::default() }).unwrap();
            all.iter().map(|view| store.show(&view.id).unwrap().unwrap()).collect()
        };
        let store = SqliteStore::open(&path).unwrap();
        one_of_each(&store);
        let (before, audit) = (lives(&store), store.audit(&shown_keys).unwrap());
        drop(store);
        Connection::open(&path).unwrap().execute_batch(BACK_TO_5).unwrap();

        let store = SqliteStore::open(&path).unwrap();
        assert_eq!((lives(&store), store.audit(&shown_keys).unwrap()), (before, audit));
        assert_eq!(store.retry("parked", false, START).unwrap().status, Status::Pending);
        while send_one(&store, ROOM, START.plus(rules::LEASE)).is_some() {}
        store.purge(START.plus(rules::TIMELESS * 2), 100).unwrap();
        let left = store.audit(&shown_keys).unwrap();
        assert_eq!((left.breaches, left.looked_at.deliveries, left.looked_at.subjects), (vec![], 1, 1));
    }

    #[test]
    fn a_subject_is_remembered_as_long_as_what_became_final_of_it() {
        for schema in 1..6 {
            let folder = tempfile::TempDir::new().unwrap();
            let path = folder.path().join("meshhook.db");
            left_by(schema, &path);
            let store = SqliteStore::open(&path).unwrap();
            let known = |column: &str| -> i64 {
                let query = format!("SELECT {column} FROM subject WHERE subject = zeroblob(32)");
                store.writer().query_row(&query, [], |row| row.get(0)).unwrap()
            };
            assert_eq!([known("round"), known("rank"), known("expires_at")], [1, 1, 1], "{schema}");
        }
    }
}
