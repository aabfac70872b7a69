//! What a homeserver tells its application service, and what is done about it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use meshhook_store::StoreError;

use crate::bell::Bell;
use crate::bells::Bells;
use crate::engine::Engine;
use crate::lane::Shared;
use crate::observe::Sight;
use crate::room::{objection, removed};
use crate::session::Session;

/// How much may wait to be acted on. What is older is found out by the rooms' own looks.
const MOST: usize = 1000;

/// After a store that failed, or without a session, so long nothing is acted on.
const PAUSE: Duration = Duration::from_secs(1);

/// What a homeserver tells.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Heard {
    /// One of our users was invited.
    Invited {
        /// Where.
        room: String,
        /// Who.
        user: String,
    },
    /// One of our users is in a room from now on.
    Joined {
        /// Where.
        room: String,
        /// Who.
        user: String,
    },
    /// One of our users was removed.
    Removed {
        /// Where.
        room: String,
        /// Who.
        user: String,
        /// By whom.
        by: String,
        /// Why, where that was said.
        reason: Option<String>,
    },
    /// A room was upgraded or encrypted.
    Changed {
        /// Which.
        room: String,
    },
}

impl Heard {
    fn room(&self) -> &str {
        match self {
            Self::Invited { room, .. }
            | Self::Joined { room, .. }
            | Self::Removed { room, .. }
            | Self::Changed { room } => room,
        }
    }
}

/// What was heard and not acted on yet.
#[derive(Debug, Default)]
pub(crate) struct Ear {
    heard: Mutex<VecDeque<Heard>>,
    pub(crate) bell: Arc<Bell>,
}

impl Ear {
    fn push(&self, heard: Heard) {
        let mut queue = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.len() >= MOST {
            queue.pop_front();
        }
        queue.push_back(heard);
        drop(queue);
        self.bell.ring();
    }

    fn first(&self) -> Option<Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).front().cloned()
    }

    fn done(&self, with: &Heard) {
        let mut queue = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.front() == Some(with) {
            queue.pop_front();
        }
    }
}

impl Engine {
    /// Takes what the homeserver tells; it is acted on at once, by another thread.
    pub fn hear(&self, heard: Heard) {
        let ear = if self.is_configured(heard.room()) { &self.ear } else { &self.elsewhere };
        ear.push(heard);
    }
}

/// Acts on what was heard first; how long to wait for the next, if not for ever.
pub(crate) fn act(shared: &Shared, ear: &Ear, lanes: &Bells) -> Option<Duration> {
    let heard = ear.first()?;
    let Some(session) = shared.keeper.current() else { return Some(PAUSE) };
    let actor = Actor { shared, session: &session };
    match actor.act(&heard) {
        Ok(()) => {
            ear.done(&heard);
            lanes.ring(&[heard.room().to_owned()].into());
            Some(Duration::ZERO)
        }
        Err(why) => {
            shared.observer.see(Sight::StoreFailed { doing: "hear", why: &why });
            Some(PAUSE)
        }
    }
}

struct Actor<'a> {
    shared: &'a Shared,
    session: &'a Session,
}

impl Actor<'_> {
    fn act(&self, heard: &Heard) -> Result<(), StoreError> {
        let is_served = |room: &str| self.shared.conduct.get().serves(room);
        match heard {
            Heard::Invited { room, user } => {
                self.answer_invite(room, user, is_served(room));
                Ok(())
            }
            Heard::Joined { room, user } if is_served(room) && *user == self.session.identity.user => {
                self.shared.stirred.stir(room);
                Ok(())
            }
            Heard::Removed { room, user, by, reason } if is_served(room) => {
                self.removed(room, user, by, reason.as_deref())
            }
            Heard::Changed { room } if is_served(room) => self.changed(room),
            Heard::Joined { .. } | Heard::Removed { .. } | Heard::Changed { .. } => Ok(()),
        }
    }

    /// Who invites a user of ours into a room that is not configured gets a no.
    fn answer_invite(&self, room: &str, user: &str, is_served: bool) {
        let Shared { client, observer, .. } = self.shared;
        if !self.session.speaks_as(user) {
            return;
        }
        let token = self.session.token_of(user);
        let (done, answered) = match is_served {
            true => ("joined", client.join(&token, room)),
            false => ("declined", client.leave(&token, room)),
        };
        match answered {
            Ok(()) => observer.see(Sight::Heard { room, done: &format!("{user} was invited, and {done}") }),
            Err(why) => observer.see(Sight::NotHeeded { room, why: &format!("{user} was invited: {why}") }),
        }
        if is_served {
            self.shared.stirred.stir(room);
        }
    }

    /// Without its own user nothing is written; without a machine's, that is made able to again.
    fn removed(&self, room: &str, user: &str, by: &str, reason: Option<&str>) -> Result<(), StoreError> {
        if user == self.session.identity.user {
            self.hold(room, &removed(user, by, reason))?;
        } else if self.session.is_ghost(user) {
            self.shared.store.set_ready(user, room, false)?;
        }
        self.shared.stirred.stir(room);
        Ok(())
    }

    fn changed(&self, room: &str) -> Result<(), StoreError> {
        let Shared { client, conduct, .. } = self.shared;
        let encrypted = conduct.get().encrypted;
        match objection(client, &self.session.token, room, encrypted) {
            Ok(None) => {}
            Ok(Some(why)) => self.hold(room, &why)?,
            // The lane looks as well; where the homeserver does not tell, it would write. A held room is looked at again.
            Err(failure) => {
                let why = "the room was upgraded or encrypted, as far as the homeserver tells";
                self.hold(room, &format!("{why}: {failure}"))?;
            }
        }
        self.shared.stirred.stir(room);
        Ok(())
    }

    fn hold(&self, room: &str, why: &str) -> Result<(), StoreError> {
        self.shared.store.hold(room, Some(why), self.shared.clock.now())?;
        self.shared.observer.see(Sight::Held { room, why });
        Ok(())
    }
}
