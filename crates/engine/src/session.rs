//! Under which token, user and device messages are sent; and whether they are at all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use meshhook_matrix::{Client, Failure, FailureKind, Token};
use meshhook_store::{Identity, Moment, Pin, Store};

use crate::backoff::{backoff, jitter};
use crate::bell::Bell;
use crate::identity::{Recipe, hex};
use crate::observe::{Observer, Sight};

/// Reads the access token anew: from its file, which an operator may have replaced. The error says what is wrong
/// with it in words, without the token.
pub type TokenSource = Box<dyn Fn() -> Result<Token, String> + Send + Sync>;

/// How often the token file is looked at.
pub(crate) const LOOK: Duration = Duration::from_secs(5);

/// How often a token that was refused is tried again: homeservers err too.
const TRY_AGAIN: Duration = Duration::from_secs(60);

/// Whether anything is sent, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sending {
    /// As this user and device.
    As {
        /// The user id.
        user: String,
        /// The device id.
        device: Option<String>,
    },
    /// Nothing is sent.
    Stopped {
        /// Why.
        why: String,
        /// Since when.
        since: Moment,
    },
}

/// What every PUT is made with.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) token: Token,
    fingerprint: [u8; 32],
    pub(crate) identity: Identity,
    /// A digest of user, device and token: the same means the same transaction ids.
    pub(crate) digest: String,
}

#[derive(Debug)]
enum State {
    In(Arc<Session>),
    Out { why: String, since: Moment },
}

/// Keeps the session: signs in, notices another token, signs out when the homeserver says so.
pub(crate) struct Keeper {
    client: Arc<Client>,
    store: Arc<dyn Store>,
    tokens: TokenSource,
    observer: Arc<dyn Observer>,
    bell: Arc<Bell>,
    state: Mutex<State>,
    attempts: Mutex<Attempts>,
}

/// What has been tried.
#[derive(Debug, Default)]
struct Attempts {
    /// The token that was tried last, by its fingerprint.
    tried: Option<[u8; 32]>,
    /// Before this, on the clock that nobody sets, it is not tried again.
    next: Duration,
    failures: u32,
}

