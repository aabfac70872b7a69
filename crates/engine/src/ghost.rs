//! Machines that speak for themselves: each is a user, made able to send before anything is frozen for it.

use std::collections::BTreeMap;
use std::time::Duration;

use meshhook_appservice::display_name;
use meshhook_matrix::{Client, Failure, FailureKind, Token};
use meshhook_store::{Enrolled, Store, StoreError, Voice};

use crate::account::DEVICE;
use crate::backoff::{backoff, jitter};
use crate::clock::Clock;
use crate::devices::Devices;
use crate::room::outside;
use crate::session::{Session, localpart};

/// How long the sender speaks for a machine that could not be made able to, before that is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(60);

/// And for one that was able to, by all that is known, and was refused all the same.
pub(crate) const SPEAKS_FOR: Duration = Duration::from_secs(600);

/// A homeserver that does not answer for so long is not asked to make others able to meanwhile: what waits would wait as
/// long for each of them.
const SLOW: Duration = Duration::from_secs(10);

/// What is known of the machines' voices in a room.
#[derive(Debug, Default)]
pub(crate) struct Ghosts {
    known: BTreeMap<String, Known>,
    /// The session that it is known of.
    session: String,
    /// How often the homeserver did not answer in a row, and before when it is left alone, on the clock that nobody sets.
    unanswered: (u32, Duration),
    /// Until then, on the clock that nobody sets, the sender speaks for all that are not able to yet.
    slow: Duration,
}

#[derive(Debug)]
enum Known {
    /// It speaks as this user.
    Able(String),
    /// The sender speaks for it until then, on the clock that nobody sets.
    Unable(Duration, String),
}

/// Where a machine's user is to be made able to send, and by whom.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) client: &'a Client,
    pub(crate) store: &'a dyn Store,
    pub(crate) devices: &'a Devices,
    pub(crate) session: &'a Session,
    pub(crate) room: &'a str,
    /// How many machines may have users.
    pub(crate) most: usize,
}

/// What an attempt to make a machine able to speak led to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Prepared {
    /// It was before, or there is nothing new to tell.
    AsBefore,
    /// It can, as this user.
    Able(String),
    /// It cannot, and why.
    Unable(String),
    /// The service's token is good no more: nothing can be said of any machine.
    TokenRefused(Failure),
    /// The homeserver does not answer; on the clock that nobody sets, when to ask again.
    AskAgain(Duration),
}

impl Ghosts {
    /// Forgets everything: something has changed.
    pub(crate) fn forget(&mut self) {
        self.known.clear();
        self.slow = Duration::ZERO;
    }

    /// Has it found out anew whether a machine can speak.
    pub(crate) fn forget_one(&mut self, node: &str) {
        self.known.remove(node);
    }

    /// Has the sender speak for a machine for a while.
    pub(crate) fn silence(&mut self, node: &str, why: &str, session: &Session, running: Duration) {
        self.know_of(session);
        self.known.insert(node.to_owned(), Known::Unable(running + SPEAKS_FOR, why.to_owned()));
    }

    /// Who speaks for a machine.
    pub(crate) fn voice(&self, node: &str, session: &Session, most: usize, running: Duration) -> Voice {
        if most == 0 || session.ghosts.is_none() {
            return Voice::Sender;
        }
        match self.known.get(node).filter(|_| self.session == session.digest) {
            Some(Known::Able(user)) => Voice::Ghost(user.clone()),
            Some(Known::Unable(until, _)) if *until > running => Voice::Sender,
            _ if self.slow > running => Voice::Sender,
            _ => Voice::Unknown,
        }
    }

