-- Schema 3: sources that are heard of changes alone, and when machines were last heard of.

-- What a delivery means to its branch, where that was asked: the trend's word, when the branch broke, when that was found.
ALTER TABLE delivery ADD COLUMN news TEXT;
ALTER TABLE delivery ADD COLUMN news_since INTEGER;
ALTER TABLE delivery ADD COLUMN news_at INTEGER;

-- Which branch, as filters see it: why one was not said.
ALTER TABLE delivery ADD COLUMN branch TEXT;

-- What is ignored under its body's key, and so within a bound. What is ignored under a key of its own stays as long as
-- any mark.
CREATE INDEX delivery_ignored ON delivery (source, seq) WHERE status = 'ignored' AND rank IS NULL;

-- How each branch ended the last time.
CREATE TABLE ending (
    branch     BLOB    PRIMARY KEY,
    well       INTEGER NOT NULL,
    word       TEXT    NOT NULL,
    since      INTEGER NOT NULL,
    told_by    BLOB    NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX ending_expiry ON ending (expires_at);
CREATE INDEX ending_told_by ON ending (told_by);

-- The last sign of life of each machine. The delivery may be forgotten before it.
CREATE TABLE node (
    name      TEXT    PRIMARY KEY,
    last_seen INTEGER NOT NULL,
    delivery  TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX node_age ON node (last_seen);
