//! What became of a message whose PUT may have happened: its room is read backwards.

use meshhook_matrix::{Anchor, Client, EventId, Failure, Tail, TailQuery};
use meshhook_store::{Attempt, Message};

use crate::attempt::{attempt, of_failure};
use crate::clock::Clock;
use crate::session::Session;

/// How many pages of events are read, the sender's and those of who sent the anchor: that is our event just before.
const PAGES: usize = 10;

/// What a room's tail tells of a message.
pub(crate) enum Fate {
    /// It is there.
    InTheRoom(EventId, Attempt),
    /// It is not, or the homeserver still knows its transaction id.
    PutIsSafe,
    /// Neither can be said.
    NobodyKnows(Attempt),
    /// The homeserver did not answer.
    AskAgain(Failure, Attempt),
}

/// Reads the tail of the message's room; `txn_is_known` where the homeserver cannot have forgotten the transaction id.
pub(crate) fn of(
    client: &Client,
    clock: &dyn Clock,
    message: &Message,
    session: &Session,
    txn_is_known: bool,
) -> Fate {
    let anchor = message.prev_event.as_deref().zip(message.prev_sender.as_deref());
    let anchor = anchor.map(|(event, sender)| Anchor { event, sender });
    let query = TailQuery {
        own_user: &message.sender,
        anchor,
        txn: &message.txn,
        message_id: &message.txn,
        max_pages: PAGES,
    };
    let started = clock.now();
    let read = |token| client.tail_read(token, &message.room, &query);
    let answer = match read(&session.token_of(&message.sender)) {
        answer if is_not_let_look(&answer) && session.ghosts.is_some() => {
            read(&session.token.speaking_as(&session.identity.user, None))
        }
        answer => answer,
    };
    let ended = clock.now();
    match answer {
        Ok(Tail::Found(event_id)) => {
            Fate::InTheRoom(event_id, attempt(started, ended, "found", Some(200), String::new()))
        }
        Ok(Tail::Absent) if session.speaks_as(&message.sender) => Fate::PutIsSafe,
        Ok(_) if txn_is_known => Fate::PutIsSafe,
        Ok(_) => {
            let why = "the room does not tell, and the homeserver may have forgotten the transaction id";
            Fate::NobodyKnows(attempt(started, ended, "uncertain", None, why.to_owned()))
        }
        Err(failure) => {
            let attempt = of_failure(started, ended, &failure);
            Fate::AskAgain(failure, attempt)
        }
    }
}

/// A user that may not look, or is locked or deactivated, has a service whose own may, and needs no device for it.
fn is_not_let_look(answer: &Result<Tail, Failure>) -> bool {
    match answer {
        Ok(tail) => *tail == Tail::Inconclusive,
        Err(failure) => failure.is_of_the_user(),
    }
}
