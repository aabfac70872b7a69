//! Views and orders: transitions 11 and 12.

use super::intake::times;
use super::{MemoryStore, MessageRow, Row, Saying, Tables};
use crate::rules::{self, Comparison, Verdict};
use crate::{
    Accepted, ActError, Announcement, Audit, DeliveryView, Filter, Inspect, Key, KeyUse, Latest, Life,
    MessageStatus, MessageView, Moment, NewDelivery, NodeView, Outcome, Purport, Raw, RoomView, Said, Status,
    StoreError, Totals,
};

impl Inspect for MemoryStore {
    fn list(&self, filter: &Filter) -> Result<Vec<DeliveryView>, StoreError> {
        let tables = self.tables();
        let before = filter.before.unwrap_or(i64::MAX);
        Ok(tables
            .deliveries
            .range(..before)
            .rev()
            .map(|(&seq, row)| tables.view(seq, row))
            .filter(|view| matches(filter, view))
            .take(filter.limit)
            .collect())
    }

    fn show(&self, id: &str) -> Result<Option<Life>, StoreError> {
        let tables = self.tables();
        let Some(&seq) = tables.by_id.get(id) else { return Ok(None) };
        let row = &tables.deliveries[&seq];
        Ok(Some(Life {
            delivery: tables.view(seq, row),
            content: row.saying.as_ref().and_then(|s| s.content.clone()),
            message: row.message.and_then(|m| tables.messages.get(&m)).map(|m| tables.message_view(m)),
        }))
    }

    fn totals(&self) -> Result<Totals, StoreError> {
        let tables = self.tables();
        let shown =
            |status| tables.deliveries.values().filter(|row| tables.shown(row) == status).count() as u64;
        let rooms = tables.rooms.iter().map(|(name, room)| RoomView {
            room: name.clone(),
            hold: room.hold.clone(),
            due: room.due,
            waiting: (room.pending.len() + usize::from(room.open.is_some())) as u64,
            oldest: tables.oldest(room),
        });
        Ok(Totals {
            rooms: rooms.collect(),
            parked: shown(Status::Parked),
            uncertain: shown(Status::Uncertain),
            evicted: tables.evicted,
        })
    }

    fn raw(&self, id: &str) -> Result<Option<Raw>, StoreError> {
        let tables = self.tables();
        let row = tables.by_id.get(id).map(|seq| &tables.deliveries[seq]);
        Ok(row.filter(|row| row.may_be_reread()).map(|row| Raw {
            source: row.source.clone(),
            raw: row.raw.clone(),
            received_at: row.received_at,
            facts: row.facts.clone(),
        }))
    }

    fn by_key(&self, key: &Key) -> Result<Option<DeliveryView>, StoreError> {
        let tables = self.tables();
        Ok(tables.by_key.get(key).map(|&seq| tables.view(seq, &tables.deliveries[&seq])))
    }

    fn said(&self, room: &str, limit: usize) -> Result<Vec<Said>, StoreError> {
        let tables = self.tables();
        let messages = tables.messages.iter().rev().filter(|(_, message)| message.room == room);
        Ok(messages.filter_map(|(&id, message)| tables.said(id, message)).take(limit).collect())
    }

    fn audit(&self, carried: &dyn Fn(&str) -> Option<Vec<Key>>) -> Result<Audit, StoreError> {
        Ok(self.tables().audit(carried))
    }

    fn nodes(&self) -> Result<Vec<NodeView>, StoreError> {
        Ok(self.tables().node_views())
    }

    fn latest(&self, room: &str, look_at: usize) -> Result<Vec<Latest>, StoreError> {
        Ok(self.tables().latest(room, look_at))
    }

    fn key_uses(&self) -> Result<Vec<KeyUse>, StoreError> {
        Ok(self.tables().key_use_views())
    }

    fn retry(&self, id: &str, force: bool, now: Moment) -> Result<Accepted, ActError> {
        self.tables().retry(id, force, now)
    }

