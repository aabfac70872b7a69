//! How branches ended the last time, and what is not said since it changes nothing.

use super::Tables;
use crate::rules::{self, Comparison};
use crate::{Accepted, Announcement, Last, Moment, Outcome, Status};

impl Tables {
    /// What an announcement that is about to be owed changes, if that matters.
    pub(super) fn compare(&self, a: &Announcement, now: Moment) -> Comparison {
        let Some(change) = &a.change else { return Comparison::default() };
        rules::compare(a.key, change, self.endings.get(&change.branch), now)
    }

    pub(super) fn remember(&mut self, a: &Announcement, last: Option<Last>) {
        let Some((branch, last)) = a.change.as_ref().map(|change| change.branch).zip(last) else { return };
        self.endings.insert(branch, last);
        if self.endings.len() > rules::MAX_BRANCHES {
            let oldest = self.endings.iter().min_by_key(|(branch, last)| (last.expires_at, **branch));
            let oldest = oldest.map(|(branch, _)| *branch);
            oldest.map(|branch| self.endings.remove(&branch));
        }
    }

    /// Forgets how a branch ended where the delivery that said so is given up.
    pub(super) fn unhear(&mut self, seq: i64) {
        if let Some(row) = self.deliveries.get(&seq) {
            self.endings.retain(|_, last| last.told_by != row.key);
        }
    }

    /// A delivery that was entered and changes nothing: it keeps its mark, and is never compared again.
    pub(super) fn silence(&mut self, seq: i64, reason: String, now: Moment) -> Accepted {
        let row = self.deliveries.get_mut(&seq);
        let top = row.and_then(|row| {
            row.reason = Some(reason);
            row.saying.as_mut().map(|saying| {
                saying.content = None;
                (saying.subject, saying.top)
            })
        });
        if let Some((subject, top)) = top {
            self.raise(&subject, top);
        }
        self.finish(seq, Status::Ignored, now);
        self.answer(seq, Outcome::Ignored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::fixture::*;
    use crate::{MemoryStore, Purport, Rank};

    #[test]
    fn the_branches_that_were_silent_longest_are_forgotten() {
        let store = MemoryStore::new();
        let mut tables = store.tables();
        for number in 0..=u32::try_from(rules::MAX_BRANCHES).unwrap() {
            let new = State::of(1, Rank::Terminal).ends(1, false, "").delivery("d", START);
            let Purport::Announce(mut a) = new.purport else { unreachable!() };
            let change = a.change.as_mut().unwrap();
            change.branch.0[..4].copy_from_slice(&number.to_be_bytes());
            let last = tables.compare(&a, at(number.into())).last;
            tables.remember(&a, last);
        }
        assert_eq!(tables.endings.len(), rules::MAX_BRANCHES);
        assert!(tables.endings.keys().all(|branch| branch.0[..4] != [0; 4]));
    }
}
