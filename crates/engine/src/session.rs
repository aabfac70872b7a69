//! Under which token, user and device messages are sent; and whether they are at all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use meshhook_appservice::GhostNames;
use meshhook_matrix::{Client, Failure, FailureKind, Token};
use meshhook_store::{Identity, Moment, Pin, Store};

use crate::account::{Account, DEVICE};
use crate::backoff::{backoff, jitter};
use crate::bells::Bells;
use crate::clock::Clock;
use crate::devices::Devices;
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
    /// What machines' users are called, where an application service speaks as them.
    pub(crate) ghosts: Option<GhostNames>,
}

impl Session {
    /// Whether what `sender` says is said under this token.
    pub(crate) fn speaks_as(&self, sender: &str) -> bool {
        self.identity.user == sender || self.is_ghost(sender)
    }

    /// Whether it is a machine's user.
    pub(crate) fn is_ghost(&self, user: &str) -> bool {
        self.ghosts.as_ref().is_some_and(|ghosts| ghosts.node(user).is_some())
    }

    /// The token as `sender`'s own, where it may be that.
    pub(crate) fn token_of(&self, sender: &str) -> Token {
        match self.is_ghost(sender) {
            true => self.token.speaking_as(sender, Some(DEVICE)),
            false => self.token.clone(),
        }
    }
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
    pub(crate) devices: Arc<Devices>,
    tokens: TokenSource,
    account: Account,
    observer: Arc<dyn Observer>,
    lanes: Arc<Bells>,
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
        account: Account,
        observer: Arc<dyn Observer>,
        lanes: Arc<Bells>,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let (now, devices) = (clock.now(), Arc::new(Devices::new(Arc::clone(clock))));
        let state = Mutex::new(State::Out { why: "not signed in yet".to_owned(), since: now });
        Self { client, store, devices, tokens, account, observer, lanes, state, attempts: Mutex::default() }
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
        let (token, identity, ghosts) = match self.account {
            Account::Bot => self.bot(token)?,
            Account::Service => self.service(&token)?,
        };
        match self.store.pin(&identity, now) {
            Ok(Pin::Ours) => {
                let digest = digest(&identity, &fingerprint);
                Ok(Session { token, fingerprint, identity, digest, ghosts })
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

    fn bot(&self, token: Token) -> Result<Signed, SignIn> {
        let whoami = self.client.whoami(&token).map_err(|failure| SignIn::refused(&failure))?;
        Ok((token, Identity { user: whoami.user_id, device: whoami.device_id }, None))
    }

    /// An application service has a user and no device: one is made, since a homeserver remembers transaction ids for
    /// a device alone.
    fn service(&self, token: &Token) -> Result<Signed, SignIn> {
        let refused = |failure: Failure| SignIn::refused(&failure);
        let user = self.client.whoami(token).map_err(refused)?.user_id;
        let ghosts = GhostNames::of(&user).ok_or_else(|| SignIn::strange(&user))?;
        self.register(token, &user)?;
        self.devices.make(&self.client, &token.speaking_as(&user, None), &user).map_err(refused)?;
        let token = token.speaking_as(&user, Some(DEVICE));
        let device = self.client.whoami(&token).map_err(refused)?.device_id;
        match device.as_deref() {
            Some(DEVICE) => Ok((token, Identity { user, device }, Some(ghosts))),
            _ => Err(SignIn::without_device(&user)),
        }
    }

    /// A homeserver lets the service's own user do most things unregistered, not all. One that exists without having
    /// been made by the service may be refused: it is there.
    fn register(&self, token: &Token, user: &str) -> Result<(), SignIn> {
        match self.client.register(token, localpart(user)) {
            Err(failure) if failure.kind != FailureKind::Refused => Err(SignIn::refused(&failure)),
            _ => Ok(()),
        }
    }

    fn start(&self, session: Session) {
        let Identity { user, device } = &session.identity;
        self.observer.see(Sight::SignedIn { user, device: device.as_deref() });
        *self.state() = State::In(Arc::new(session));
        self.lanes.ring_all();
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
        self.lanes.ring_all();
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

/// The token to send with, whose it is, and what machines' users are called.
type Signed = (Token, Identity, Option<GhostNames>);

/// `buildbot` of `@buildbot:example.org`.
pub(crate) fn localpart(user: &str) -> &str {
    let bare = user.strip_prefix('@').unwrap_or(user);
    bare.split_once(':').map_or(bare, |(local, _)| local)
}

impl SignIn {
    fn strange(user: &str) -> Self {
        let why = format!("the homeserver says that the token is {user:?}'s, which is no user id");
        Self { why, wait: None, replaces: false }
    }

    fn without_device(user: &str) -> Self {
        let why = format!(
            "the homeserver does not let {user} speak as a device: application services can since version 1.17 of the \
             specification, and in Synapse before that with io.element.msc4190: true in the registration"
        );
        Self { why, wait: Some(TRY_AGAIN), replaces: false }
    }

    fn refused(failure: &Failure) -> Self {
        let (hint, wait) = match failure.kind {
            FailureKind::Unauthorized { .. } => (": put a token that works into its file", Some(TRY_AGAIN)),
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