    fn readmit(&self, id: &str, again: NewDelivery, now: Moment) -> Result<Accepted, ActError> {
        self.tables().readmit(id, again, now)
    }

    fn discard(&self, id: &str, now: Moment) -> Result<(), ActError> {
        self.tables().discard(id, now)
    }
}

fn matches(filter: &Filter, view: &DeliveryView) -> bool {
    fn fits(wanted: Option<&String>, found: Option<&String>) -> bool {
        wanted.is_none_or(|wanted| Some(wanted) == found)
    }
    filter.status.is_none_or(|status| status == view.status)
        && fits(filter.state.as_ref(), view.facts.state.as_ref())
        && fits(filter.source.as_ref(), Some(&view.source))
        && fits(filter.run.as_ref(), view.facts.run_id.as_ref())
        && fits(filter.node.as_ref(), view.facts.node.as_ref())
        && fits(filter.correlation_id.as_ref(), Some(&view.facts.correlation_id))
}

impl Row {
    /// Whether its body is kept for another reading.
    fn may_be_reread(&self) -> bool {
        rules::may_reread(self.status) && self.saying.is_none() && !self.raw.is_empty()
    }
}

impl Tables {
    fn view(&self, seq: i64, row: &Row) -> DeliveryView {
        DeliveryView {
            seq,
            id: row.id.clone(),
            key: row.key,
            source: row.source.clone(),
            status: self.shown(row),
            reason: row.reason.clone(),
            news: row.saying.as_ref().and_then(|s| s.news),
            round: row.saying.as_ref().map(|s| s.top.0),
            room: row.saying.as_ref().map(|s| s.room.clone()),
            received_at: row.received_at,
            seen: row.seen,
            expires_at: row.expires_at,
            event_id: self.event_of(row),
            facts: row.facts.clone(),
        }
    }

    fn message_view(&self, m: &MessageRow) -> MessageView {
        MessageView {
            txn: m.txn.clone(),
            sender: m.sender.clone(),
            status: m.status,
            frozen_at: m.frozen_at,
            event_id: m.event_id.clone(),
            relates_to: m.relates_to.clone(),
            members: m.members.iter().map(|seq| self.deliveries[seq].id.clone()).collect(),
            attempts: m.attempts.clone(),
        }
    }

    /// A message as what is in its room, once it has an event.
    fn said(&self, id: i64, message: &MessageRow) -> Option<Said> {
        let keys = message.members.iter().map(|seq| self.deliveries[seq].key).collect();
        let event_id = message.event_id.clone()?;
        Some(Said { message: id, event_id, sender: message.sender.clone(), keys })
    }

    fn oldest(&self, room: &super::Room) -> Option<Moment> {
        let in_hand = room.open.and_then(|m| self.messages[&m].members.first().copied());
        in_hand.or(room.pending.first().copied()).map(|seq| self.deliveries[&seq].received_at)
    }

    fn find(&self, id: &str) -> Result<(i64, Status), ActError> {
        let seq = *self.by_id.get(id).ok_or(ActError::Unknown)?;
        Ok((seq, self.shown(&self.deliveries[&seq])))
    }

    fn retry(&mut self, id: &str, force: bool, now: Moment) -> Result<Accepted, ActError> {
        let (seq, status) = self.find(id)?;
        let row = &self.deliveries[&seq];
        let was_in_message = row.message.is_some() || row.refusals > 0;
        if row.saying.is_none() || !rules::may_retry(status, force, was_in_message) {
            return Err(ActError::Conflict(status));
        }
        let message = row.message.filter(|_| status == Status::Uncertain);
        for member in message.map_or_else(|| vec![seq], |message| self.write_off(message)) {
            self.owe_again(member, now);
        }
        let superseded = self.deliveries[&seq].status == Status::Superseded;
        Ok(self.answer(seq, if superseded { Outcome::Superseded } else { Outcome::Accepted }))
    }