impl Keeper {
    pub(crate) fn new(
        client: Arc<Client>,
        store: Arc<dyn Store>,
        tokens: TokenSource,
        observer: Arc<dyn Observer>,
        bell: Arc<Bell>,
        now: Moment,
    ) -> Self {
        let state = Mutex::new(State::Out { why: "not signed in yet".to_owned(), since: now });
        Self { client, store, tokens, observer, bell, state, attempts: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session, while there is one.
    pub(crate) fn current(&self) -> Option<Arc<Session>> {
        match &*self.state() {
            State::In(session) => Some(Arc::clone(session)),
            State::Out { .. } => None,
        }
    }

    pub(crate) fn sending(&self) -> Sending {
        match &*self.state() {
            State::In(session) => {
                let Identity { user, device } = session.identity.clone();
                Sending::As { user, device }
            }
            State::Out { why, since } => Sending::Stopped { why: why.clone(), since: *since },
        }
    }

    /// The homeserver refused a session's token: nothing is sent until a token works.
    pub(crate) fn sign_out(&self, refused: &Session, why: &str, now: Moment, running: Duration) {
        let mut attempts = self.attempts();
        attempts.tried = Some(refused.fingerprint);
        attempts.next = running + TRY_AGAIN;
        drop(attempts);
        self.stop_unless_another(refused, why, now);
    }

    /// The store is pinned to another identity than a session's: it has to be asked anew.
    pub(crate) fn unpinned(&self, session: &Session, now: Moment) {
        self.attempts().tried = None;
        self.stop_unless_another(session, "the store is pinned to another user or device", now);
    }

    fn stop_unless_another(&self, session: &Session, why: &str, now: Moment) {
        let state = self.state();
        if matches!(&*state, State::In(current) if current.digest == session.digest) {
            self.stop(state, why, now);
        }
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the token file and signs in where there is something to try.
    pub(crate) fn look(&self, now: Moment, running: Duration) {
        match (self.tokens)() {
            Ok(token) => self.consider(token, now, running),
            // A token that works is not given up for a file that is just being written.
            Err(why) if self.current().is_none() => self.stop(self.state(), &why, now),
            Err(_) => {}
        }
    }

    fn consider(&self, token: Token, now: Moment, running: Duration) {
        let fingerprint = fingerprint(&token);
        let current = self.current();
        let mut attempts = self.attempts();
        let known = current.as_ref().is_some_and(|session| session.fingerprint == fingerprint);
        if known || (attempts.tried == Some(fingerprint) && attempts.next > running) {
            return;
        }
        attempts.tried = Some(fingerprint);
        match self.sign_in(token, fingerprint, now) {
            Ok(session) => {
                attempts.failures = 0;
                self.start(session);
            }
            Err(SignIn { why, wait, replaces }) => {
                attempts.next = running + wait.unwrap_or_else(|| backoff(attempts.failures, jitter()));
                attempts.failures = attempts.failures.saturating_add(1);
                if current.is_some() && !replaces {
                    self.observer.see(Sight::TokenNotTaken { why: &why });
                } else {
                    self.stop(self.state(), &why, now);
                }
            }
        }
    }

    fn sign_in(&self, token: Token, fingerprint: [u8; 32], now: Moment) -> Result<Session, SignIn> {
        let whoami = self.client.whoami(&token).map_err(|failure| SignIn::refused(&failure))?;
        let identity = Identity { user: whoami.user_id, device: whoami.device_id };
        match self.store.pin(&identity, now) {
            Ok(Pin::Ours) => {
                let digest = digest(&identity, &fingerprint);
                Ok(Session { token, fingerprint, identity, digest })
            }
            // Who replaces the one that sends has to wait until it is quiet: so it is.
            Ok(Pin::Other { pinned, until }) => Err(SignIn {
                why: format!("{identity} waits until nothing sent as {pinned} can be under way any more"),
                wait: Some(until.since(now).min(TRY_AGAIN)),
                replaces: true,
            }),
            Err(why) => Err(SignIn { why: why.to_string(), wait: None, replaces: false }),
        }
    }

    fn start(&self, session: Session) {
        let Identity { user, device } = &session.identity;
        self.observer.see(Sight::SignedIn { user, device: device.as_deref() });
        *self.state() = State::In(Arc::new(session));
        self.bell.ring();
    }

    fn stop(&self, mut state: MutexGuard<'_, State>, why: &str, now: Moment) {
        let since = match &*state {
            State::Out { why: known, .. } if known == why => return,
            State::Out { since, .. } => *since,
            State::In(_) => now,
        };
        *state = State::Out { why: why.to_owned(), since };
        drop(state);
        self.observer.see(Sight::NotSending { why });
        self.bell.ring();
    }
}

/// Why a token did not lead to a session.
struct SignIn {
    why: String,
    /// When to try the same one again, where that is known.
    wait: Option<Duration>,
    /// Whether the token works, and is to take the place of the one that sends.
    replaces: bool,
}

impl SignIn {
    fn refused(failure: &Failure) -> Self {
        let (hint, wait) = match failure.kind {
            FailureKind::Unauthorized { .. } => {
                (": put a token that works into the token file", Some(TRY_AGAIN))
            }
            FailureKind::Limited { retry_after } => ("", retry_after),
            _ => ("", None),
        };
        let what = match failure.tls {
            Some(_) => "the homeserver's server is not believed",
            None => "the homeserver does not sign us in",
        };
        let why = format!("{what}: {failure}{hint}");
        Self { why, wait, replaces: false }
    }
}

fn fingerprint(token: &Token) -> [u8; 32] {
    Recipe::new().text("token").text(token.expose()).hash()
}

fn digest(identity: &Identity, fingerprint: &[u8; 32]) -> String {
    let recipe = Recipe::new().text("session").text(&identity.user).maybe(identity.device.as_deref());
    hex(&recipe.bytes(fingerprint).hash()[..16])
}
