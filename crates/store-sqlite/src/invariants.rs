//! The invariants asserted at the statement that breaks one, in debug builds.

use meshhook_store::StoreError;
use rusqlite::{Connection, ffi};

use crate::fault::fault;

const TRIGGERS: &str = include_str!("invariants.sql");

/// Installs the triggers for as long as the connection is open.
pub(crate) fn install(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch(TRIGGERS).map_err(fault)
}

/// Panics if the error is a trigger's. As an error of the store it would be tried again for ever, and no test would see
/// it; what the transaction had done is rolled back while the panic unwinds.
pub(crate) fn assert_none(error: &rusqlite::Error) {
    let broken = error.sqlite_error().is_some_and(|e| e.extended_code == ffi::SQLITE_CONSTRAINT_TRIGGER);
    assert!(!broken, "{error}");
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use meshhook_store::conformance::fixture::one_of_each;
    use meshhook_store::{Inspect, Status};
    use tempfile::TempDir;

    use super::*;
    use crate::SqliteStore;

    /// A store with a delivery in each status, and a connection with the triggers to break it by.
    fn guarded() -> (TempDir, SqliteStore, Connection) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("meshhook.db");
        let store = SqliteStore::open(&path).unwrap();
        one_of_each(&store);
        let raw = Connection::open(&path).unwrap();
        install(&raw).unwrap();
        (folder, store, raw)
    }

    fn refusal(db: &Connection, statement: &str) -> String {
        let error = db.execute(statement, []).expect_err(statement);
        let extended = error.sqlite_error().map(|e| e.extended_code);
        assert_eq!(extended, Some(ffi::SQLITE_CONSTRAINT_TRIGGER), "{statement}: {error}");
        error.to_string()
    }

    const BREAKING: &[(&str, &[&str])] = &[
        (
            "1: a delivery leaves a message that may be in the room for another",
            &[
                "UPDATE delivery SET message = 4 WHERE id = 'sent'",
                "UPDATE delivery SET message = 4 WHERE id = 'uncertain'",
            ],
        ),
        (
            "1: a delivery leaves a message that may be in the room",
            &[
                "UPDATE delivery SET status = 'pending' WHERE id = 'in_message'",
                "UPDATE delivery SET status = 'dropped' WHERE id = 'in_message'",
                "UPDATE delivery SET status = 'parked' WHERE id = 'uncertain'",
            ],
        ),
        (
            "3: an attempt of a message that is not on record",
            &["INSERT INTO attempt VALUES (9, 1, 0, 0, 'sent', 200, NULL, '')"],
        ),
        ("3: a message in hand is forgotten", &["DELETE FROM message WHERE id = 4"]),
        (
            "3: a delivery counts as sent by no message",
            &[
                "UPDATE delivery SET status = 'in_message' WHERE id = 'parked'",
                "UPDATE delivery SET status = 'in_message' WHERE id = 'pending'",
            ],
        ),
        (
            "4: a second message of a room is open",
            &["INSERT INTO message (room, sender, txn, body, frozen_at, frozen_by, status) \
               SELECT room, sender, 'other', body, frozen_at, frozen_by, status FROM message WHERE id = 4"],
        ),
        (
            "5: a message goes back to a status that it has left",
            &[
                "UPDATE message SET status = 'open', event_id = NULL WHERE id = 1",
                "UPDATE message SET status = 'refused', event_id = NULL WHERE id = 1",
                "UPDATE message SET status = 'uncertain' WHERE id = 2",
                "UPDATE message SET status = 'open' WHERE id = 3",
                "UPDATE message SET status = 'unheard of' WHERE id = 4",
            ],
        ),
        ("5: a sent message gets another event", &["UPDATE message SET event_id = '$other' WHERE id = 1"]),
        (
            "5: sent without an event, or not sent with one",
            &[
                "UPDATE message SET event_id = '$other' WHERE id = 4",
                "UPDATE message SET status = 'sent' WHERE id = 4",
            ],
        ),
        (
            "5: a new message is not just open",
            &[
                "INSERT INTO message (room, sender, txn, body, frozen_at, frozen_by, status, event_id) \
                 SELECT '!r', sender, 'other', body, frozen_at, frozen_by, 'sent', '$e' FROM message WHERE id = 4",
                "INSERT INTO message (room, sender, txn, body, frozen_at, frozen_by, status, event_id) \
                 SELECT '!r', sender, 'other', body, frozen_at, frozen_by, 'open', '$e' FROM message WHERE id = 4",
            ],
        ),
        (
            "5: a delivery that is sent becomes something else",
            &["UPDATE delivery SET status = 'dropped' WHERE id = 'sent'"],
        ),
        (
            "6: a delivery goes before an older one of its subject",
            &["UPDATE delivery SET status = 'in_message', message = 4 WHERE id = 'later'"],
        ),
        (
            "7: a terminal state is superseded",
            &[
                "UPDATE delivery SET status = 'superseded' WHERE id = 'parked'",
                "UPDATE delivery SET rank = 2 WHERE id = 'superseded'",
            ],
        ),
        (
            "7: a terminal state comes in superseded",
            &[
                "INSERT INTO delivery (id, key, source, status, rank, received_at, keep, expires_at, correlation_id, \
               verified_by, request_id) VALUES ('new', x'00', 's', 'superseded', 2, 0, 0, 1, 'c', 'k', 'r')",
            ],
        ),
        (
            "8: what comes in is owed and is to be forgotten, or neither",
            &[
                "INSERT INTO delivery (id, key, source, status, received_at, keep, expires_at, correlation_id, \
                 verified_by, request_id) VALUES ('new', x'00', 's', 'pending', 0, 0, 1, 'c', 'k', 'r')",
                "INSERT INTO delivery (id, key, source, status, received_at, keep, expires_at, correlation_id, \
                 verified_by, request_id) VALUES ('new', x'00', 's', 'ignored', 0, 0, NULL, 'c', 'k', 'r')",
            ],
        ),
        (
            "8: what is owed is to be forgotten",
            &[
                "UPDATE delivery SET expires_at = 1 WHERE id = 'pending'",
                "UPDATE delivery SET expires_at = 1 WHERE id = 'parked'",
                "UPDATE delivery SET expires_at = 1 WHERE id = 'in_message'",
                "UPDATE delivery SET expires_at = 1 WHERE id = 'uncertain'",
                "UPDATE delivery SET status = 'pending' WHERE id = 'dropped'",
            ],
        ),
        (
            "8: what is owed is forgotten",
            &[
                "DELETE FROM delivery WHERE id = 'pending'",
                "DELETE FROM delivery WHERE id = 'parked'",
                "DELETE FROM delivery WHERE id = 'in_message'",
                "DELETE FROM delivery WHERE id = 'uncertain'",
            ],
        ),
    ];

    #[test]
    fn each_invariant_is_asserted_where_it_is_broken() {
        let (_folder, _store, raw) = guarded();
        for (words, statements) in BREAKING {
            for statement in *statements {
                assert_eq!(refusal(&raw, statement), format!("invariant {words}"), "{statement}");
            }
        }
    }

    /// So that none is there that no test has seen.
    #[test]
    fn every_trigger_has_a_statement_that_it_stops() {
        let (_folder, _store, raw) = guarded();
        let triggers: Vec<String> = raw
            .prepare("SELECT sql FROM sqlite_temp_schema WHERE type = 'trigger'")
            .and_then(|mut s| s.query_map([], |row| row.get(0))?.collect())
            .unwrap();
        assert_eq!(triggers.len(), BREAKING.len() + 1, "and invariant 2, which has a test of its own");
        for (words, _) in BREAKING {
            assert!(triggers.iter().any(|sql| sql.contains(&format!("'invariant {words}'"))), "{words}");
        }
    }

    /// Also of the columns that a later schema adds.
    #[test]
    fn no_column_of_a_message_changes_but_three() {
        let (_folder, _store, raw) = guarded();
        let columns: Vec<String> = raw
            .prepare("SELECT name FROM pragma_table_info('message')")
            .and_then(|mut s| s.query_map([], |row| row.get(0))?.collect())
            .unwrap();
        for column in columns {
            let statement = format!("UPDATE message SET {column} = {column}");
            if ["status", "event_id", "attempts"].contains(&&*column) {
                assert_eq!(raw.execute(&statement, []), Ok(4), "{column}");
            } else {
                assert_eq!(refusal(&raw, &statement), "invariant 2: a message changes", "{column}");
            }
        }
    }

    #[cfg(debug_assertions)]
    #[test]
    fn a_breach_in_a_debug_build_panics_and_leaves_nothing_behind() {
        let (_folder, store, _raw) = guarded();
        let broken = catch_unwind(AssertUnwindSafe(|| {
            store.write(|tx| {
                tx.execute("UPDATE delivery SET reason = 'half done' WHERE id = 'parked'", [])
                    .map_err(fault)?;
                tx.execute("UPDATE delivery SET status = 'superseded' WHERE id = 'parked'", []).map_err(fault)
            })
        }));
        let said = broken.unwrap_err().downcast::<String>().unwrap();
        assert_eq!(*said, "invariant 7: a terminal state is superseded");
        let parked = store.show("parked").unwrap().unwrap().delivery;
        assert_eq!((parked.status, parked.reason.as_deref()), (Status::Parked, Some("")));
    }
}
