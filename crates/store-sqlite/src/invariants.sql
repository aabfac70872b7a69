-- The invariants as triggers of one connection, which go with it: the statement that breaks one fails. Debug builds
-- install them where they write. Every state between two statements has to be a legal one, too.
--
-- FAIL, not ABORT: to undo a single statement SQLite would keep a journal of it, and then a full disk would undo that
-- statement alone, not the transaction, as it does without triggers.

PRAGMA temp_store = MEMORY;

-- 1. A key is in at most one message that is open, sent or uncertain.

CREATE TEMP TRIGGER invariant_1_moves BEFORE UPDATE OF message ON delivery
WHEN NEW.message IS NOT OLD.message
    AND EXISTS (SELECT 1 FROM message WHERE id = OLD.message AND status <> 'refused')
BEGIN
    SELECT RAISE(FAIL, 'invariant 1: a delivery leaves a message that may be in the room for another');
END;

CREATE TEMP TRIGGER invariant_1_leaves BEFORE UPDATE OF status ON delivery
WHEN NEW.status <> 'in_message'
    AND EXISTS (SELECT 1 FROM message WHERE id = NEW.message
                AND (status = 'open' OR status = 'uncertain' AND NEW.status <> 'dropped'))
BEGIN
    SELECT RAISE(FAIL, 'invariant 1: a delivery leaves a message that may be in the room');
END;

-- 2. A message row never changes but in status and event_id; attempts are counted.

CREATE TEMP TRIGGER invariant_2 BEFORE UPDATE OF
    id, room, sender, txn, body, prev_event, prev_sender, relates_to, frozen_at, frozen_by ON message
BEGIN
    SELECT RAISE(FAIL, 'invariant 2: a message changes');
END;

-- 3. No PUT without a durable message row.

CREATE TEMP TRIGGER invariant_3_attempt BEFORE INSERT ON attempt
WHEN NOT EXISTS (SELECT 1 FROM message WHERE id = NEW.message)
BEGIN
    SELECT RAISE(FAIL, 'invariant 3: an attempt of a message that is not on record');
END;

CREATE TEMP TRIGGER invariant_3_forgotten BEFORE DELETE ON message WHEN OLD.status = 'open'
BEGIN
    SELECT RAISE(FAIL, 'invariant 3: a message in hand is forgotten');
END;

CREATE TEMP TRIGGER invariant_3_member BEFORE UPDATE OF status, message ON delivery
WHEN NEW.status = 'in_message'
    AND NOT EXISTS (SELECT 1 FROM message WHERE id = NEW.message AND status <> 'refused')
BEGIN
    SELECT RAISE(FAIL, 'invariant 3: a delivery counts as sent by no message');
END;

-- 4. At most one open message a room.

CREATE TEMP TRIGGER invariant_4 BEFORE INSERT ON message
WHEN NEW.status = 'open' AND EXISTS (SELECT 1 FROM message WHERE room = NEW.room AND status = 'open')
BEGIN
    SELECT RAISE(FAIL, 'invariant 4: a second message of a room is open');
END;

-- 5. Sent is final; only sent has an event id. What was refused can turn out to be in the room; what is uncertain too,
-- or an operator writes it off.

CREATE TEMP TRIGGER invariant_5_status BEFORE UPDATE OF status ON message
WHEN NEW.status <> OLD.status
    AND (OLD.status, NEW.status) NOT IN (VALUES ('open', 'sent'), ('open', 'refused'), ('open', 'uncertain'),
                                                ('uncertain', 'sent'), ('uncertain', 'refused'), ('refused', 'sent'))
BEGIN
    SELECT RAISE(FAIL, 'invariant 5: a message goes back to a status that it has left');
END;

CREATE TEMP TRIGGER invariant_5_final BEFORE UPDATE OF event_id ON message
WHEN OLD.status = 'sent' AND NEW.event_id IS NOT OLD.event_id
BEGIN
    SELECT RAISE(FAIL, 'invariant 5: a sent message gets another event');
END;

CREATE TEMP TRIGGER invariant_5_new BEFORE INSERT ON message
WHEN NEW.status <> 'open' OR NEW.event_id IS NOT NULL
BEGIN
    SELECT RAISE(FAIL, 'invariant 5: a new message is not just open');
END;

CREATE TEMP TRIGGER invariant_5_event BEFORE UPDATE OF status, event_id ON message
WHEN (NEW.event_id IS NOT NULL) <> (NEW.status = 'sent')
BEGIN
    SELECT RAISE(FAIL, 'invariant 5: sent without an event, or not sent with one');
END;

CREATE TEMP TRIGGER invariant_5_member BEFORE UPDATE OF status ON delivery
WHEN OLD.status = 'in_message' AND NEW.status <> 'in_message'
    AND EXISTS (SELECT 1 FROM message WHERE id = OLD.message AND status = 'sent')
BEGIN
    SELECT RAISE(FAIL, 'invariant 5: a delivery that is sent becomes something else');
END;

-- 6. Members of a subject freeze in seq order.

CREATE TEMP TRIGGER invariant_6 BEFORE UPDATE OF message ON delivery
WHEN NEW.status = 'in_message'
    AND EXISTS (SELECT 1 FROM delivery d WHERE d.subject = NEW.subject AND d.room = NEW.room
                AND d.expires_at IS NULL AND d.status = 'pending' AND d.seq < NEW.seq)
BEGIN
    SELECT RAISE(FAIL, 'invariant 6: a delivery goes before an older one of its subject');
END;

-- 7. A terminal state is only suppressed by its own key; what its source is not to be heard of is ignored under it.

CREATE TEMP TRIGGER invariant_7 BEFORE UPDATE OF status, rank ON delivery
WHEN NEW.status = 'superseded' AND NEW.rank = 2
BEGIN
    SELECT RAISE(FAIL, 'invariant 7: a terminal state is superseded');
END;

CREATE TEMP TRIGGER invariant_7_new BEFORE INSERT ON delivery
WHEN NEW.status = 'superseded' AND NEW.rank = 2
BEGIN
    SELECT RAISE(FAIL, 'invariant 7: a terminal state comes in superseded');
END;

-- 8. What is not final has no expiry.

CREATE TEMP TRIGGER invariant_8 BEFORE UPDATE OF status, message, expires_at ON delivery
WHEN NEW.expires_at IS NOT NULL
    AND (NEW.status IN ('pending', 'parked')
         OR NEW.status = 'in_message'
             AND EXISTS (SELECT 1 FROM message WHERE id = NEW.message AND status IN ('open', 'uncertain')))
BEGIN
    SELECT RAISE(FAIL, 'invariant 8: what is owed is to be forgotten');
END;

CREATE TEMP TRIGGER invariant_8_new BEFORE INSERT ON delivery
WHEN (NEW.expires_at IS NULL) <> (NEW.status = 'pending')
BEGIN
    SELECT RAISE(FAIL, 'invariant 8: what comes in is owed and is to be forgotten, or neither');
END;

CREATE TEMP TRIGGER invariant_8_forgotten BEFORE DELETE ON delivery
WHEN OLD.status IN ('pending', 'parked')
    OR OLD.status = 'in_message'
        AND EXISTS (SELECT 1 FROM message WHERE id = OLD.message AND status IN ('open', 'uncertain'))
BEGIN
    SELECT RAISE(FAIL, 'invariant 8: what is owed is forgotten');
END;
