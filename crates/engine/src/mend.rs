//! What an application service can mend itself: a user that is none, left the room or lost its device.

use std::time::Duration;

use meshhook_matrix::{Failure, FailureKind};
use meshhook_store::{Attempt, Negative, StoreError};

use crate::fate::{self, Fate};
use crate::ghost::{Place, make_able};
use crate::lane::{HELD, Hand, Lane, Shared};
use crate::observe::Sight;
use crate::room;

/// How long a machine's user may be refused, before the sender says what it has to.
const HOPELESS: Duration = Duration::from_secs(60);

/// A message that its sender may not send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trouble {
    message: i64,
    /// On the clock that nobody sets.
    since: Duration,
}

impl Lane {
    /// Whether a failure is about the user that a message is sent as, and nothing that ends the session.
    pub(crate) fn is_ours_to_mend(&self, hand: &Hand, failure: &Failure) -> bool {
        let Hand { session, message, .. } = hand;
        let is_service = session.ghosts.is_some();
        match failure.kind {
            FailureKind::Refused => false,
            FailureKind::Forbidden | FailureKind::UnknownDevice
                if message.sender == session.identity.user =>
            {
                is_service
            }
            _ => failure.is_of_the_user() && session.is_ghost(&message.sender),
        }
    }

    /// Mends the sender, and makes the same PUT again. A message is another's only once it is certainly not in the room.
    pub(crate) fn mend(
        &mut self,
        hand: &Hand,
        failure: &Failure,
        attempt: Attempt,
    ) -> Result<(), StoreError> {
        let running = self.shared.clock.running();
        let trouble = self.trouble.filter(|trouble| trouble.message == hand.message.id);
        let since = trouble.map_or(running, |trouble| trouble.since);
        self.trouble = Some(Trouble { message: hand.message.id, since });
        let node = hand.session.ghosts.as_ref().and_then(|ghosts| ghosts.node(&hand.message.sender));
        let is_hopeless = node.is_some() && running.saturating_sub(since) >= HOPELESS;
        // With its device, a homeserver has forgotten the transaction ids.
        if is_hopeless || failure.kind == FailureKind::UnknownDevice {
            match self.fate_of_refused(hand) {
                Fate::InTheRoom(event_id, found) => return self.settle(hand, &event_id, &found),
                Fate::PutIsSafe => {}
                Fate::NobodyKnows(_) | Fate::AskAgain(..) => {
                    let hold = Some(failure.to_string());
                    return self.postpone(hand, (attempt, Negative { hold, ..self.again(hand) }));
                }
            }
        }
        match node {
            Some(node) if is_hopeless => self.speak_for(hand, &node, failure, &attempt),
            Some(node) => self.mend_ghost(hand, &node, attempt),
            None if trouble.is_none() => self.mend_sender(hand, failure, attempt),
            None => self.hold(hand, failure, attempt),
        }
    }

    fn fate_of_refused(&self, hand: &Hand) -> Fate {
        let Shared { client, clock, .. } = &*self.shared;
        fate::of(client, &**clock, &hand.message, &hand.session, false)
    }

    /// The sender says it; the message names the machine all the same.
    fn speak_for(
        &mut self,
        hand: &Hand,
        node: &str,
        failure: &Failure,
        attempt: &Attempt,
    ) -> Result<(), StoreError> {
        let why = failure.to_string();
        self.ghosts.silence(node, &why, &hand.session, self.shared.clock.running());
        self.see(Sight::GhostNotReady { room: &self.room, node, why: &why });
        self.hand_over(hand, attempt)
    }

    fn mend_ghost(&mut self, hand: &Hand, node: &str, attempt: Attempt) -> Result<(), StoreError> {
        let Shared { client, store, devices, conduct, .. } = &*self.shared;
        let (user, room) = (&hand.message.sender, &self.room);
        store.set_ready(user, room, false)?;
        let most = conduct.get().ghosts;
        let place = Place { client, store: &**store, devices, session: &hand.session, room, most };
        if make_able(place, user, node).is_ok() {
            store.set_ready(user, room, true)?;
        } else {
            self.ghosts.forget_one(node);
        }
        let again = self.again(hand);
        self.postpone(hand, (attempt, again))
    }

    /// It may have been invited meanwhile.
    fn mend_sender(&mut self, hand: &Hand, failure: &Failure, attempt: Attempt) -> Result<(), StoreError> {
        let Shared { client, devices, .. } = &*self.shared;
        let mended = match failure.kind {
            FailureKind::UnknownDevice => {
                devices.make(client, &hand.session.token, &hand.message.sender).map(|()| true)
            }
            _ => room::outside(client, &hand.session, &self.room).map(|why| why.is_none()),
        };
        match mended {
            Ok(true) => self.postpone(hand, (attempt, self.again(hand))),
            // It was not mended, nor is it beyond that.
            Err(Failure { kind: FailureKind::Unknown | FailureKind::Limited { .. }, .. }) => {
                self.trouble = None;
                self.postpone(hand, (attempt, self.again(hand)))
            }
            Ok(false) | Err(_) => self.hold(hand, failure, attempt),
        }
    }

    /// Until it is looked at again, as if it were the first time: nobody may tell of an invite.
    fn hold(&mut self, hand: &Hand, failure: &Failure, attempt: Attempt) -> Result<(), StoreError> {
        self.trouble = None;
        let (due, hold) = (Some(self.now().plus(HELD)), Some(failure.to_string()));
        self.postpone(hand, (attempt, Negative { due, hold, gate: None }))
    }
}
