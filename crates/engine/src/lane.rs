//! One room's lane: take a message, find out what became of it before, PUT it, settle it.

use std::sync::Arc;
use std::time::Duration;

use meshhook_matrix::{Client, EventId, Failure, FailureKind, Token};
use meshhook_store::{
    Attempt, Lease, Message, Moment, Negative, Refused, Store, StoreError, Take, Taken, Voice, rules,
};

use crate::attempt::{attempt, of_failure};
use crate::audit::carried;
use crate::backoff::{backoff, jitter};
use crate::clock::Clock;
use crate::conduct::Conduct;
use crate::current::Current;
use crate::devices::Devices;
use crate::fate::{self, Fate};
use crate::freeze::freeze;
use crate::ghost::{Ghosts, Place, Prepared};
use crate::mend::Trouble;
use crate::observe::{Carried, Observer, Sight};
use crate::plan::plan;
use crate::room::{self, Shown, Watch};
use crate::session::{Keeper, Session};
use crate::stirred::Stirred;

/// A message that this process froze under this token less long ago is known to the homeserver's memory.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// Synapse forgets transaction ids after 24 hours; this is well before.
const FORGOTTEN: Duration = Duration::from_secs(20 * 3600);

/// How often a room that refuses us is asked again.
pub(crate) const HELD: Duration = Duration::from_secs(300);

/// And where the homeserver did not tell.
const UNTOLD: Duration = Duration::from_secs(30);

/// A homeserver that fails so often at one message, within [`rules::TROUBLE`], while it answers else, fails at that
/// message.
const HOPELESS: u32 = 10;

/// How long an event may take to be readable, where one part of a homeserver writes and another reads.
const SHOWN_WITHIN: Duration = Duration::from_secs(2);

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
    pub(crate) devices: Arc<Devices>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) conduct: Current<Conduct>,
    /// The rooms about which something was heard.
    pub(crate) stirred: Stirred,
    /// This process.
    pub(crate) owner: String,
}

/// A room's lane: the one place that writes into it.
pub(crate) struct Lane {
    pub(crate) shared: Arc<Shared>,
    pub(crate) room: String,
    watch: Watch,
    /// Whether a message was given up that the homeserver failed at, and none was sent since.
    despaired: bool,
    pub(crate) ghosts: Ghosts,
    /// What a machine's user was refused last.
    pub(crate) trouble: Option<Trouble>,
    /// When a room that is held without a message is looked at next, on the clock that nobody sets.
    look_at: Duration,
}

/// A message in hand, under a lease.
pub(crate) struct Hand {
    pub(crate) lease: Lease,
    pub(crate) message: Message,
    /// Which deliveries it says, as far as the store tells.
    carried: Vec<Carried>,
    pub(crate) session: Arc<Session>,
    /// The token as its sender's.
    token: Token,
    /// When it was taken, on both clocks.
    taken: (Moment, Duration),
}

impl Lane {
    pub(crate) fn new(shared: Arc<Shared>, room: String) -> Self {
        Self {
            shared,
            room,
            watch: Watch::default(),
            despaired: false,
            ghosts: Ghosts::default(),
            trouble: None,
            look_at: Duration::ZERO,
        }
    }

    /// Does the next thing there is to do.
    pub(crate) fn step(&mut self) -> Next {
        let Some(session) = self.shared.keeper.current() else { return Next::Bell };
        if self.shared.stirred.take(&self.room) {
            self.watch.forget();
            self.ghosts.forget();
            self.look_at = Duration::ZERO;
            if let Err(why) = self.shared.store.hurry(&self.room, self.now()) {
                self.shared.stirred.stir(&self.room);
                return self.after(Err(why));
            }
        }
        let taken = (self.now(), self.shared.clock.running());
        match self.take(&session) {
            Ok(Taken::Nothing { until: Some(until) }) => Next::At(until),
            Ok(Taken::Nothing { until: None }) => Next::Bell,
            Ok(Taken::NotPinned) => {
                self.shared.keeper.unpinned(&session, self.now());
                Next::Bell
            }
            Ok(Taken::Held) => self.look_again(&session),
            Ok(Taken::Unprepared { speaker }) => self.prepare(&session, &speaker),
            Ok(Taken::Message { lease, message, fresh }) => {
                let message = *message;
                let carried = self.carried(&message);
                if fresh {
                    self.see(Sight::Frozen { room: &self.room, txn: &message.txn, carried: &carried });
                }
                let token = session.token_of(&message.sender);
                let done = self.deliver(Hand { lease, message, carried, session, token, taken }, fresh);
                self.after(done)
            }
            Err(why) => self.after(Err(why)),
        }
    }

