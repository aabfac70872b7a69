-- Schema 4: when the keys of each source last verified a delivery.

-- A key goes by its label, which is its file's name. The delivery may be forgotten before it. No index by age: there are
-- a thousand rows at most, and every commit writes one.
CREATE TABLE key_use (
    source    TEXT    NOT NULL,
    key       TEXT    NOT NULL,
    last_used INTEGER NOT NULL,
    delivery  TEXT    NOT NULL,
    PRIMARY KEY (source, key)
) STRICT, WITHOUT ROWID;

-- What deliveries on record tell: else a key that works would read as one that nobody ever used. Beside max(), a column
-- is that of the row with it (sqlite.org/lang_select.html, "Bare columns").
INSERT INTO key_use SELECT source, verified_by, max(received_at), id FROM delivery GROUP BY source, verified_by;
