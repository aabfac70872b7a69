//! Freeze, take over, settle and its failures: transitions 2 and 3, 6 to 10.

use super::{Anchored, MemoryStore, MessageRow, Room, Tables};
use crate::rules;
use crate::{
    Anchor, Attempt, Candidate, Draft, Frozen, Lease, Member, Message, MessageStatus, Moment, Negative,
    Outbox, Pick, Queue, Refused, Status, StoreError, Take, Taken, Voice,
};

impl Outbox for MemoryStore {
    fn take(&self, take: &Take<'_>) -> Result<Taken, StoreError> {
        Ok(self.tables().take(take))
    }

    fn settle(&self, message: i64, event_id: &str, attempt: &Attempt, now: Moment) -> Result<(), StoreError> {
        self.tables().settle(message, event_id, attempt, now);
        Ok(())
    }

    fn postpone(&self, lease: &Lease, attempt: &Attempt, negative: &Negative) -> Result<bool, StoreError> {
        Ok(self.tables().postpone(lease, attempt, negative))
    }

    fn refuse(&self, lease: &Lease, attempt: &Attempt, now: Moment) -> Result<Refused, StoreError> {
        Ok(self.tables().refuse(lease, attempt, now))
    }

    fn give_up(&self, lease: &Lease, attempt: &Attempt, now: Moment) -> Result<bool, StoreError> {
        Ok(self.tables().close(lease, MessageStatus::Uncertain, attempt, now))
    }

    fn hand_over(&self, lease: &Lease, attempt: &Attempt, now: Moment) -> Result<bool, StoreError> {
        Ok(self.tables().hand_over(lease, attempt, now))
    }

    fn hold(&self, room: &str, why: Option<&str>, now: Moment) -> Result<(), StoreError> {
        let mut tables = self.tables();
        match (why, tables.rooms.get_mut(room)) {
            (Some(why), _) => tables.hold(room, why, now),
            (None, Some(room)) => room.hold = None,
            (None, None) => {}
        }
        Ok(())
    }

    fn hurry(&self, room: &str, now: Moment) -> Result<(), StoreError> {
        let mut tables = self.tables();
        let held = tables.rooms.get_mut(room).filter(|room| room.hold.is_some() && room.open.is_some());
        if let Some(room) = held {
            room.due = room.due.min(now);
        }
        Ok(())
    }
}

/// A sender's gate.
struct Gate {
    /// Until when it is closed.
    closed: Option<Moment>,
    /// Since when it is open.
    opened: Option<Moment>,
}

/// A room's or gate's time, as far as it may be believed.
fn believable(until: Moment, take: &Take<'_>) -> Moment {
    rules::believable(until, rules::LONGEST_WAIT, take.now)
}

impl Tables {
    fn take(&mut self, take: &Take<'_>) -> Taken {
        if self.pinned.as_ref() != Some(take.identity) {
            return Taken::NotPinned;
        }
        let Some(room) = self.rooms.get(take.room) else { return Taken::Nothing { until: None } };
        match (room.open, room.pending.first()) {
            (Some(open), _) => self.take_open(take, open),
            (None, _) if room.hold.is_some() => Taken::Held,
            (None, Some(_)) => self.take_next(take),
            (None, None) => Taken::Nothing { until: None },
        }
    }

    fn take_open(&mut self, take: &Take<'_>, open: i64) -> Taken {
        let gate = self.gate(take, &self.messages[&open].sender);
        let room = self.room(take.room);
        let lease = rules::believable(room.lease_until, rules::LEASE, take.now);
        let leased = (room.owner != take.owner && lease > take.now).then_some(lease);
        match gate.closed.or(leased).or_else(|| self.wait(take, gate.opened)) {
            Some(until) => Taken::Nothing { until: Some(until) },
            None => self.hand_out(take, open, false),
        }
    }