    /// Finds out who speaks for a machine, and makes it able to if it can be.
    pub(crate) fn prepare(
        &mut self,
        place: Place<'_>,
        node: &str,
        clock: &dyn Clock,
    ) -> Result<Prepared, StoreError> {
        let (failures, until) = self.unanswered;
        if until > clock.running() {
            return Ok(Prepared::AskAgain(until));
        }
        self.know_of(place.session);
        let begun = clock.running();
        let made = make(place, node);
        // It may have taken longer than what follows is good for.
        let running = clock.running();
        let why = match made {
            Ok((user, fresh)) => {
                self.unanswered = (0, Duration::ZERO);
                self.known.insert(node.to_owned(), Known::Able(user.clone()));
                return Ok(if fresh { Prepared::Able(user) } else { Prepared::AsBefore });
            }
            Err(Unable::Store(why)) => return Err(why),
            Err(Unable::TokenRefused(failure)) => return Ok(Prepared::TokenRefused(failure)),
            Err(Unable::Unanswered(_)) if place.client.whoami(&place.session.token).is_err() => {
                let until = running + backoff(failures, jitter());
                self.unanswered = (failures.saturating_add(1), until);
                return Ok(Prepared::AskAgain(until));
            }
            Err(Unable::Unanswered(why)) => {
                if running.saturating_sub(begun) >= SLOW {
                    self.slow = running + TRY_AGAIN;
                }
                why
            }
            Err(Unable::Refused(why)) => why,
        };
        Ok(self.unable(node, why, running + TRY_AGAIN))
    }

    fn unable(&mut self, node: &str, why: String, until: Duration) -> Prepared {
        let is_known = matches!(self.known.get(node), Some(Known::Unable(_, known)) if *known == why);
        self.known.insert(node.to_owned(), Known::Unable(until, why.clone()));
        if is_known { Prepared::AsBefore } else { Prepared::Unable(why) }
    }

    /// What was known of another session is not of this one.
    fn know_of(&mut self, session: &Session) {
        if self.session != session.digest {
            self.forget();
            self.session.clone_from(&session.digest);
        }
    }
}

/// Who a machine speaks as, and whether it could not before.
fn make(place: Place<'_>, node: &str) -> Result<(String, bool), Unable> {
    let Some(user) = place.session.ghosts.as_ref().and_then(|ghosts| ghosts.user_id(node)) else {
        let why = "its name is too long for a user's id: list it under a shorter one";
        return Err(Unable::Refused(why.to_owned()));
    };
    match place.store.enrol(&user, place.room, DEVICE, place.most)? {
        Enrolled::Ready => Ok((user, false)),
        Enrolled::TooMany => Err(Unable::Refused(format!(
            "max_ghosts allows {} machines a user, and there are as many: raise it in [appservice]",
            place.most
        ))),
        Enrolled::Unready => {
            make_able(place, &user, node)?;
            place.store.set_ready(&user, place.room, true)?;
            Ok((user, true))
        }
    }
}

/// Why a user cannot send.
pub(crate) enum Unable {
    /// That may be about this machine.
    Refused(String),
    /// That may be about all.
    Unanswered(String),
    /// That is about nobody: the service's token is good no more.
    TokenRefused(Failure),
    /// Nothing was asked of the homeserver, or nothing of it is on record.
    Store(StoreError),
}

impl From<StoreError> for Unable {
    fn from(why: StoreError) -> Self {
        Self::Store(why)
    }
}

impl From<Failure> for Unable {
    fn from(failure: Failure) -> Self {
        match failure.kind {
            FailureKind::Unknown => Self::Unanswered(failure.to_string()),
            FailureKind::Unauthorized { .. } if !failure.is_of_the_user() => Self::TokenRefused(failure),
            _ => Self::Refused(failure.to_string()),
        }
    }
}

/// Makes a user able to send in a room: registered, with its device, named before it joins, since each room is told of
/// a later name, and a member. Each step can be taken again.
pub(crate) fn make_able(place: Place<'_>, user: &str, node: &str) -> Result<(), Unable> {
    let Place { client, devices, session, room, .. } = place;
    // Only who is in it sees what becomes of a room; and who was invited, and has not heard of it, lets in nobody.
    if let Some(why) = outside(client, session, room)? {
        return Err(Unable::Refused(why));
    }
    client.register(&session.token, localpart(user))?;
    let ghost = session.token.speaking_as(user, None);
    devices.make(client, &ghost, user)?;
    client.set_display_name(&ghost, user, &display_name(node))?;
    join(place, &ghost, user)
}

/// A private room lets in who was invited; whoever is in it may be able to invite.
fn join(Place { client, session, room, .. }: Place<'_>, ghost: &Token, user: &str) -> Result<(), Unable> {
    match client.join(ghost, room) {
        Err(failure) if failure.kind == FailureKind::Forbidden => {
            client.invite(&session.token, room, user)?;
            Ok(client.join(ghost, room)?)
        }
        joined => Ok(joined?),
    }
}
