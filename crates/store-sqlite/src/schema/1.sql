-- Schema 1. Times are milliseconds since the Unix epoch; words are those of the store's vocabulary.

-- The dedupe mark and the debt in one. NULL in expires_at: never forgotten.
CREATE TABLE delivery (
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,
    id             TEXT    NOT NULL UNIQUE,
    key            BLOB    NOT NULL UNIQUE,
    source         TEXT    NOT NULL,
    status         TEXT    NOT NULL,
    reason         TEXT,
    subject        BLOB,
    round          INTEGER,
    rank           INTEGER,
    room           TEXT,
    notify         INTEGER NOT NULL DEFAULT 0,
    content        TEXT,
    line           TEXT,
    message        INTEGER REFERENCES message (id),
    solo           INTEGER NOT NULL DEFAULT 0,
    refusals       INTEGER NOT NULL DEFAULT 0,
    seen           INTEGER NOT NULL DEFAULT 1,
    received_at    INTEGER NOT NULL,
    event_time     INTEGER,
    keep           INTEGER NOT NULL,
    expires_at     INTEGER,
    raw            BLOB,
    state          TEXT,
    outcome        TEXT,
    workflow       TEXT,
    job            TEXT,
    repo           TEXT,
    run_id         TEXT,
    node           TEXT,
    correlation_id TEXT    NOT NULL,
    verified_by    TEXT    NOT NULL,
    request_id     TEXT    NOT NULL
) STRICT;

CREATE INDEX delivery_pending ON delivery (room, seq) WHERE status = 'pending';
CREATE INDEX delivery_aside   ON delivery (status, source, seq)
    WHERE status IN ('parked', 'superseded', 'dropped', 'ignored', 'unreadable', 'stale');
CREATE INDEX delivery_expiry  ON delivery (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX delivery_subject ON delivery (subject) WHERE subject IS NOT NULL;
CREATE INDEX delivery_message ON delivery (message) WHERE message IS NOT NULL;

-- How far a subject has come, and the event that shows it. It lives as long as any of its deliveries.
CREATE TABLE subject (
    subject       BLOB    PRIMARY KEY,
    round         INTEGER NOT NULL,
    rank          INTEGER NOT NULL,
    anchor_event  TEXT,
    anchor_room   TEXT,
    anchor_sender TEXT
) STRICT, WITHOUT ROWID;

-- The machines that deliveries of a group named.
CREATE TABLE machine (
    grp        BLOB    NOT NULL,
    name       TEXT    NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (grp, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX machine_expiry ON machine (expires_at);

-- What a PUT carries. Nothing but status, event_id and attempts ever changes.
CREATE TABLE message (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    room        TEXT    NOT NULL,
    sender      TEXT    NOT NULL,
    txn         TEXT    NOT NULL UNIQUE,
    body        TEXT    NOT NULL,
    prev_event  TEXT,
    prev_sender TEXT,
    frozen_at   INTEGER NOT NULL,
    frozen_by   TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    event_id    TEXT,
    attempts    INTEGER NOT NULL DEFAULT 0
) STRICT;

-- One message in hand a room.
CREATE UNIQUE INDEX message_open ON message (room) WHERE status = 'open';
CREATE INDEX message_uncertain ON message (id) WHERE status = 'uncertain';

CREATE TABLE attempt (
    message     INTEGER NOT NULL REFERENCES message (id) ON DELETE CASCADE,
    n           INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    took        INTEGER NOT NULL,
    result      TEXT    NOT NULL,
    http_status INTEGER,
    errcode     TEXT,
    detail      TEXT    NOT NULL,
    PRIMARY KEY (message, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE room (
    room        TEXT    PRIMARY KEY,
    due         INTEGER NOT NULL DEFAULT 0,
    owner       TEXT    NOT NULL DEFAULT '',
    -- Under which session the open message was handed out; empty when under several.
    session     TEXT    NOT NULL DEFAULT '',
    gen         INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER NOT NULL DEFAULT 0,
    taken_at    INTEGER NOT NULL DEFAULT 0,
    hold        TEXT,
    hold_since  INTEGER,
    last_event  TEXT,
    last_sender TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE gate (
    sender TEXT    PRIMARY KEY,
    until  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row: the user and device whose transaction ids the homeserver remembers for us.
CREATE TABLE identity (
    only   INTEGER PRIMARY KEY CHECK (only = 1),
    user   TEXT NOT NULL,
    device TEXT
) STRICT;

-- Senders of an application service: their device was made, they have joined.
CREATE TABLE ghost (
    sender TEXT    NOT NULL,
    room   TEXT    NOT NULL,
    device TEXT    NOT NULL,
    joined INTEGER NOT NULL,
    PRIMARY KEY (sender, room)
) STRICT, WITHOUT ROWID;

-- Marks of those who only want to know whether they have seen something.
CREATE TABLE mark (
    key        BLOB    PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX mark_expiry ON mark (expires_at);
