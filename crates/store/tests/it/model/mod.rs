//! The machine behind "once", searched from end to end.
//!
//! Two gateways share a store and a room. Three deliveries come in any order, each as often as it likes; any of them may
//! share a message. Meanwhile so many troubles may happen, in any order and between any two steps: a gateway is killed;
//! it loses its lease and goes on with what it has decided; a PUT or its answer is lost, or a proxy answers; the
//! homeserver limits, forbids or refuses, is away for a day and forgets transaction ids, or for weeks, and marks expire;
//! there is a new login (same device, another, another user); the room does not tell; the homeserver fails at a message
//! for ever; whoever is to say it may not; what a message relates to is gone; an impostor posts a marker; an operator retries, forces or drops. Every
//! world that can come of it is visited once, and held to the [`invariants`]; from each, the gateways must come to an
//! end by themselves when there is no more trouble, with nothing owed.
//!
//! What to accept, to retry and to discard is decided by the crate's own [`rules`](meshhook_store::rules). The other
//! [`rules`] are written down here once more, each with a switch: without any one of them the search finds a breach.
//!
//! What it takes for granted:
//! - A PUT does not outlive its deadline: none is under way past an outage, when an identity is pinned, or when a message
//!   is given up. So the program has it: a PUT begins in the first half of its lease.
//! - A body that is refused is refused every time. A homeserver that refuses a PUT, and accepts the very same one that
//!   comes late from a gateway without a lease, has the delivery twice once it is tried again.
//! - An operator who forces an uncertain message has looked into the room.
//!
//! What it does not have: time (backoff, gates, holds, retention), several rooms, the order of lines, cards. Invariants 2
//! and 3 (a row never changes, no PUT without one) and 8 (what is not final has no expiry) are its shape, not its
//! findings; the switches `UnknownKeepsFrozen`, `RowBeforePut` and `PurgeFinalOnly` show what they are for.
//!
//! Two rules have no switch, since nothing here breaks without them. A redelivery of what is parked is owed again: else
//! it stays parked, which is no loss that is not known. The number of refusals is part of a transaction id: what was
//! refused is not remembered by a homeserver, so the same id would do; but a person who looks at a room or a log could
//! not tell the two messages apart.

mod around;
mod cases;
mod gateway;
mod invariants;
mod rules;
mod search;
mod state;
mod steps;
mod store;
