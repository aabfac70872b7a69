-- Schema 2: messages that relate to the event that shows their subject.

-- Which round the anchor shows.
ALTER TABLE subject ADD COLUMN anchor_round INTEGER NOT NULL DEFAULT 1;

-- The event that the body relates to; it never changes.
ALTER TABLE message ADD COLUMN relates_to TEXT;

-- Said without a relation, since one was refused.
ALTER TABLE delivery ADD COLUMN unrelated INTEGER NOT NULL DEFAULT 0;

-- One row: the newest time in a body whose mark was forgotten. Nothing that is not newer is news, however far the
-- retention may reach back by now.
CREATE TABLE forgotten (
    only       INTEGER PRIMARY KEY CHECK (only = 1),
    event_time INTEGER NOT NULL
) STRICT;
