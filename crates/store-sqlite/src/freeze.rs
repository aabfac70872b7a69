//! Freeze and take over: transitions 2 and 3.

use meshhook_store::{
    Anchor, Candidate, Content, Draft, Frozen, Key, Lease, Member, Message, Moment, Pick, Queue, Rank,
    StoreError, SubjectKey, Take, Taken, Voice,
    rules::{self, Turn},
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::fault::fault;
use crate::row::moment;
use crate::upkeep::leave_message;

struct Room {
    due: Moment,
    owner: String,
    generation: u64,
    lease_until: Moment,
    taken_at: Moment,
    held: bool,
    last_event: Option<String>,
    last_sender: Option<String>,
    open: Option<Open>,
}

/// A room's message in hand.
struct Open {
    id: i64,
    sender: String,
}

/// The message in hand, or the next one. The caller's transaction makes both the lease and the message durable.
pub(crate) fn take(db: &Connection, take: &Take<'_>) -> Result<Taken, StoreError> {
    if !is_pinned(db, take)? {
        return Ok(Taken::NotPinned);
    }
    let Some(room) = room(db, take.room)? else { return Ok(Taken::Nothing { until: None }) };
    match &room.open {
        Some(open) => take_open(db, take, &room, open),
        None if room.held => Ok(Taken::Held),
        None if is_awaited(db, take.room)? => take_next(db, take, &room),
        None => Ok(Taken::Nothing { until: None }),
    }
}

fn take_open(db: &Connection, take: &Take<'_>, room: &Room, open: &Open) -> Result<Taken, StoreError> {
    let gate = Gate::of(db, take, &open.sender)?;
    let lease = rules::believable(room.lease_until, rules::LEASE, take.now);
    let leased = (room.owner != take.owner && lease > take.now).then_some(lease);
    match gate.closed.or(leased).map_or_else(|| wait(db, take, room, &gate), |until| Ok(Some(until)))? {
        Some(until) => Ok(Taken::Nothing { until: Some(until) }),
        None => hand_out(db, take, room, open.id, false),
    }
}

fn take_next(db: &Connection, take: &Take<'_>, room: &Room) -> Result<Taken, StoreError> {
    let candidates = candidates(db, take.room)?;
    let lead = candidates.first().and_then(|oldest| oldest.speaker.as_deref());
    let sender = match sender(take, lead) {
        Ok(sender) => sender,
        Err(unprepared) => return Ok(unprepared),
    };
    let gate = Gate::of(db, take, &sender)?;
    if let Some(until) = gate.closed.map_or_else(|| wait(db, take, room, &gate), |until| Ok(Some(until)))? {
        return Ok(Taken::Nothing { until: Some(until) });
    }
    let queue = Queue { candidates, gate: gate.opened, now: take.now };
    let picks = rules::sound((take.plan)(&queue), &queue);
    let sender = match self::sender(take, rules::speaker(&picks, &queue.candidates)) {
        Ok(sender) => sender,
        Err(unprepared) => return Ok(unprepared),
    };
    if let Some(until) = Gate::of(db, take, &sender)?.closed {
        return Ok(Taken::Nothing { until: Some(until) });
    }
    let message = freeze(db, take, room, &picks, sender)?;
    hand_out(db, take, room, message, true)
}

/// Who sends what a machine has to say.
fn sender(take: &Take<'_>, speaker: Option<&str>) -> Result<String, Taken> {
    let Some(speaker) = speaker else { return Ok(take.identity.user.clone()) };
    match (take.voice)(speaker) {
        Voice::Ghost(user) => Ok(user),
        Voice::Sender => Ok(take.identity.user.clone()),
        Voice::Unknown => Err(Taken::Unprepared { speaker: speaker.to_owned() }),
    }
}

/// When to ask again, where it is not this room's time.
fn wait(db: &Connection, take: &Take<'_>, room: &Room, gate: &Gate) -> Result<Option<Moment>, StoreError> {
    let due = believable(room.due, take);
    if due > take.now {
        return Ok(Some(due));
    }
    Ok(is_anothers_turn(db, take, room, gate.opened)?.then(|| take.now.plus(rules::TURN)))
}

/// A room's or gate's time, as far as it may be believed.
fn believable(until: Moment, take: &Take<'_>) -> Moment {
    rules::believable(until, rules::LONGEST_WAIT, take.now)
}

fn is_awaited(db: &Connection, room: &str) -> Result<bool, StoreError> {
    db.prepare_cached("SELECT EXISTS (SELECT 1 FROM delivery WHERE room = ?1 AND status = 'pending')")
        .and_then(|mut s| s.query_row([room], |row| row.get(0)))
        .map_err(fault)
}

fn is_pinned(db: &Connection, take: &Take<'_>) -> Result<bool, StoreError> {
    db.prepare_cached("SELECT user = ?1 AND device IS ?2 FROM identity")
        .and_then(|mut s| {
            s.query_row(params![take.identity.user, take.identity.device], |row| row.get(0)).optional()
        })
        .map(|same| same.unwrap_or(false))
        .map_err(fault)
}

/// A sender's gate.
struct Gate {
    /// Until when it is closed.
    closed: Option<Moment>,
    /// Since when it is open.
    opened: Option<Moment>,
}

impl Gate {
    fn of(db: &Connection, take: &Take<'_>, sender: &str) -> Result<Self, StoreError> {
        let until = db
            .prepare_cached("SELECT until FROM gate WHERE sender = ?1")
            .and_then(|mut s| s.query_row([sender], |row| moment(row, 0)).optional())
            .map_err(fault)?;
        Ok(Self {
            closed: until.map(|until| believable(until, take)).filter(|until| *until > take.now),
            opened: until.filter(|until| *until <= take.now),
        })
    }
}

fn room(db: &Connection, room: &str) -> Result<Option<Room>, StoreError> {
    db.prepare_cached(
        "SELECT due, owner, gen, lease_until, taken_at, hold IS NOT NULL, last_event, last_sender, \
         m.id, m.sender FROM room r LEFT JOIN message m ON m.room = r.room AND m.status = 'open' WHERE r.room = ?1",
    )
    .and_then(|mut s| {
        s.query_row([room], |row| {
            Ok(Room {
                due: moment(row, 0)?,
                owner: row.get(1)?,
                generation: row.get(2)?,
                lease_until: moment(row, 3)?,
                taken_at: moment(row, 4)?,
                held: row.get(5)?,
                last_event: row.get(6)?,
                last_sender: row.get(7)?,
                open: open(row, 8)?,
            })
        })
        .optional()
    })
    .map_err(fault)
}

fn open(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Open>> {
    let (id, sender): (Option<i64>, Option<String>) = (row.get(column)?, row.get(column + 1)?);
    Ok(id.zip(sender).map(|(id, sender)| Open { id, sender }))
}

/// Asked only where the sender was limited lately.
fn is_anothers_turn(
    db: &Connection,
    take: &Take<'_>,
    this: &Room,
    gate: Option<Moment>,
) -> Result<bool, StoreError> {
    let lately = |gate: &Moment| take.now.since(*gate) < rules::TURNS;
    let Some(gate) = gate.filter(lately) else { return Ok(false) };
    let others: Vec<Turn> = db
        .prepare_cached(
            "SELECT due, taken_at FROM room r WHERE room <> ?1 AND hold IS NULL \
             AND (EXISTS (SELECT 1 FROM message m WHERE m.room = r.room AND status = 'open') \
                  OR EXISTS (SELECT 1 FROM delivery d WHERE d.room = r.room AND status = 'pending'))",
        )
        .and_then(|mut s| s.query_map([take.room], turn)?.collect())
        .map_err(fault)?;
    let this = Turn { due: this.due, taken_at: this.taken_at };
    Ok(others.into_iter().any(|other| rules::goes_first(other, this, gate, take.now)))
}

fn turn(row: &Row<'_>) -> rusqlite::Result<Turn> {
    Ok(Turn { due: moment(row, 0)?, taken_at: moment(row, 1)? })
}

fn candidates(db: &Connection, room: &str) -> Result<Vec<Candidate>, StoreError> {
    db.prepare_cached(CANDIDATES)
        .and_then(|mut s| s.query_map(params![room, rules::MAX_CANDIDATES], candidate)?.collect())
        .map_err(fault)
}

pub(crate) const CANDIDATES: &str = "SELECT seq, subject, rank, source, received_at, solo, octet_length(line), speaker \
             FROM delivery WHERE room = ?1 AND status = 'pending' ORDER BY seq LIMIT ?2";

fn candidate(row: &Row<'_>) -> rusqlite::Result<Candidate> {
    Ok(Candidate {
        seq: row.get(0)?,
        subject: SubjectKey(row.get(1)?),
        rank: Rank::from_number(row.get(2)?),
        source: row.get(3)?,
        received_at: moment(row, 4)?,
        solo: row.get(5)?,
        line_bytes: row.get(6)?,
        speaker: row.get(7)?,
    })
}

/// A delivery that enters a message.
struct Entering {
    seq: i64,
    member: Member,
    refusals: u32,
    /// The message that it was in before: that was refused, or written off.
    before: Option<i64>,
}

fn entering(db: &Connection, pick: Pick) -> Result<Entering, StoreError> {
    db.prepare_cached(
        "SELECT key, content, line, notify, round, received_at, refusals, speaker, message FROM delivery \
         WHERE seq = ?1",
    )
    .and_then(|mut s| {
        s.query_row([pick.seq], |row| {
            let member = Member {
                key: Key(row.get(0)?),
                content: Content {
                    content: row.get(1)?,
                    line: row.get(2)?,
                    notify: row.get(3)?,
                    speaker: row.get(7)?,
                },
                shown: pick.shown,
                round: row.get(4)?,
                received_at: moment(row, 5)?,
            };
            Ok(Entering { seq: pick.seq, member, refusals: row.get(6)?, before: row.get(8)? })
        })
    })
    .map_err(fault)
}

/// What a message of these may relate to: room and sender have to be the anchor's.
fn anchor(
    db: &Connection,
    take: &Take<'_>,
    picks: &[Pick],
    sender: &str,
) -> Result<Option<Anchor>, StoreError> {
    let [only] = picks else { return Ok(None) };
    db.prepare_cached(
        "SELECT anchor_event, anchor_round FROM delivery JOIN subject USING (subject) \
         WHERE seq = ?1 AND unrelated = 0 AND anchor_room = ?2 AND anchor_sender = ?3",
    )
    .and_then(|mut s| {
        s.query_row(params![only.seq, take.room, sender], |row| {
            Ok(Anchor { event_id: row.get(0)?, round: row.get(1)? })
        })
        .optional()
    })
    .map_err(fault)
}

fn freeze(
    db: &Connection,
    take: &Take<'_>,
    room: &Room,
    picks: &[Pick],
    sender: String,
) -> Result<i64, StoreError> {
    let all: Vec<Entering> = picks.iter().map(|pick| entering(db, *pick)).collect::<Result<_, _>>()?;
    let refused_before = all.iter().map(|one| one.refusals).max().unwrap_or(0);
    let left: Vec<(i64, Option<i64>)> = all.iter().map(|one| (one.seq, one.before)).collect();
    let draft = Draft {
        room: take.room.to_owned(),
        anchor: anchor(db, take, picks, &sender)?,
        sender,
        members: all.into_iter().map(|one| one.member).collect(),
        refused_before,
        now: take.now,
    };
    let Frozen { txn, body, relates_to } = (take.freeze)(&draft);
    let id = db
        .prepare_cached(
            "INSERT INTO message (room, sender, txn, body, prev_event, prev_sender, relates_to, frozen_at, frozen_by, \
             status) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'open')",
        )
        .and_then(|mut s| {
            s.insert(params![
                draft.room,
                draft.sender,
                txn,
                body,
                room.last_event,
                room.last_sender,
                relates_to,
                take.now.millis(),
                take.owner,
            ])
        })
        .map_err(fault)?;
    for (seq, before) in left {
        enter_message(db, seq, id, before)?;
    }
    db.prepare_cached("UPDATE room SET session = ?2 WHERE room = ?1")
        .and_then(|mut s| s.execute([take.room, take.session]))
        .map_err(fault)?;
    Ok(id)
}

/// The message that it was in before goes with the last of its members.
fn enter_message(db: &Connection, seq: i64, message: i64, before: Option<i64>) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE delivery SET status = 'in_message', message = ?2 WHERE seq = ?1")
        .and_then(|mut s| s.execute([seq, message]))
        .map_err(fault)?;
    before.map_or(Ok(()), |before| leave_message(db, before))
}

fn hand_out(
    db: &Connection,
    take: &Take<'_>,
    room: &Room,
    id: i64,
    fresh: bool,
) -> Result<Taken, StoreError> {
    let generation = room.generation + 1;
    let message = message(db, id, take.now)?;
    db.prepare_cached(
        "UPDATE room SET gen = ?2, owner = ?3, lease_until = ?4, taken_at = ?5, \
         session = CASE session WHEN ?6 THEN session ELSE '' END WHERE room = ?1",
    )
    .and_then(|mut s| {
        let lease_until = take.now.plus(rules::LEASE).millis();
        s.execute(params![take.room, generation, take.owner, lease_until, take.now.millis(), take.session])
    })
    .map_err(fault)?;
    let lease = Lease { room: take.room.to_owned(), generation, message: id };
    Ok(Taken::Message { lease, message: Box::new(message), fresh })
}

fn message(db: &Connection, id: i64, now: Moment) -> Result<Message, StoreError> {
    db.prepare_cached(
        "SELECT room, sender, txn, body, prev_event, prev_sender, relates_to, frozen_at, frozen_by, session, attempts, \
         (SELECT count(*) FROM attempt WHERE message = ?1 AND http_status >= 500 AND errcode IS NOT NULL AND at >= ?2) \
         FROM message JOIN room USING (room) WHERE id = ?1",
    )
    .and_then(|mut s| {
        s.query_row(params![id, now.minus(rules::TROUBLE).millis()], |row| {
            Ok(Message {
                id,
                room: row.get(0)?,
                sender: row.get(1)?,
                txn: row.get(2)?,
                body: row.get(3)?,
                prev_event: row.get(4)?,
                prev_sender: row.get(5)?,
                relates_to: row.get(6)?,
                frozen_at: moment(row, 7)?,
                frozen_by: row.get(8)?,
                session: row.get(9)?,
                attempts: row.get(10)?,
                server_errors: row.get(11)?,
            })
        })
    })
    .map_err(fault)
}
