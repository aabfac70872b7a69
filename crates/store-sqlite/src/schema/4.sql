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
