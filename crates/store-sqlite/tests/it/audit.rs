//! An audit finds what nothing of ours would have done: a file is broken on purpose, by a connection of its own.

use std::cell::Cell;

use meshhook_store::audit::{LookedAt, MAX_BREACHES};
use meshhook_store::conformance::fixture::*;
use meshhook_store::{Inspect, Rank, StoreError};
use meshhook_store_sqlite::SqliteStore;
use rusqlite::Connection;
use tempfile::TempDir;

/// A store with a delivery in each status, after this was done to its file.
fn broken(statements: &str) -> (TempDir, SqliteStore) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("meshhook.db");
    let store = SqliteStore::open(&path).unwrap();
    one_of_each(&store);
    let raw = Connection::open(&path).unwrap();
    raw.execute_batch("PRAGMA foreign_keys = OFF; DROP INDEX message_open").unwrap();
    raw.execute_batch(statements).unwrap_or_else(|why| panic!("{statements}: {why}"));
    (folder, store)
}

/// The breaches, with keys cut after what they begin with.
fn found(store: &SqliteStore) -> Vec<String> {
    let breaches = store.audit(&shown_keys).unwrap().breaches;
    breaches.iter().map(|breach| breach.to_string().replace(&"0".repeat(56), "…")).collect()
}

#[test]
fn each_breach_is_found() {
    for (statements, breaches) in BROKEN {
        let (_folder, store) = broken(statements);
        assert_eq!(found(&store), *breaches, "{statements}");
    }
}

const BROKEN: &[(&str, &[&str])] = &[
    ("", &[]),
    (
        "UPDATE delivery SET status = 'pending' WHERE id = 'uncertain'",
        &["invariant 1: delivery uncertain (pending) has left a message that may be in the room"],
    ),
    (
        "UPDATE delivery SET status = 'parked' WHERE id = 'in_message'",
        &["invariant 1: delivery in_message (parked) has left a message that may be in the room"],
    ),
    (
        "UPDATE delivery SET message = 4 WHERE id = 'uncertain'",
        &[
            "invariant 0: message 3 (uncertain) has no deliveries",
            "invariant 1: message 3 (uncertain) carries the key of a delivery that is elsewhere: 01030102…",
            "invariant 2: message 4 (open) does not carry its member 01030102…",
        ],
    ),
    (
        "UPDATE message SET body = 'run 9 round 1 rank 2 ' WHERE id = 4",
        &[
            "invariant 2: message 4 (open) does not carry its member 01040102…",
            "invariant 2: message 4 (open) carries what is no delivery's key: 01090102…",
        ],
    ),
    (
        "INSERT INTO attempt VALUES (99, 1, 0, 0, 'sent', 200, NULL, '')",
        &["invariant 3: message 99 has attempts and is not on record"],
    ),
    (
        "UPDATE message SET status = 'open' WHERE id = 2",
        &[
            "invariant 1: delivery parked (parked) has left a message that may be in the room",
            "invariant 4: message 4 (open) is not the only open one of its room",
        ],
    ),
    ("UPDATE message SET event_id = NULL WHERE id = 1", &["invariant 5: message 1 (sent) has no event"]),
    ("UPDATE message SET event_id = '$e' WHERE id = 4", &["invariant 5: message 4 (open) has an event"]),
    (
        "UPDATE delivery SET status = 'dropped' WHERE id = 'sent'",
        &["invariant 5: delivery sent (dropped) has left a message that is sent"],
    ),
    (
        "UPDATE delivery SET status = 'in_message', message = 4 WHERE id = 'later'",
        &[
            "invariant 6: delivery pending (pending) waits, and what came after it is in a message",
            "invariant 2: message 4 (open) does not carry its member 01050101…",
        ],
    ),
    (
        "UPDATE delivery SET rank = 2 WHERE id = 'superseded'",
        &[
            "invariant 7: delivery superseded (superseded) is terminal",
            "invariant 0: delivery superseded (superseded) is at odds with its subject or its message",
        ],
    ),
    (
        "UPDATE delivery SET expires_at = 1 WHERE expires_at IS NULL",
        &[
            "invariant 8: delivery parked (parked) is owed, and is to be forgotten",
            "invariant 8: delivery uncertain (in_message) is owed, and is to be forgotten",
            "invariant 8: delivery in_message (in_message) is owed, and is to be forgotten",
            "invariant 8: delivery pending (pending) is owed, and is to be forgotten",
            "invariant 8: delivery later (pending) is owed, and is to be forgotten",
        ],
    ),
    (
        "UPDATE delivery SET expires_at = NULL WHERE id IN ('sent', 'superseded', 'stale')",
        &[
            "invariant 0: delivery sent (in_message) is final, and is never forgotten",
            "invariant 0: delivery superseded (superseded) is final, and is never forgotten",
            "invariant 0: delivery stale (stale) is final, and is never forgotten",
        ],
    ),
    (
        "UPDATE message SET status = 'refused' WHERE id = 4",
        &["invariant 0: delivery in_message (in_message) is in no message that may be in the room"],
    ),
    (
        "DELETE FROM message WHERE id = 4",
        &[
            "invariant 0: delivery in_message (in_message) is in no message that may be in the room",
            "invariant 0: delivery in_message (in_message) is at odds with its subject or its message",
        ],
    ),
    (
        "UPDATE delivery SET content = NULL WHERE id = 'parked'",
        &["invariant 0: delivery parked (parked) is owed, and lacks its content, its room or its rank"],
    ),
    (
        "UPDATE delivery SET room = '!nowhere' WHERE id = 'pending'",
        &["invariant 0: delivery pending (pending) is owed, and lacks its content, its room or its rank"],
    ),
    (
        "UPDATE delivery SET room = '!other' WHERE id = 'in_message'",
        &["invariant 0: delivery in_message (in_message) is at odds with its subject or its message"],
    ),
    (
        "UPDATE subject SET rank = 0 WHERE subject = (SELECT subject FROM delivery WHERE id = 'sent')",
        &["invariant 0: delivery sent (in_message) is at odds with its subject or its message"],
    ),
    ("DELETE FROM delivery WHERE id = 'dropped'", &["invariant 0: subject 0306…0000 has no deliveries"]),
    (
        "UPDATE delivery SET status = 'happy' WHERE id = 'ignored'; UPDATE message SET status = 'sad' WHERE id = 1",
        &[
            "invariant 0: delivery sent (in_message) is in no message that may be in the room",
            "invariant 0: delivery sent (in_message) is at odds with its subject or its message",
            "invariant 0: delivery ignored has the status \"happy\"",
            "invariant 0: message 1 has the status \"sad\"",
        ],
    ),
];

