//! One room's lane: take a message, find out what became of it before, PUT it, settle it.

use std::sync::Arc;
use std::time::Duration;

use meshhook_matrix::{Client, EventId, Failure, FailureKind};
use meshhook_render::Format;
use meshhook_store::{
    Attempt, Lease, Message, Moment, Negative, Refused, Store, StoreError, Take, Taken, rules,
};

use crate::attempt::{attempt, of_failure};
use crate::backoff::{backoff, jitter};
use crate::clock::Clock;
use crate::fate::{self, Fate};
use crate::freeze::freeze;
use crate::observe::{Observer, Sight};
use crate::plan::{Digest, plan};
use crate::room::{Encrypted, objection};
use crate::session::{Keeper, Session};

/// A message that this process froze under this token less long ago is known to the homeserver's memory.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// Synapse forgets transaction ids after 24 hours; this is well before.
const FORGOTTEN: Duration = Duration::from_secs(20 * 3600);

/// How often a room that refuses us is asked again.
const HELD: Duration = Duration::from_secs(300);

/// How long a look at a room's state is good for.
const LOOKED: Duration = Duration::from_secs(600);

/// After a failed store nothing is tried for so long.
const STORE_FAILED: Duration = Duration::from_secs(1);

/// The wait after a 429 that names none, and the shortest one that is believed.
const LIMITED: Duration = Duration::from_secs(5);
const SHORTEST: Duration = Duration::from_secs(1);

/// When a lane has something to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// At once.
    Now,
    /// At this time, or when the bell rings.
    At(Moment),
    /// When the bell rings.
    Bell,
}

/// What all lanes share.
pub(crate) struct Shared {
    pub(crate) client: Arc<Client>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) encrypted: Encrypted,
    pub(crate) digest: Digest,
    pub(crate) format: Format,
    /// This process.
    pub(crate) owner: String,
}

/// A room's lane: the one place that writes into it.
pub(crate) struct Lane {
    shared: Arc<Shared>,
    room: String,
    looked: Option<Moment>,
}

/// A message in hand, under a lease.
struct Hand {
    lease: Lease,
    message: Message,
    session: Arc<Session>,
    taken: Moment,
}

impl Lane {
    pub(crate) fn new(shared: Arc<Shared>, room: String) -> Self {
        Self { shared, room, looked: None }
    }

    /// Does the next thing there is to do.
    pub(crate) fn step(&mut self) -> Next {
        let Some(session) = self.shared.keeper.current() else { return Next::Bell };
        let taken = self.now();
        match self.take(&session) {
            Ok(Taken::Nothing { until: Some(until) }) => Next::At(until),
            Ok(Taken::Nothing { until: None }) => Next::Bell,
            Ok(Taken::NotPinned) => {
                self.shared.keeper.unpinned(&session, self.now());
                Next::Bell
            }
            Ok(Taken::Message { lease, message, fresh }) => {
                let message = *message;
                if fresh {
                    self.see(Sight::Frozen { room: &self.room, txn: &message.txn });
                }
                let done = self.deliver(Hand { lease, message, session, taken }, fresh);
                self.after(done)
            }
            Err(why) => self.after(Err(why)),
        }
    }

    fn now(&self) -> Moment {
        self.shared.clock.now()
    }

    fn see(&self, sight: Sight<'_>) {
        self.shared.observer.see(sight);
    }

    fn take(&self, session: &Session) -> Result<Taken, StoreError> {
        self.shared.store.take(&Take {
            room: &self.room,
            identity: &session.identity,
            session: &session.digest,
            owner: &self.shared.owner,
            now: self.now(),
            plan: &|queue| plan(queue, &self.shared.digest),
            freeze: &|draft| freeze(draft, self.shared.format),
        })
    }

    /// A store that failed loses nothing: the message stays open and is found again.
    fn after(&self, done: Result<(), StoreError>) -> Next {
        match done {
            Ok(()) => Next::Now,
            Err(why) => {
                self.see(Sight::StoreFailed { doing: "deliver", why: &why });
                Next::At(self.now().plus(STORE_FAILED))
            }
        }
    }

    fn deliver(&mut self, hand: Hand, fresh: bool) -> Result<(), StoreError> {
        let fate = if fresh || self.is_remembered(&hand) { Fate::PutIsSafe } else { self.fate(&hand) };
        match fate {
            Fate::InTheRoom(event_id, attempt) => self.settle(&hand, &event_id, &attempt),
            Fate::PutIsSafe => match self.objection(&hand) {
                Some(negative) => self.postpone(&hand, negative),
                None => self.put_in_time(hand),
            },
            Fate::NobodyKnows(attempt) => self.give_up(&hand, &attempt),
            Fate::AskAgain(failure, attempt) => self.fail(&hand, &failure, attempt),
        }
    }

    /// Looks now and then whether the room is one that may be written to.
    fn objection(&mut self, hand: &Hand) -> Option<(Attempt, Negative)> {
        let now = self.now();
        if self.looked.is_some_and(|looked| now.since(looked) < LOOKED && now >= looked) {
            return None;
        }
        match objection(&self.shared.client, &hand.session.token, &self.room, self.shared.encrypted) {
            Ok(None) => {
                self.looked = Some(now);
                None
            }
            Ok(Some(why)) => {
                let negative = Negative { due: Some(now.plus(HELD)), hold: Some(why.clone()), gate: None };
                Some((attempt(now, self.now(), "held", None, why), negative))
            }
            // A room that does not let us look may still let us write; the PUT will tell.
            Err(_) => None,
        }
    }

