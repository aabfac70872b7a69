//! What the door saw, for the doctor and for people.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use meshhook_appservice::{Received, Verdict};
use meshhook_store::Moment;

/// How many pings are remembered that had our token, and how many that had not: so strangers drive out only their own.
const PINGS: usize = 50;

/// The longest transaction id of a ping that is remembered; ours are shorter.
const LONGEST: usize = 64;

/// A ping that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pinged {
    /// The id that whoever asked for it gave it.
    pub(crate) transaction_id: String,
    /// With which token it came.
    pub(crate) received: Received,
    /// When.
    pub(crate) at: Moment,
}

/// What came of our own ping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Judged {
    /// What it means.
    pub(crate) verdict: Verdict,
    /// Since when it has meant that.
    pub(crate) since: Moment,
    /// When it was asked for last.
    pub(crate) at: Moment,
}

/// What was seen, all of it bounded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// Transactions that came with our token.
    pub(crate) transactions: u64,
    /// When the last one did.
    pub(crate) last_transaction: Option<Moment>,
    /// Events that were new.
    pub(crate) events: u64,
    /// Events that had come before.
    pub(crate) duplicates: u64,
    /// Events that could not be read, and bodies.
    pub(crate) unreadable: u64,
    /// Requests with another token, or with none.
    pub(crate) refused: u64,
    /// The last pings.
    proved: VecDeque<Pinged>,
    unproved: VecDeque<Pinged>,
    /// What came of our own.
    pub(crate) judged: Option<Judged>,
}

impl Seen {
    /// The last pings, the newest first.
    pub(crate) fn pings(&self) -> Vec<&Pinged> {
        let mut pings: Vec<_> = self.proved.iter().chain(&self.unproved).collect();
        pings.sort_by_key(|ping| std::cmp::Reverse(ping.at));
        pings
    }
}

/// Keeps what was seen.
#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<Seen>);

impl Journal {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of it.
    pub(crate) fn all(&self) -> Seen {
        self.seen().clone()
    }

    /// A transaction was heard.
    pub(crate) fn heard(&self, count: Count, now: Moment) {
        let mut seen = self.seen();
        seen.transactions += 1;
        seen.last_transaction = Some(now);
        seen.events += count.events;
        seen.duplicates += count.duplicates;
        seen.unreadable += count.unreadable;
    }

    /// A request was refused.
    pub(crate) fn refused(&self) {
        self.seen().refused += 1;
    }

    /// A ping came. One with an id that is none of ours is nothing that anybody asks for.
    pub(crate) fn pinged(&self, transaction_id: &str, received: Received, now: Moment) {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if !(1..=LONGEST).contains(&transaction_id.len()) || !transaction_id.bytes().all(plain) {
            return;
        }
        let mut seen = self.seen();
        let pings = if received == Received::RightToken { &mut seen.proved } else { &mut seen.unproved };
        pings.push_back(Pinged { transaction_id: transaction_id.to_owned(), received, at: now });
        if pings.len() > PINGS {
            pings.pop_front();
        }
    }

    /// What was seen of a ping.
    pub(crate) fn received(&self, transaction_id: &str) -> Received {
        let seen = self.seen();
        let mut pings = seen.proved.iter().chain(&seen.unproved);
        let found = pings.find(|ping| ping.transaction_id == transaction_id);
        found.map_or(Received::NotReached, |ping| ping.received)
    }

    /// Our own ping was answered; whether that says something new.
    pub(crate) fn judged(&self, verdict: Verdict, now: Moment) -> bool {
        let mut seen = self.seen();
        let before = seen.judged.filter(|before| before.verdict == verdict);
        let since = before.map_or(now, |before| before.since);
        seen.judged = Some(Judged { verdict, since, at: now });
        before.is_none()
    }
}

/// What a transaction held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Count {
    /// Events that are new.
    pub(crate) events: u64,
    /// Events that had come before.
    pub(crate) duplicates: u64,
    /// What could not be read.
    pub(crate) unreadable: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Moment {
        Moment::from_seconds(second)
    }

    #[test]
    fn strangers_drive_out_only_their_own_pings() {
        let journal = Journal::default();
        journal.pinged("ours", Received::RightToken, at(1));
        (0..PINGS + 1).for_each(|n| journal.pinged(&format!("p{n}"), Received::WrongToken, at(2)));
        assert_eq!(journal.received("ours"), Received::RightToken);
        assert_eq!(journal.received("p0"), Received::NotReached);
        assert_eq!(journal.received("p1"), Received::WrongToken);
        let seen = journal.all();
        assert_eq!((seen.pings().len(), seen.pings()[0].at), (PINGS + 1, at(2)));
    }

    #[test]
    fn an_id_that_nobody_asks_for_is_not_kept() {
        let journal = Journal::default();
        for id in ["", "a b", "ü", "\u{1b}[1m", &"x".repeat(LONGEST + 1)] {
            journal.pinged(id, Received::NoToken, at(1));
        }
        assert_eq!(journal.all().pings().len(), 0);
    }

    #[test]
    fn a_verdict_is_news_once() {
        let journal = Journal::default();
        assert!(journal.judged(Verdict::Refused, at(1)) && !journal.judged(Verdict::Refused, at(2)));
        let expected = Judged { verdict: Verdict::Refused, since: at(1), at: at(2) };
        assert_eq!(journal.all().judged, Some(expected));
        assert!(journal.judged(Verdict::Fine, at(3)));
    }
}