#[test]
fn a_damaged_file_is_a_breach() {
    let (_folder, store) = broken(
        "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'delivery_expiry'; \
         PRAGMA writable_schema = RESET",
    );
    let found = found(&store);
    assert!(matches!(&found[..], [one] if one.starts_with("invariant 0: the file: ")), "{found:?}");
}

#[test]
fn breaches_beyond_the_bound_are_counted() {
    let (_folder, store) = broken(
        "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 150) \
         INSERT INTO delivery (id, key, source, status, received_at, keep, correlation_id, verified_by, request_id) \
         SELECT 'n' || i, randomblob(32), 's', 'ignored', 0, 0, '', '', '' FROM n",
    );
    let audit = store.audit(&|_| None).unwrap();
    assert_eq!((audit.breaches.len(), audit.more), (MAX_BREACHES, 50));
    assert_eq!(audit.looked_at.deliveries, 161);
}

/// In the middle of an audit others read and write as ever, and the audit sees the store as it was.
#[test]
fn an_audit_holds_nobody_up() {
    let (_folder, store) = broken("");
    let messages = Cell::new(0);
    let audit = store.audit(&|_| {
        messages.set(messages.get() + 1);
        State::of(100 + messages.get(), Rank::Terminal).accept(
            &store,
            &format!("new{}", messages.get()),
            at(9),
        );
        assert_eq!(store.totals().unwrap().rooms.len(), 2);
        None
    });
    let looked_at = LookedAt { deliveries: 11, messages: 4, attempts: 3, subjects: 6, rooms: 2 };
    assert_eq!(audit.unwrap().looked_at, looked_at);
    assert_eq!(store.audit(&|_| None).unwrap().looked_at.deliveries, 15);
}

/// What lies there now is another store.
#[test]
fn a_file_that_was_moved_is_not_audited() {
    let (folder, store) = broken("");
    let path = folder.path().join("meshhook.db");
    std::fs::rename(&path, folder.path().join("moved.db")).unwrap();
    std::fs::copy(folder.path().join("moved.db"), &path).unwrap();
    assert!(matches!(store.audit(&|_| None), Err(StoreError::Unusable(_))));
    assert!(matches!(store.said(ROOM, 1), Err(StoreError::Unusable(_))));
}