    /// Only the log hangs on it: what cannot be looked up is left out.
    fn carried(&self, message: &Message) -> Vec<Carried> {
        let keys = carried(&message.body).unwrap_or_default();
        let views = keys.iter().filter_map(|key| self.shared.store.by_key(key).ok().flatten());
        views.map(|view| Carried { delivery: view.id, correlation_id: view.facts.correlation_id }).collect()
    }

    pub(crate) fn now(&self) -> Moment {
        self.shared.clock.now()
    }

    pub(crate) fn see(&self, sight: Sight<'_>) {
        self.shared.observer.see(sight);
    }

    fn take(&self, session: &Session) -> Result<Taken, StoreError> {
        let conduct = self.shared.conduct.get();
        self.shared.store.take(&Take {
            room: &self.room,
            identity: &session.identity,
            session: &session.digest,
            owner: &self.shared.owner,
            now: self.now(),
            // One that was listed when it was heard of may be no longer.
            voice: &|node| match conduct.lists(node) {
                true => self.ghosts.voice(node, session, conduct.ghosts, self.shared.clock.running()),
                false => Voice::Sender,
            },
            plan: &|queue| plan(queue, &conduct.digest),
            freeze: &|draft| freeze(draft, conduct.look),
        })
    }

    /// A machine's user is made able to speak before anything is frozen for it: a message never changes its sender.
    fn prepare(&mut self, session: &Session, node: &str) -> Next {
        let Shared { client, store, devices, conduct, clock, observer, .. } = &*self.shared;
        let most = conduct.get().ghosts;
        let room = self.room.as_str();
        let place = Place { client, store: &**store, devices, session, room, most };
        match self.ghosts.prepare(place, node, &**clock) {
            Ok(Prepared::AsBefore) => Next::Now,
            Ok(Prepared::Able(user)) => {
                observer.see(Sight::GhostReady { room, node, user: &user });
                Next::Now
            }
            Ok(Prepared::Unable(why)) => {
                observer.see(Sight::GhostNotReady { room, node, why: &why });
                Next::Now
            }
            Ok(Prepared::TokenRefused(failure)) => {
                self.refused_token(session, &failure);
                Next::Bell
            }
            Ok(Prepared::AskAgain(until)) => self.wait_until(until),
            Err(why) => self.after(Err(why)),
        }
    }

    /// On the clock that nobody sets.
    fn wait_until(&self, running: Duration) -> Next {
        Next::At(self.now().plus(running.saturating_sub(self.shared.clock.running())))
    }

    /// Looks now and then whether a room that is held may be written to again.
    fn look_again(&mut self, session: &Session) -> Next {
        let Shared { store, clock, observer, .. } = &*self.shared;
        if self.look_at > clock.running() {
            return self.wait_until(self.look_at);
        }
        self.look_at = clock.running() + HELD;
        let why = match self.closed(session) {
            // That is no word about the room: it stays held for what it was.
            Err(Failure { kind: FailureKind::Unknown | FailureKind::Limited { .. }, .. }) => {
                self.look_at = clock.running() + UNTOLD;
                return self.wait_until(self.look_at);
            }
            Err(failure) if matches!(failure.kind, FailureKind::Unauthorized { .. }) => {
                self.look_at = Duration::ZERO;
                self.refused_token(session, &failure);
                return Next::Bell;
            }
            told => told.unwrap_or_else(|failure| Some(failure.to_string())),
        };
        let held = store.hold(&self.room, why.as_deref(), self.now());
        match (&held, &why) {
            (Ok(()), None) => observer.see(Sight::Released { room: &self.room }),
            (Ok(()), Some(_)) => return self.wait_until(self.look_at),
            (Err(_), _) => {}
        }
        self.after(held)
    }

