//! What the engine lets be seen, for logs and metrics.

use std::time::Duration;

use meshhook_store::{Attempt, StoreError};

/// Something that happened.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Sight<'a> {
    /// A batch of deliveries reached the disk.
    Committed {
        /// How many.
        deliveries: usize,
        /// How long it took.
        took: Duration,
    },
    /// The store failed.
    StoreFailed {
        /// At what.
        doing: &'static str,
        /// How.
        why: &'a StoreError,
    },
    /// A message was frozen.
    Frozen {
        /// Where.
        room: &'a str,
        /// Its transaction id.
        txn: &'a str,
        /// What it says.
        carried: &'a [Carried],
    },
    /// A PUT, or a look for what an earlier one did, was answered.
    Attempted {
        /// Where.
        room: &'a str,
        /// The message's transaction id.
        txn: &'a str,
        /// What it says.
        carried: &'a [Carried],
        /// The answer.
        attempt: &'a Attempt,
    },
    /// A message is in the room.
    Settled {
        /// Where.
        room: &'a str,
        /// Its transaction id.
        txn: &'a str,
        /// What it says.
        carried: &'a [Carried],
        /// Its event.
        event_id: &'a str,
        /// How long after it was frozen.
        after: Duration,
    },
    /// The homeserver refused a message for good; its delivery is parked.
    Parked {
        /// Where.
        room: &'a str,
        /// Its transaction id.
        txn: &'a str,
        /// What it says.
        carried: &'a [Carried],
    },
    /// Nobody can know whether a message is in the room.
    Uncertain {
        /// Where.
        room: &'a str,
        /// Its transaction id.
        txn: &'a str,
        /// What it says.
        carried: &'a [Carried],
    },
    /// Nothing is written into a room.
    Held {
        /// Which.
        room: &'a str,
        /// Why.
        why: &'a str,
    },
    /// A room that was held may be written to again.
    Released {
        /// Which.
        room: &'a str,
    },
    /// A machine can speak for itself from now on.
    GhostReady {
        /// Where.
        room: &'a str,
        /// The machine.
        node: &'a str,
        /// Its user.
        user: &'a str,
    },
    /// A machine cannot speak for itself, and the sender does it.
    GhostNotReady {
        /// Where.
        room: &'a str,
        /// The machine.
        node: &'a str,
        /// Why.
        why: &'a str,
    },
    /// What the homeserver pushed was acted on.
    Heard {
        /// Where.
        room: &'a str,
        /// What was done.
        done: &'a str,
    },
    /// What the homeserver pushed could not be acted on.
    NotHeeded {
        /// Where.
        room: &'a str,
        /// What failed.
        why: &'a str,
    },
    /// The token works.
    SignedIn {
        /// The user id.
        user: &'a str,
        /// The device id.
        device: Option<&'a str>,
    },
    /// There is another token, and it does not work; the one before still does.
    TokenNotTaken {
        /// Why.
        why: &'a str,
    },
    /// Nothing is sent anywhere.
    NotSending {
        /// Why.
        why: &'a str,
    },
    /// Expired marks were forgotten.
    Purged {
        /// How many.
        rows: usize,
    },
    /// Nothing is forgotten: this machine's clock and the homeserver's differ by more than five minutes.
    ClockInDoubt,
    /// After [`Sight::ClockInDoubt`]: they agree again.
    ClockAgrees,
}

/// A delivery that a message says, for people who look for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// Its id.
    pub delivery: String,
    /// The sender's id for what it is about, or its own.
    pub correlation_id: String,
}

/// Sees what happens. Called from the engine's threads: it must not wait.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn see(&self, sight: Sight<'_>);
}
