//! `GET /deliveries/audit`.

use std::sync::TryLockError;

use hyper::StatusCode;
use meshhook_engine::Count;
use meshhook_store::{Audit, Breach};
use serde::Serialize;

use super::{Admin, Answered, failed};
use crate::answer::json;
use crate::problem::{self, Problem};

impl Admin {
    /// One at a time: each reads the whole store, and the rooms if it is to count in them.
    pub(super) fn audit(&self, in_rooms: bool) -> Answered {
        let _auditing = match self.auditing.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let detail = "Another audit is at work.";
                return Err(Problem::new(&problem::AUDITING, detail, "auditing"));
            }
            Ok(alone) => alone,
            Err(TryLockError::Poisoned(alone)) => alone.into_inner(),
        };
        let audit = self.engine.audit().map_err(failed)?;
        let mut audited = Audited::from(audit);
        if in_rooms {
            audited.add(self.engine.counts().map_err(failed)?);
        }
        Ok(json(StatusCode::OK, &audited))
    }
}

/// What an audit found.
#[derive(Serialize)]
struct Audited {
    breaches: Vec<Broken>,
    /// How many more there are than those.
    more: u64,
    looked_at: LookedAt,
    /// What was counted in the rooms, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    rooms: Option<Vec<Counted>>,
}

#[derive(Serialize)]
struct Broken {
    invariant: u8,
    what: String,
}

#[derive(Serialize)]
struct LookedAt {
    deliveries: u64,
    messages: u64,
    attempts: u64,
    subjects: u64,
    rooms: u64,
}

/// A room, as [`Count`] explains it.
#[derive(Serialize)]
struct Counted {
    room: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<String>,
    on_record: u64,
    not_reached: u64,
    redacted: u64,
    events: u64,
    keys: u64,
    under_way: u64,
    uncertain: u64,
    given_up: u64,
    forgotten: u64,
}

impl Audited {
    fn add(&mut self, counts: Vec<Count>) {
        let mut rooms = Vec::new();
        for mut count in counts {
            self.breaches.extend(count.breaches.drain(..).map(Into::into));
            self.more += count.more;
            rooms.push(count.into());
        }
        self.rooms = Some(rooms);
    }
}

impl From<Count> for Counted {
    fn from(count: Count) -> Self {
        Self {
            room: count.room,
            unread: count.unread,
            on_record: count.on_record,
            not_reached: count.not_reached,
            redacted: count.redacted,
            events: count.events,
            keys: count.keys,
            under_way: count.under_way,
            uncertain: count.uncertain,
            given_up: count.given_up,
            forgotten: count.forgotten,
        }
    }
}

impl From<Audit> for Audited {
    fn from(audit: Audit) -> Self {
        let meshhook_store::audit::LookedAt { deliveries, messages, attempts, subjects, rooms } =
            audit.looked_at;
        Self {
            breaches: audit.breaches.into_iter().map(Into::into).collect(),
            more: audit.more,
            looked_at: LookedAt { deliveries, messages, attempts, subjects, rooms },
            rooms: None,
        }
    }
}

impl From<Breach> for Broken {
    fn from(Breach { invariant, what }: Breach) -> Self {
        Self { invariant: invariant.number(), what }
    }
}
