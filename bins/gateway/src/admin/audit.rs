//! `GET /deliveries/audit`.

use std::sync::TryLockError;

use hyper::StatusCode;
use meshhook_store::{Audit, Breach};
use serde::Serialize;

use super::{Admin, Answered, failed};
use crate::answer::json;
use crate::problem::{self, Problem};

impl Admin {
    /// One at a time: each reads the whole store.
    pub(super) fn audit(&self) -> Answered {
        let _auditing = match self.auditing.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let detail = "Another audit is at work.";
                return Err(Problem::new(&problem::AUDITING, detail, "auditing"));
            }
            Ok(alone) => alone,
            Err(TryLockError::Poisoned(alone)) => alone.into_inner(),
        };
        let audit = self.engine.audit().map_err(failed)?;
        Ok(json(StatusCode::OK, &Audited::from(audit)))
    }
}

/// What an audit found.
#[derive(Serialize)]
struct Audited {
    breaches: Vec<Broken>,
    /// How many more there are than those.
    more: u64,
    looked_at: LookedAt,
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

impl From<Audit> for Audited {
    fn from(audit: Audit) -> Self {
        let meshhook_store::audit::LookedAt { deliveries, messages, attempts, subjects, rooms } =
            audit.looked_at;
        Self {
            breaches: audit.breaches.into_iter().map(Into::into).collect(),
            more: audit.more,
            looked_at: LookedAt { deliveries, messages, attempts, subjects, rooms },
        }
    }
}

impl From<Breach> for Broken {
    fn from(Breach { invariant, what }: Breach) -> Self {
        Self { invariant: invariant.number(), what }
    }
}
