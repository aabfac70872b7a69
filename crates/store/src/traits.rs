//! What a store does, by who asks for it.

use std::time::Duration;

use crate::{
    Accepted, ActError, Attempt, Audit, DeliveryView, Enrolled, Filter, GhostView, Identity, Key, KeyUse,
    Latest, Lease, Life, Moment, Negative, NewDelivery, NodeView, Pin, Raw, Refused, Said, StoreError, Take,
    Taken, Totals,
};

/// Remembers what was seen: all there is to a store for those who want just that.
pub trait DedupeStore: Send + Sync {
    /// Marks `key` until `now + keep`; true when it was not marked. Durable when it returns.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was marked.
    fn first_time(&self, key: &Key, now: Moment, keep: Duration) -> Result<bool, StoreError>;
}

/// Takes deliveries in.
pub trait Intake: Send + Sync {
    /// Whether what is accepted outlives the process.
    fn is_durable(&self) -> bool;

    /// Accepts a batch in one durable transaction; one answer each, in order.
    ///
    /// # Errors
    /// [`StoreError`] as a whole: nothing of the batch is durable. Inside: that delivery alone failed.
    fn accept(
        &self,
        batch: Vec<NewDelivery>,
        now: Moment,
    ) -> Result<Vec<Result<Accepted, StoreError>>, StoreError>;
}

/// Gives out what is owed, one message a room, and takes back what became of it.
pub trait Outbox: Send + Sync {
    /// The message in hand in a room, or the next one, frozen durably before this returns.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was taken.
    fn take(&self, take: &Take<'_>) -> Result<Taken, StoreError>;

    /// The homeserver named the message's event. Valid from any generation.
    ///
    /// # Errors
    /// [`StoreError`]: the message stays open and will be found again.
    fn settle(&self, message: i64, event_id: &str, attempt: &Attempt, now: Moment) -> Result<(), StoreError>;

    /// The PUT failed, or nobody knows: the same one again later. False when the lease is outdated.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was changed.
    fn postpone(&self, lease: &Lease, attempt: &Attempt, negative: &Negative) -> Result<bool, StoreError>;

    /// The homeserver refused the message for good.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was changed.
    fn refuse(&self, lease: &Lease, attempt: &Attempt, now: Moment) -> Result<Refused, StoreError>;

    /// Nobody can know what became of the message; the room goes on. False when the lease is outdated.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was changed.
    fn give_up(&self, lease: &Lease, attempt: &Attempt, now: Moment) -> Result<bool, StoreError>;

    /// The machine that speaks cannot, and the message is certainly not in the room: its members are pending again, to
    /// be said by the pinned identity's user. False when the lease is outdated.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was changed.
    fn hand_over(&self, lease: &Lease, attempt: &Attempt, now: Moment) -> Result<bool, StoreError>;

    /// Holds a room, for a reason, or lets it go on. What is in hand is sent all the same, if it can be, and ends a hold.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was changed.
    fn hold(&self, room: &str, why: Option<&str>, now: Moment) -> Result<(), StoreError>;

    /// Has what is in hand in a room that is held be due now: something was heard that may end the hold.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was changed.
    fn hurry(&self, room: &str, now: Moment) -> Result<(), StoreError>;
}

/// Remembers the users that machines speak as.
pub trait Ghosts: Send + Sync {
    /// Puts a machine's user on record for a room, before it is made anywhere: so there are never more than `most`,
    /// whatever dies.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was changed.
    fn enrol(&self, user: &str, room: &str, device: &str, most: usize) -> Result<Enrolled, StoreError>;

    /// Notes whether a user that is on record for a room can send there.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was changed.
    fn set_ready(&self, user: &str, room: &str, ready: bool) -> Result<(), StoreError>;

    /// All that are on record, by user and room.
    ///
    /// # Errors
    /// [`StoreError`].
    fn ghosts(&self) -> Result<Vec<GhostView>, StoreError>;
}

/// Shows what there is and carries out what an operator orders.
pub trait Inspect: Send + Sync {
    /// Deliveries that match, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    fn list(&self, filter: &Filter) -> Result<Vec<DeliveryView>, StoreError>;

