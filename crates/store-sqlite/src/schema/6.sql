-- Schema 6: accept writes to the end of its tables, but for the one place where a key belongs.

-- What is owed speaks for its subject itself; the row beside it has what became final, and stays as long as the last of
-- that. So accept does not write it, and nobody looks for what is final by its subject.
DROP INDEX delivery_subject;
CREATE INDEX delivery_owed ON delivery (subject, round, rank) WHERE expires_at IS NULL AND subject IS NOT NULL;

ALTER TABLE subject ADD COLUMN expires_at INTEGER NOT NULL DEFAULT 0;
UPDATE subject SET expires_at = final.expires_at
    FROM (SELECT subject, max(expires_at) AS expires_at FROM delivery
          WHERE expires_at IS NOT NULL AND subject IS NOT NULL GROUP BY subject) final
    WHERE final.subject = subject.subject;

-- In words that cost nothing: to look into a list of them, SQLite builds a table of it for each row that is written.
DROP INDEX delivery_aside;
CREATE INDEX delivery_aside ON delivery (status, source) WHERE status <> 'pending' AND status <> 'in_message';
