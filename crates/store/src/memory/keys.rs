//! When keys last verified a delivery.

use super::Tables;
use crate::{Accepted, KeyUse, Moment, NewDelivery, rules};

/// A key: its source and its label.
pub(super) type KeyName = (String, String);

/// A key's last use.
#[derive(Debug)]
pub(super) struct Used {
    at: Moment,
    delivery: String,
}

/// The use that a delivery makes of a key, until it is known what became of it.
pub(super) struct Shown {
    name: KeyName,
    at: Moment,
}

impl Shown {
    pub(super) fn by(new: &NewDelivery) -> Self {
        Self { name: (new.source.clone(), new.facts.verified_by.clone()), at: new.received_at }
    }
}

impl Tables {
    /// Notes the key of a delivery that is on record.
    pub(super) fn used(&mut self, Shown { name, at }: Shown, answer: &Accepted) {
        self.key_uses.insert(name, Used { at, delivery: answer.delivery.clone() });
        if self.key_uses.len() > rules::MAX_KEYS {
            let oldest = self.key_uses.iter().min_by_key(|(name, used)| (used.at, *name));
            let oldest = oldest.map(|(name, _)| name.clone());
            oldest.map(|name| self.key_uses.remove(&name));
        }
    }

    /// Forgets keys that nobody has used for long; how many.
    pub(super) fn purge_keys(&mut self, now: Moment) -> usize {
        let before = self.key_uses.len();
        self.key_uses.retain(|_, used| used.at >= now.minus(rules::UNUSED));
        before - self.key_uses.len()
    }

    pub(super) fn key_use_views(&self) -> Vec<KeyUse> {
        let view = |((source, key), used): (&KeyName, &Used)| KeyUse {
            source: source.clone(),
            key: key.clone(),
            last_used: used.at,
            delivery: used.delivery.clone(),
        };
        self.key_uses.iter().map(view).collect()
    }
}