    /// Why nothing may be written. Where nothing is sent, nothing else finds out that the device is gone.
    fn closed(&self, session: &Session) -> Result<Option<String>, Failure> {
        let Shared { client, devices, conduct, .. } = &*self.shared;
        let look = || room::closed(client, session, &self.room, conduct.get().encrypted);
        match look() {
            Err(failure) if failure.kind == FailureKind::UnknownDevice && session.ghosts.is_some() => {
                devices.make(client, &session.token, &session.identity.user)?;
                look()
            }
            looked => looked,
        }
    }

    /// A store that failed loses nothing: the message stays open and is found again.
    pub(crate) fn after(&self, done: Result<(), StoreError>) -> Next {
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
                None if fresh && self.lost_its_anchor(&hand) => self.refuse(&hand, &self.unrelated()),
                None => self.put_in_time(hand),
            },
            Fate::NobodyKnows(attempt) => self.give_up(&hand, &attempt),
            Fate::AskAgain(failure, attempt) => self.fail(&hand, &failure, attempt),
        }
    }

    /// Looks now and then whether the room is one that may be written to.
    fn objection(&mut self, hand: &Hand) -> Option<(Attempt, Negative)> {
        let (now, Shared { client, conduct, .. }) = (self.now(), &*self.shared);
        let encrypted = conduct.get().encrypted;
        let why = self.watch.objection(client, &hand.token, &self.room, encrypted, now)?;
        let negative = Negative { due: Some(now.plus(HELD)), hold: Some(why.clone()), gate: None };
        Some((attempt(now, self.now(), "held", None, why), negative))
    }

    /// Whether the event that a message relates to is gone: nobody would see the edit of one that was redacted. Asked
    /// only before the first PUT, when the message may still become another one.
    fn lost_its_anchor(&self, hand: &Hand) -> bool {
        let Some(anchor) = &hand.message.relates_to else { return false };
        match self.shared.client.event(&hand.token, &self.room, anchor) {
            Ok(Some(event)) => event["content"]["msgtype"].is_null(),
            Ok(None) => true,
            // Who does not tell may still take it.
            Err(_) => false,
        }
    }

    fn unrelated(&self) -> Attempt {
        let why = "the event that it relates to is gone; it is said on its own";
        attempt(self.now(), self.now(), "unrelated", None, why.to_owned())
    }

    /// A homeserver that was told this transaction id under this token an hour ago at most answers with its event.
    fn is_remembered(&self, hand: &Hand) -> bool {
        hand.message.frozen_by == self.shared.owner && self.was_told_lately(hand, REMEMBERED)
    }

    fn fate(&self, hand: &Hand) -> Fate {
        let Hand { message, session, .. } = hand;
        let safe = self.was_told_lately(hand, FORGOTTEN);
        match fate::of(&self.shared.client, &*self.shared.clock, message, session, safe) {
            // One that fails at every look still knows the transaction id.
            Fate::AskAgain(failure, _) if safe && self.is_hopeless(hand, &failure) => Fate::PutIsSafe,
            fate => fate,
        }
    }

    /// Whether the homeserver cannot have forgotten what it was told of a message, frozen less than `span` ago.
    fn was_told_lately(&self, hand: &Hand, span: Duration) -> bool {
        let Message { sender, frozen_at, .. } = &hand.message;
        hand.was_young_and_ours(span, self.now()) && self.shared.devices.is_as_old_as(sender, *frozen_at)
    }

    /// How long ago a message was taken: by the wall clock, which goes on while a machine sleeps, or by the one that nobody
    /// sets back, whichever says more.
    fn age(&self, hand: &Hand) -> Duration {
        let (wall, running) = hand.taken;
        self.now().since(wall).max(self.shared.clock.running().saturating_sub(running))
    }

    /// PUTs while the lease outlives it: a homeserver that was slow to be looked at may have used that up.
    fn put_in_time(&mut self, hand: Hand) -> Result<(), StoreError> {
        if self.age(&hand) + rules::PUT_DEADLINE < rules::LEASE {
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

    fn put(&mut self, hand: &Hand) -> Result<(), StoreError> {
        let Hand { message, token, .. } = hand;
        let started = self.now();
        let answer = self.shared.client.send(token, &self.room, &message.txn, &message.body);
        match answer {
            Ok(event_id) => {
                self.despaired = false;
                self.trouble = None;
                let attempt = attempt(started, self.now(), "sent", Some(200), String::new());
                match self.look_for(hand, &event_id, attempt.took) {
                    Shown::Yes => self.settle(hand, &event_id, &attempt),
                    shown => self.wait_until_shown(hand, &event_id, attempt, shown),
                }
            }
            Err(failure) => {
                let attempt = of_failure(started, self.now(), &failure);
                self.fail(hand, &failure, attempt)
            }
        }
    }

    fn look_for(&mut self, hand: &Hand, event_id: &EventId, took: Duration) -> Shown {
        let (now, client) = (self.now(), &self.shared.client);
        self.watch.look_for(took, now, || client.event(&hand.token, &self.room, event_id.as_str()))
    }

    /// The same PUT again: once the message has its event, it is answered with that one.
    fn wait_until_shown(
        &self,
        hand: &Hand,
        event_id: &EventId,
        attempt: Attempt,
        shown: Shown,
    ) -> Result<(), StoreError> {
        let detail = format!("the homeserver answered {event_id}, and knows no such event");
        let attempt = Attempt { result: "unseen".to_owned(), detail, ..attempt };
        let (wait, hold) = match shown {
            Shown::NotYet => (SHOWN_WITHIN, None),
            _ => (HELD, Some(self.watch.complaint())),
        };
        let due = Some(self.now().plus(wait));
        self.postpone(hand, (attempt, Negative { due, hold, gate: None }))
    }

    pub(crate) fn settle(
        &self,
        hand: &Hand,
        event_id: &EventId,
        attempt: &Attempt,
    ) -> Result<(), StoreError> {
        let Hand { message, carried, .. } = hand;
        let now = self.now();
        self.see(Sight::Attempted { room: &self.room, txn: &message.txn, carried, attempt });
        self.shared.store.settle(message.id, event_id.as_str(), attempt, now)?;
        let after = now.since(message.frozen_at);
        let (txn, event_id) = (message.txn.as_str(), event_id.as_str());
        self.see(Sight::Settled { room: &self.room, txn, carried, event_id, after });
        Ok(())
    }

    /// What an answer other than an event does (delivery.md, 7 to 10). None of them unfreezes the message but a
    /// refusal for good.
    fn fail(&mut self, hand: &Hand, failure: &Failure, attempt: Attempt) -> Result<(), StoreError> {
        if self.is_ours_to_mend(hand, failure) {
            return self.mend(hand, failure, attempt);
        }
        if failure.kind == FailureKind::Unknown {
            // It may take effect as long as a PUT lasts: whether its sender is hopeless is to be seen anew.
            self.trouble = None;
        }
        let now = self.now();
        let at = |wait| Negative { due: Some(now.plus(wait)), hold: None, gate: None };
        let negative = match failure.kind {
            FailureKind::Refused => return self.refuse(hand, &attempt),
            FailureKind::Limited { retry_after } => {
                let gate = now.plus(retry_after.unwrap_or(LIMITED).max(SHORTEST));
                Negative { due: None, hold: None, gate: Some(gate) }
            }
            FailureKind::Unauthorized { .. } => {
                self.refused_token(&hand.session, failure);
                at(Duration::ZERO)
            }
            FailureKind::Unknown if self.is_hopeless(hand, failure) => return self.despair(hand, attempt),
            FailureKind::Forbidden => Negative { hold: Some(failure.to_string()), ..at(HELD) },
            // Nothing will be sent until somebody looks into it; a certificate mends sooner than a room.
            _ if failure.tls.is_some() => Negative { hold: Some(failure.to_string()), ..self.again(hand) },
            _ => self.again(hand),
        };
        self.postpone(hand, (attempt, negative))
    }

    fn refused_token(&self, session: &Session, failure: &Failure) {
        let why = format!("the homeserver refused the access token: {failure}");
        self.shared.keeper.sign_out(session, &why, self.now(), self.shared.clock.running());
    }

    /// The same PUT again, a little later each time.
    pub(crate) fn again(&self, hand: &Hand) -> Negative {
        let wait = backoff(hand.message.attempts, jitter());
        Negative { due: Some(self.now().plus(wait)), hold: None, gate: None }
    }

    /// Whether the homeserver fails at this very message: again and again, while it knows our token.
    fn is_hopeless(&self, hand: &Hand, failure: &Failure) -> bool {
        is_its_own(failure)
            && hand.message.server_errors + 1 >= HOPELESS
            && self.shared.client.whoami(&hand.session.token).is_ok()
    }

    /// Lets the room go on without a message that the homeserver fails at, unless it is there after all. A homeserver
    /// that fails at the look as well will not tell; one that fails at the next message too fails at all.
    fn despair(&mut self, hand: &Hand, attempt: Attempt) -> Result<(), StoreError> {
        let Hand { message, session, .. } = hand;
        if self.despaired {
            let hold = format!("the homeserver fails at every message, its log says why: {}", attempt.detail);
            let due = Some(self.now().plus(HELD));
            return self.postpone(hand, (attempt, Negative { due, hold: Some(hold), gate: None }));
        }
        match fate::of(&self.shared.client, &*self.shared.clock, message, session, false) {
            Fate::InTheRoom(event_id, found) => self.settle(hand, &event_id, &found),
            Fate::AskAgain(failure, _) if !is_its_own(&failure) => {
                self.postpone(hand, (attempt, self.again(hand)))
            }
            _ => {
                let detail = format!("failed {HOPELESS} times at this message alone: {}", attempt.detail);
                self.despaired = true;
                self.give_up(hand, &Attempt { detail, ..attempt })
            }
        }
    }

    pub(crate) fn postpone(
        &self,
        hand: &Hand,
        (attempt, negative): (Attempt, Negative),
    ) -> Result<(), StoreError> {
        let Hand { message, carried, .. } = hand;
        self.see(Sight::Attempted { room: &self.room, txn: &message.txn, carried, attempt: &attempt });
        let current = self.shared.store.postpone(&hand.lease, &attempt, &negative)?;
        if let Some(why) = negative.hold.filter(|_| current) {
            self.see(Sight::Held { room: &self.room, why: &why });
        }
        Ok(())
    }

    fn refuse(&self, hand: &Hand, attempt: &Attempt) -> Result<(), StoreError> {
        let (txn, carried) = (&hand.message.txn, hand.carried.as_slice());
        self.see(Sight::Attempted { room: &self.room, txn, carried, attempt });
        if self.shared.store.refuse(&hand.lease, attempt, self.now())? == Refused::Parked {
            self.see(Sight::Parked { room: &self.room, txn, carried });
        }
        Ok(())
    }

    pub(crate) fn hand_over(&self, hand: &Hand, attempt: &Attempt) -> Result<(), StoreError> {
        let (txn, carried) = (&hand.message.txn, hand.carried.as_slice());
        self.see(Sight::Attempted { room: &self.room, txn, carried, attempt });
        self.shared.store.hand_over(&hand.lease, attempt, self.now())?;
        Ok(())
    }

    fn give_up(&self, hand: &Hand, attempt: &Attempt) -> Result<(), StoreError> {
        let (txn, carried) = (&hand.message.txn, hand.carried.as_slice());
        self.see(Sight::Attempted { room: &self.room, txn, carried, attempt });
        if self.shared.store.give_up(&hand.lease, attempt, self.now())? {
            self.see(Sight::Uncertain { room: &self.room, txn, carried });
        }
        Ok(())
    }
}

/// Whether the homeserver itself failed, not a proxy that does not reach it.
fn is_its_own(failure: &Failure) -> bool {
    failure.errcode.is_some() && failure.status.is_some_and(|status| status >= 500)
}

impl Hand {
    /// Whether no session but this one ever had the message, and that for less than `span`. A clock that was set back
    /// since proves nothing.
    fn was_young_and_ours(&self, span: Duration, now: Moment) -> bool {
        let frozen_at = self.message.frozen_at;
        self.message.session == self.session.digest && now >= frozen_at && now.since(frozen_at) < span
    }
}