    fn take_next(&mut self, take: &Take<'_>) -> Taken {
        let candidates = self.candidates(take.room);
        let lead = candidates.first().and_then(|oldest| oldest.speaker.clone());
        let sender = match self.sender(take, lead.as_deref()) {
            Ok(sender) => sender,
            Err(unprepared) => return unprepared,
        };
        let gate = self.gate(take, &sender);
        if let Some(until) = gate.closed.or_else(|| self.wait(take, gate.opened)) {
            return Taken::Nothing { until: Some(until) };
        }
        let queue = Queue { candidates, gate: gate.opened, now: take.now };
        let picks = rules::sound((take.plan)(&queue), &queue);
        let sender = match self.sender(take, rules::speaker(&picks, &queue.candidates)) {
            Ok(sender) => sender,
            Err(unprepared) => return unprepared,
        };
        if let Some(until) = self.gate(take, &sender).closed {
            return Taken::Nothing { until: Some(until) };
        }
        let message = self.freeze(take, &picks, sender);
        self.hand_out(take, message, true)
    }

    /// Who sends what a machine has to say.
    fn sender(&self, take: &Take<'_>, speaker: Option<&str>) -> Result<String, Taken> {
        let Some(speaker) = speaker else { return Ok(take.identity.user.clone()) };
        match (take.voice)(speaker) {
            Voice::Ghost(user) => Ok(user),
            Voice::Sender => Ok(take.identity.user.clone()),
            Voice::Unknown => Err(Taken::Unprepared { speaker: speaker.to_owned() }),
        }
    }

    fn gate(&self, take: &Take<'_>, sender: &str) -> Gate {
        let until = self.gates.get(sender).copied();
        Gate {
            closed: until.map(|until| believable(until, take)).filter(|until| *until > take.now),
            opened: until.filter(|until| *until <= take.now),
        }
    }

    /// When to ask again, where it is not this room's time.
    fn wait(&self, take: &Take<'_>, gate: Option<Moment>) -> Option<Moment> {
        let room = self.rooms.get(take.room)?;
        let due = believable(room.due, take);
        if due > take.now {
            return Some(due);
        }
        gate.is_some_and(|gate| self.is_anothers_turn(take, room, gate)).then(|| take.now.plus(rules::TURN))
    }

    fn is_anothers_turn(&self, take: &Take<'_>, this: &Room, gate: Moment) -> bool {
        let mut others = self.rooms.iter().filter(|(name, room)| {
            *name != take.room && room.hold.is_none() && (room.open.is_some() || !room.pending.is_empty())
        });
        others.any(|(_, other)| rules::goes_first(other.turn(), this.turn(), gate, take.now))
    }

    fn candidates(&self, room: &str) -> Vec<Candidate> {
        let pending = self.rooms.get(room).map(|room| &room.pending);
        let candidates = pending.into_iter().flatten().filter_map(|&seq| {
            let row = &self.deliveries[&seq];
            let saying = row.saying.as_ref()?;
            Some(Candidate {
                seq,
                subject: saying.subject,
                rank: saying.top.1,
                source: row.source.clone(),
                received_at: row.received_at,
                solo: row.solo,
                line_bytes: saying.content.as_ref().map_or(0, |content| content.line.len()),
                speaker: saying.content.as_ref().and_then(|content| content.speaker.clone()),
            })
        });
        candidates.take(rules::MAX_CANDIDATES).collect()
    }

    fn member(&self, pick: Pick) -> Option<Member> {
        let row = &self.deliveries[&pick.seq];
        let saying = row.saying.as_ref()?;
        let (content, round) = (saying.content.clone()?, saying.top.0);
        Some(Member { key: row.key, content, shown: pick.shown, round, received_at: row.received_at })
    }

    fn anchor(&self, take: &Take<'_>, picks: &[Pick], sender: &str) -> Option<Anchor> {
        let [only] = picks else { return None };
        let row = self.deliveries.get(&only.seq).filter(|row| !row.unrelated)?;
        let known = self.subjects.get(&row.saying.as_ref()?.subject)?.anchor.as_ref()?;
        let fits = known.room == take.room && known.sender == sender;
        fits.then(|| known.anchor.clone())
    }

