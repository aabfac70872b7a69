//! Pin and purge: the identity's guard, and transition 13.

use std::collections::BTreeMap;

use super::{MemoryStore, Tables};
use crate::rules;
use crate::{Identity, Moment, Pin, StoreError, Upkeep};

impl Upkeep for MemoryStore {
    fn pin(&self, identity: &Identity, now: Moment) -> Result<Pin, StoreError> {
        Ok(self.tables().pin(identity, now))
    }

    fn purge(&self, now: Moment, limit: usize) -> Result<usize, StoreError> {
        Ok(self.tables().purge(now, limit))
    }
}

impl Tables {
    fn pin(&mut self, identity: &Identity, now: Moment) -> Pin {
        match &self.pinned {
            Some(pinned) if pinned != identity => {
                let until = self
                    .rooms
                    .values()
                    .map(|room| room.taken_at.plus(rules::QUIET))
                    .max()
                    .map_or(now, |until| rules::believable(until, rules::QUIET, now));
                if until > now {
                    return Pin::Other { pinned: pinned.clone(), until };
                }
            }
            _ => {}
        }
        self.pinned = Some(identity.clone());
        Pin::Ours
    }

    fn purge(&mut self, now: Moment, limit: usize) -> usize {
        let expired: Vec<i64> = self
            .deliveries
            .iter()
            .filter(|(_, row)| row.expires_at.is_some_and(|at| at < now))
            .map(|(&seq, _)| seq)
            .take(limit)
            .collect();
        for &seq in &expired {
            self.forget(seq);
        }
        let names = |tables: &Self| tables.machines.values().map(BTreeMap::len).sum::<usize>();
        let (machines, marks) = (names(self), self.marks.len());
        self.machines.values_mut().for_each(|group| group.retain(|_, expires_at| *expires_at >= now));
        self.machines.retain(|_, group| !group.is_empty());
        self.marks.retain(|_, until| *until >= now);
        let endings = self.endings.len();
        self.endings.retain(|_, last| last.expires_at >= now);
        let most = (machines - names(self)).max(marks - self.marks.len()).max(endings - self.endings.len());
        let most = most.max(self.purge_keys(now));
        expired.len().max(most.min(limit))
    }

    pub(super) fn forget(&mut self, seq: i64) {
        let Some(row) = self.deliveries.remove(&seq) else { return };
        self.by_id.remove(&row.id);
        self.by_key.remove(&row.key);
        self.forgotten = self.forgotten.max(row.event_time);
        if let Some(saying) = row.saying {
            self.leave_subject(&saying.subject);
        }
        if let Some(message) = row.message {
            self.leave_message(seq, message);
        }
    }

    pub(super) fn leave_message(&mut self, seq: i64, id: i64) {
        if let Some(message) = self.messages.get_mut(&id) {
            message.members.retain(|&member| member != seq);
            if message.members.is_empty() {
                self.messages.remove(&id);
            }
        }
    }

    fn leave_subject(&mut self, subject: &crate::SubjectKey) {
        if let Some(known) = self.subjects.get_mut(subject) {
            known.rows -= 1;
            if known.rows == 0 {
                self.subjects.remove(subject);
            }
        }
    }
}