    /// A homeserver that was told this transaction id under this token an hour ago at most answers with its event.
    fn is_remembered(&self, hand: &Hand) -> bool {
        hand.message.frozen_by == self.shared.owner && hand.was_young_and_ours(REMEMBERED, self.now())
    }

    fn fate(&self, hand: &Hand) -> Fate {
        let Hand { message, session, .. } = hand;
        let safe = hand.was_young_and_ours(FORGOTTEN, self.now());
        fate::of(&self.shared.client, &*self.shared.clock, message, session, safe)
    }

    /// PUTs while the lease outlives it: a homeserver that was slow to be looked at may have used that up.
    fn put_in_time(&self, hand: Hand) -> Result<(), StoreError> {
        if self.now().since(hand.taken) + rules::PUT_DEADLINE < rules::LEASE {
            return self.put(&hand);
        }
        match self.take(&hand.session)? {
            Taken::Message { lease, .. }
                if lease.message == hand.lease.message && lease.generation == hand.lease.generation + 1 =>
            {
                self.put(&Hand { lease, ..hand })
            }
            // Another has it by now.
            _ => Ok(()),
        }
    }

    fn put(&self, hand: &Hand) -> Result<(), StoreError> {
        let Hand { message, session, .. } = hand;
        let started = self.now();
        let answer = self.shared.client.send(&session.token, &self.room, &message.txn, &message.body);
        match answer {
            Ok(event_id) => {
                let attempt = attempt(started, self.now(), "sent", Some(200), String::new());
                self.settle(hand, &event_id, &attempt)
            }
            Err(failure) => {
                let attempt = of_failure(started, self.now(), &failure);
                self.fail(hand, &failure, attempt)
            }
        }
    }

    fn settle(&self, hand: &Hand, event_id: &EventId, attempt: &Attempt) -> Result<(), StoreError> {
        let Hand { message, .. } = hand;
        let now = self.now();
        self.see(Sight::Attempted { room: &self.room, txn: &message.txn, attempt });
        self.shared.store.settle(message.id, event_id.as_str(), attempt, now)?;
        let after = now.since(message.frozen_at);
        self.see(Sight::Settled { room: &self.room, txn: &message.txn, event_id: event_id.as_str(), after });
        Ok(())
    }

    /// What an answer other than an event does (delivery.md, 7 to 9). None of them unfreezes the message but a
    /// refusal for good.
    fn fail(&self, hand: &Hand, failure: &Failure, attempt: Attempt) -> Result<(), StoreError> {
        let now = self.now();
        let at = |wait| Negative { due: Some(now.plus(wait)), hold: None, gate: None };
        let negative = match failure.kind {
            FailureKind::Refused => return self.refuse(hand, &attempt),
            FailureKind::Limited { retry_after } => {
                let gate = now.plus(retry_after.unwrap_or(LIMITED).max(SHORTEST));
                Negative { due: None, hold: None, gate: Some(gate) }
            }
            FailureKind::Unauthorized { .. } => {
                let why = format!("the homeserver refused the access token: {failure}");
                self.shared.keeper.sign_out(&hand.session, &why, now, self.shared.clock.running());
                at(Duration::ZERO)
            }
            FailureKind::Forbidden => Negative { hold: Some(failure.to_string()), ..at(HELD) },
            _ => at(backoff(hand.message.attempts, jitter())),
        };
        self.postpone(hand, (attempt, negative))
    }

    fn postpone(&self, hand: &Hand, (attempt, negative): (Attempt, Negative)) -> Result<(), StoreError> {
        self.see(Sight::Attempted { room: &self.room, txn: &hand.message.txn, attempt: &attempt });
        let current = self.shared.store.postpone(&hand.lease, &attempt, &negative)?;
        if let Some(why) = negative.hold.filter(|_| current) {
            self.see(Sight::Held { room: &self.room, why: &why });
        }
        Ok(())
    }

    fn refuse(&self, hand: &Hand, attempt: &Attempt) -> Result<(), StoreError> {
        let txn = &hand.message.txn;
        self.see(Sight::Attempted { room: &self.room, txn, attempt });
        if self.shared.store.refuse(&hand.lease, attempt, self.now())? == Refused::Parked {
            self.see(Sight::Parked { room: &self.room, txn });
        }
        Ok(())
    }

    fn give_up(&self, hand: &Hand, attempt: &Attempt) -> Result<(), StoreError> {
        let txn = &hand.message.txn;
        self.see(Sight::Attempted { room: &self.room, txn, attempt });
        if self.shared.store.give_up(&hand.lease, attempt, self.now())? {
            self.see(Sight::Uncertain { room: &self.room, txn });
        }
        Ok(())
    }
}

impl Hand {
    /// Whether no session but this one ever had the message, and that for less than `span`. A clock that was set back
    /// since proves nothing.
    fn was_young_and_ours(&self, span: Duration, now: Moment) -> bool {
        let frozen_at = self.message.frozen_at;
        self.message.session == self.session.digest && now >= frozen_at && now.since(frozen_at) < span
    }
}