    fn freeze(&mut self, take: &Take<'_>, picks: &[Pick], sender: String) -> i64 {
        let draft = Draft {
            room: take.room.to_owned(),
            anchor: self.anchor(take, picks, &sender),
            sender,
            members: picks.iter().filter_map(|pick| self.member(*pick)).collect(),
            refused_before: picks.iter().map(|pick| self.deliveries[&pick.seq].refusals).max().unwrap_or(0),
            now: take.now,
        };
        let Frozen { txn, body, relates_to } = (take.freeze)(&draft);
        self.last_message += 1;
        let id = self.last_message;
        let room = self.room(take.room);
        for pick in picks {
            room.pending.remove(&pick.seq);
        }
        room.open = Some(id);
        take.session.clone_into(&mut room.session);
        let message = MessageRow {
            room: draft.room,
            sender: draft.sender,
            txn,
            body,
            prev: room.last.clone(),
            relates_to,
            frozen_at: take.now,
            frozen_by: take.owner.to_owned(),
            status: MessageStatus::Open,
            event_id: None,
            members: picks.iter().map(|pick| pick.seq).collect(),
            attempts: Vec::new(),
            attempted: 0,
        };
        self.messages.insert(id, message);
        for pick in picks {
            self.enter_message(pick.seq, id);
        }
        id
    }

    /// A message that was refused, or written off, goes with the last of its members.
    fn enter_message(&mut self, seq: i64, message: i64) {
        let Some(row) = self.deliveries.get_mut(&seq) else { return };
        row.status = Status::InMessage;
        if let Some(before) = row.message.replace(message) {
            self.leave_message(seq, before);
        }
    }

    fn hand_out(&mut self, take: &Take<'_>, id: i64, fresh: bool) -> Taken {
        let room = self.room(take.room);
        room.generation += 1;
        room.owner = take.owner.to_owned();
        room.lease_until = take.now.plus(rules::LEASE);
        room.taken_at = take.now;
        let session = room.session.clone();
        if session != take.session {
            room.session.clear();
        }
        let lease = Lease { room: take.room.to_owned(), generation: room.generation, message: id };
        let m = &self.messages[&id];
        let message = Message {
            id,
            room: m.room.clone(),
            sender: m.sender.clone(),
            txn: m.txn.clone(),
            body: m.body.clone(),
            prev_event: m.prev.as_ref().map(|(event, _)| event.clone()),
            prev_sender: m.prev.as_ref().map(|(_, sender)| sender.clone()),
            relates_to: m.relates_to.clone(),
            frozen_at: m.frozen_at,
            frozen_by: m.frozen_by.clone(),
            session,
            attempts: m.attempted,
            server_errors: m.server_errors(take.now),
        };
        Taken::Message { lease, message: Box::new(message), fresh }
    }

    fn settle(&mut self, id: i64, event_id: &str, attempt: &Attempt, now: Moment) {
        self.record(id, attempt);
        let Some(message) = self.messages.get_mut(&id) else { return };
        if message.status == MessageStatus::Sent {
            return;
        }
        message.status = MessageStatus::Sent;
        message.event_id = Some(event_id.to_owned());
        let (settled, room, sender) = (message.members.clone(), message.room.clone(), message.sender.clone());
        let related = message.relates_to.is_some();
        if let ([only], false) = (&settled[..], related) {
            self.set_anchor(*only, event_id, &room, &sender);
        }
        for &seq in &settled {
            self.settle_member(seq, id, now);
        }
        let room = self.room(&room);
        room.last = Some((event_id.to_owned(), sender));
        room.pending.retain(|seq| !settled.contains(seq));
        room.leave(id, now);
    }

    /// A subject's anchor is the event that shows it alone.
    fn set_anchor(&mut self, seq: i64, event_id: &str, room: &str, sender: &str) {
        let Some(saying) = &self.deliveries[&seq].saying else { return };
        let anchor = Anchor { event_id: event_id.to_owned(), round: saying.top.0 };
        if let Some(subject) = self.subjects.get_mut(&saying.subject) {
            subject.anchor = Some(Anchored { anchor, room: room.to_owned(), sender: sender.to_owned() });
        }
    }

    fn settle_member(&mut self, seq: i64, message: i64, now: Moment) {
        let Some(row) = self.deliveries.get_mut(&seq) else { return };
        if row.message == Some(message) {
            if let Some(saying) = &mut row.saying {
                saying.content = None;
            }
            row.reason = None;
            self.finish(seq, Status::InMessage, now);
        }
    }