    /// One delivery's life.
    ///
    /// # Errors
    /// [`StoreError`].
    fn show(&self, id: &str) -> Result<Option<Life>, StoreError>;

    /// What is owed and what needs a person.
    ///
    /// # Errors
    /// [`StoreError`].
    fn totals(&self) -> Result<Totals, StoreError>;

    /// What is needed to read an unreadable or stale delivery again.
    ///
    /// # Errors
    /// [`StoreError`].
    fn raw(&self, id: &str) -> Result<Option<Raw>, StoreError>;

    /// The delivery of that key.
    ///
    /// # Errors
    /// [`StoreError`].
    fn by_key(&self, key: &Key) -> Result<Option<DeliveryView>, StoreError>;

    /// The messages that are in a room by what is on record, the newest `limit` of them. Neither waits for writes nor
    /// holds anybody up.
    ///
    /// # Errors
    /// [`StoreError`].
    fn said(&self, room: &str, limit: usize) -> Result<Vec<Said>, StoreError>;

    /// Looks at every row, in one consistent snapshot, for what breaks an invariant. `carried` reads the keys that a
    /// message's body says it carries; nothing where it says none. Neither waits for writes nor holds them up.
    ///
    /// # Errors
    /// [`StoreError`].
    fn audit(&self, carried: &dyn Fn(&str) -> Option<Vec<Key>>) -> Result<Audit, StoreError>;

    /// The machines that were heard of, by name; of more than [`rules::MAX_NODES`](crate::rules::MAX_NODES) the last ones.
    ///
    /// # Errors
    /// [`StoreError`].
    fn nodes(&self) -> Result<Vec<NodeView>, StoreError>;

    /// The last that is said in a room of each workflow, job and branch, the newest first, among the `look_at` deliveries of
    /// all rooms that came last: what is in the room, may be there or is to be.
    ///
    /// # Errors
    /// [`StoreError`].
    fn latest(&self, room: &str, look_at: usize) -> Result<Vec<Latest>, StoreError>;

    /// When each key last verified a delivery that was accepted, by source and label; a key that verified nothing for
    /// [`rules::UNUSED`](crate::rules::UNUSED) is not among them. It is as durable as the delivery.
    ///
    /// # Errors
    /// [`StoreError`].
    fn key_uses(&self) -> Result<Vec<KeyUse>, StoreError>;

    /// Makes a parked, uncertain (by force) or never sent, dropped delivery pending again, by accept's rules; of an
    /// uncertain message all members, since it is their message that is written off.
    ///
    /// # Errors
    /// [`ActError`]: nothing was changed.
    fn retry(&self, id: &str, force: bool, now: Moment) -> Result<Accepted, ActError>;

    /// Replaces an unreadable or stale delivery, also a dropped one, by what a new reading made of it, by accept's rules but for
    /// freshness, which the operator's order stands for.
    ///
    /// # Errors
    /// [`ActError`]: nothing was changed.
    fn readmit(&self, id: &str, again: NewDelivery, now: Moment) -> Result<Accepted, ActError>;

    /// Gives a delivery up.
    ///
    /// # Errors
    /// [`ActError`]: nothing was changed.
    fn discard(&self, id: &str, now: Moment) -> Result<(), ActError>;
}

/// What a store needs now and then.
pub trait Upkeep: Send + Sync {
    /// Pins `identity` if none is pinned, or if the pinned one can have nothing under way any more.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was changed.
    fn pin(&self, identity: &Identity, now: Moment) -> Result<Pin, StoreError>;

    /// Forgets what has expired, at most `limit` of each kind; how many it were of the most frequent. There may be
    /// more while that is `limit`.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was forgotten.
    fn purge(&self, now: Moment, limit: usize) -> Result<usize, StoreError>;
}

/// Everything the engine asks of a store.
pub trait Store: Intake + Outbox + Ghosts + Inspect + Upkeep {}

impl<T: Intake + Outbox + Ghosts + Inspect + Upkeep> Store for T {}