    /// An operator decided that an uncertain message is not in the room: its members are free again, each alone. A key
    /// is in one message at most that may be in the room.
    fn write_off(&mut self, message: i64) -> Vec<i64> {
        let Some(message) = self.messages.get_mut(&message) else { return Vec::new() };
        message.status = MessageStatus::Refused;
        let mut members = message.members.clone();
        members.retain(|member| self.deliveries[member].status == Status::InMessage);
        for member in &members {
            if let Some(row) = self.deliveries.get_mut(member) {
                row.refusals += 1;
                row.solo = true;
            }
        }
        members
    }

    fn owe_again(&mut self, seq: i64, now: Moment) {
        let Some(Saying { subject, top, .. }) = self.deliveries[&seq].saying else { return };
        match rules::judge(None, self.top_of(&subject), top, true) {
            Verdict::Superseded => self.finish(seq, Status::Superseded, now),
            _ => self.pend(seq, now),
        }
    }

    fn readmit(&mut self, id: &str, mut again: NewDelivery, now: Moment) -> Result<Accepted, ActError> {
        let (seq, status) = self.find(id)?;
        if !self.deliveries[&seq].may_be_reread() {
            return Err(ActError::Conflict(status));
        }
        if let Some(machine) = again.machine.take() {
            self.name_machine(machine, again.retention, now);
        }
        match std::mem::replace(&mut again.purport, Purport::Ignored(String::new())) {
            Purport::Announce(a) => Ok(self.announce_again(seq, again, &a, now)),
            Purport::Ignored(reason) => Ok(self.put_aside(seq, Status::Ignored, reason, Outcome::Ignored)),
            Purport::Unreadable(reason) => {
                Ok(self.put_aside(seq, Status::Unreadable, reason, Outcome::Unreadable))
            }
        }
    }

    fn put_aside(&mut self, seq: i64, status: Status, reason: String, outcome: Outcome) -> Accepted {
        if let Some(row) = self.deliveries.get_mut(&seq) {
            row.status = status;
            row.reason = Some(reason);
        }
        self.answer(seq, outcome)
    }

    fn announce_again(&mut self, seq: i64, again: NewDelivery, a: &Announcement, now: Moment) -> Accepted {
        let known = self.by_key.get(&a.key).copied();
        let status = known.map(|seq| self.shown(&self.deliveries[&seq]));
        let verdict = rules::judge(status, self.top_of(&a.subject), (a.round, a.rank), true);
        if let Some(first) = known {
            self.put_aside(seq, Status::Ignored, "duplicate".to_owned(), Outcome::Ignored);
            return match verdict {
                Verdict::Revive => self.revive(first, a, now),
                Verdict::Superseded => self.overtaken(first, now),
                _ => self.seen_again(first),
            };
        }
        let superseded = verdict == Verdict::Superseded;
        let found = if superseded { Comparison::default() } else { self.compare(a, now) };
        let Comparison { news, silent, last } = found;
        self.remember(a, last);
        let saying = self.saying(a, news);
        if let Some(row) = self.deliveries.get_mut(&seq) {
            self.by_key.remove(&row.key);
            self.by_key.insert(a.key, seq);
            row.key = a.key;
            row.saying = Some(saying);
            row.raw = Vec::new();
            row.reason = None;
            row.facts = again.facts;
            (row.event_time, row.keep) = times(a.freshness, again.retention);
        }
        if superseded {
            self.finish(seq, Status::Superseded, now);
            return self.answer(seq, Outcome::Superseded);
        }
        if let Some(reason) = silent {
            return self.silence(seq, reason, now);
        }
        self.pend(seq, now);
        self.answer(seq, Outcome::Accepted)
    }

    fn discard(&mut self, id: &str, now: Moment) -> Result<(), ActError> {
        let (seq, status) = self.find(id)?;
        if !rules::may_discard(status) {
            return Err(ActError::Conflict(status));
        }
        if let Some(saying) = self.deliveries[&seq].saying.clone() {
            self.room(&saying.room).pending.remove(&seq);
        }
        self.unhear(seq);
        self.finish(seq, Status::Dropped, now);
        Ok(())
    }
}