    fn is_current(&self, lease: &Lease) -> bool {
        self.rooms
            .get(&lease.room)
            .is_some_and(|room| room.generation == lease.generation && room.open == Some(lease.message))
    }

    fn postpone(&mut self, lease: &Lease, attempt: &Attempt, negative: &Negative) -> bool {
        self.record(lease.message, attempt);
        if !self.is_current(lease) {
            return false;
        }
        if let (Some(gate), Some(message)) = (negative.gate, self.messages.get(&lease.message)) {
            let known = self.gates.entry(message.sender.clone()).or_default();
            *known = gate.max(rules::believable(*known, rules::LONGEST_WAIT, attempt.at));
        }
        if let Some(reason) = &negative.hold {
            self.hold(&lease.room, reason, attempt.at);
        }
        if let Some(due) = negative.due {
            self.room(&lease.room).due = due;
        }
        true
    }

    fn refuse(&mut self, lease: &Lease, attempt: &Attempt, now: Moment) -> Refused {
        if !self.close(lease, MessageStatus::Refused, attempt, now) {
            return Refused::Outdated;
        }
        let message = &self.messages[&lease.message];
        let members = message.members.clone();
        let refused = Refused::of(members.len(), message.relates_to.is_some());
        for seq in members {
            if let Some(row) = self.deliveries.get_mut(&seq) {
                row.refusals += 1;
                row.solo = true;
                row.unrelated |= refused == Refused::Unrelated;
                row.status = Status::Parked;
                row.reason = Some(attempt.errcode.clone().unwrap_or_else(|| attempt.detail.clone()));
            }
            if refused == Refused::Parked {
                self.unhear(seq);
            } else {
                self.pend(seq, now);
            }
        }
        refused
    }

    fn hand_over(&mut self, lease: &Lease, attempt: &Attempt, now: Moment) -> bool {
        if !self.close(lease, MessageStatus::Refused, attempt, now) {
            return false;
        }
        for seq in self.messages[&lease.message].members.clone() {
            if let Some(row) = self.deliveries.get_mut(&seq) {
                row.refusals += 1;
                if let Some(content) = row.saying.as_mut().and_then(|saying| saying.content.as_mut()) {
                    content.speaker = None;
                }
            }
            self.pend(seq, now);
        }
        true
    }

    fn close(&mut self, lease: &Lease, status: MessageStatus, attempt: &Attempt, now: Moment) -> bool {
        self.record(lease.message, attempt);
        if !self.is_current(lease) {
            return false;
        }
        if let Some(message) = self.messages.get_mut(&lease.message) {
            message.status = status;
        }
        self.room(&lease.room).leave(lease.message, now);
        true
    }

    fn hold(&mut self, room: &str, reason: &str, now: Moment) {
        let room = self.room(room);
        let since = room.hold.as_ref().map_or(now, |(_, since)| *since);
        room.hold = Some((reason.to_owned(), since));
    }

    fn record(&mut self, message: i64, attempt: &Attempt) {
        let Some(message) = self.messages.get_mut(&message) else { return };
        message.attempted += 1;
        message.attempts.push(attempt.clone());
        if message.attempts.len() > rules::MAX_ATTEMPTS {
            message.attempts.remove(rules::MAX_ATTEMPTS / 2);
        }
    }
}

impl MessageRow {
    fn server_errors(&self, now: Moment) -> u32 {
        let recent = self.attempts.iter().filter(|attempt| attempt.at >= now.minus(rules::TROUBLE));
        let failed = recent
            .filter(|attempt| attempt.errcode.is_some() && attempt.http_status.is_some_and(|s| s >= 500));
        u32::try_from(failed.count()).unwrap_or(u32::MAX)
    }
}

impl Room {
    fn turn(&self) -> rules::Turn {
        rules::Turn { due: self.due, taken_at: self.taken_at }
    }

    /// The room is free for its next message, if it was this one that kept it.
    fn leave(&mut self, message: i64, now: Moment) {
        if self.open == Some(message) {
            self.open = None;
            self.hold = None;
            self.due = now;
            self.lease_until = now;
        }
    }
}
