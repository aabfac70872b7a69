//! The threads and what they share: one that commits, one a room, one that keeps the session and tidies up.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use meshhook_matrix::Client;
use meshhook_store::{Accepted, ActError, Store, StoreError};

use crate::account::Account;
use crate::admit::{Admission, Arrival, read_again};
use crate::bell::Bell;
use crate::bells::Bells;
use crate::clock::Clock;
use crate::commit::{Committer, Reply};
use crate::conduct::Conduct;
use crate::current::Current;
use crate::glance::Glance;
use crate::hear::{self, Ear};
use crate::id::new_id;
use crate::lane::{Lane, Next, Shared};
use crate::observe::Observer;
use crate::session::{self, Keeper, Sending, TokenSource};
use crate::stirred::Stirred;
use crate::upkeep::Upkeep;

/// What an engine works with.
pub struct Settings {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// The homeserver.
    pub client: Client,
    /// Where the access token comes from.
    pub tokens: TokenSource,
    /// As whom it sends with that.
    pub account: Account,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who sees what happens.
    pub observer: Arc<dyn Observer>,
    /// What it goes by, until [`Engine::adopt`] replaces it.
    pub conduct: Conduct,
}

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system gives no thread.
    #[error("no thread could be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// Takes admissions in and sees to it that each is in its room, once.
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
    /// Rung when there may be something to send.
    pub(crate) lanes: Arc<Bells>,
    /// Rung for who looks after the session: when the engine stops, and when he is to look at once.
    keeping: Arc<Bell>,
    look_now: Arc<AtomicBool>,
    pub(crate) ear: Arc<Ear>,
    /// For what is heard of rooms that are not configured: anybody may have their homeserver tell of those, as often as he
    /// likes, and have it take its time over each answer.
    pub(crate) elsewhere: Arc<Ear>,
    /// Closed once the engine stops: the committing thread then ends with the last of its queue.
    committer: Committer,
    stopping: Arc<AtomicBool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Engine {
    /// Starts the threads; rooms that something is owed to from before are served too.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn start(settings: Settings) -> Result<Self, EngineError> {
        let Settings { store, client, tokens, account, clock, observer, conduct } = settings;
        let lanes = Arc::new(Bells::default());
        let client = Arc::new(client);
        let (committer, committing) = Committer::start(
            Arc::clone(&store),
            Arc::clone(&clock),
            Arc::clone(&observer),
            Arc::clone(&lanes),
        )?;
        let keeper = Arc::new(Keeper::new(
            Arc::clone(&client),
            Arc::clone(&store),
            tokens,
            account,
            Arc::clone(&observer),
            Arc::clone(&lanes),
            &clock,
        ));
        let devices = Arc::clone(&keeper.devices);
        let owner = new_id("p_");
        let conduct = Current::new(conduct);
        let stirred = Stirred::default();
        let shared =
            Arc::new(Shared { client, store, keeper, devices, clock, observer, conduct, stirred, owner });
        let engine = Self {
            shared,
            lanes,
            keeping: Arc::default(),
            look_now: Arc::default(),
            ear: Arc::default(),
            elsewhere: Arc::default(),
            committer,
            stopping: Arc::default(),
            threads: Mutex::new(vec![committing]),
        };
        match engine.spawn_all(account) {
            Ok(()) => Ok(engine),
            Err(why) => {
                engine.stop(Duration::ZERO);
                Err(why)
            }
        }
    }

    fn spawn_all(&self, account: Account) -> Result<(), EngineError> {
        for room in self.rooms()? {
            self.serve(&room)?;
        }
        if account == Account::Service {
            self.spawn_ear("ear", &self.ear)?;
            self.spawn_ear("elsewhere", &self.elsewhere)?;
        }
        Ok(self.spawn_keeper()?)
    }

    /// Sees to it that a room has its lane.
    pub(crate) fn serve(&self, room: &str) -> Result<(), EngineError> {
        Ok(self.lanes.add(room, |bell| self.spawn_lane(room, bell))?)
    }

    pub(crate) fn rooms(&self) -> Result<BTreeSet<String>, StoreError> {
        let conduct = self.shared.conduct.get();
        let configured = conduct.rooms().map(str::to_owned);
        let owed = self.shared.store.totals()?.rooms.into_iter().map(|room| room.room);
        Ok(configured.chain(owed).collect())
    }

    fn spawn_lane(&self, room: &str, bell: &Arc<Bell>) -> std::io::Result<()> {
        let mut lane = Lane::new(Arc::clone(&self.shared), room.to_owned());
        let clock = Arc::clone(&self.shared.clock);
        self.spawn("lane", bell, move || match lane.step() {
            Next::Now => Some(Duration::ZERO),
            Next::At(until) => Some(until.since(clock.now())),
            Next::Bell => None,
        })
    }

    fn spawn_keeper(&self) -> std::io::Result<()> {
        let (shared, look_now) = (Arc::clone(&self.shared), Arc::clone(&self.look_now));
        let (mut glance, lanes) = (Glance::at(shared.clock.now()), Arc::clone(&self.lanes));
        let mut upkeep = Upkeep::default();
        let (mut look_at, mut tidy_at) = (Duration::ZERO, Duration::ZERO);
        self.spawn("keeper", &self.keeping, move || {
            let Shared { keeper, store, client, clock, observer, .. } = &*shared;
            // One looks for all lanes, which may sleep for minutes.
            if glance.sees_it_set(clock.now()) {
                lanes.ring_all();
            }
            if look_now.swap(false, Ordering::Relaxed) || clock.running() >= look_at {
                keeper.look(clock.now(), clock.running());
                look_at = clock.running() + session::LOOK;
            }
            if clock.running() >= tidy_at {
                tidy_at = upkeep.step(&**store, client, &**clock, &**observer) + clock.running();
            }
            Some(look_at.min(tidy_at).saturating_sub(clock.running()).min(session::LOOK))
        })
    }

    /// Nobody pushes anything to a bot.
    fn spawn_ear(&self, name: &str, ear: &Arc<Ear>) -> std::io::Result<()> {
        let (shared, lanes, bell) =
            (Arc::clone(&self.shared), Arc::clone(&self.lanes), Arc::clone(&ear.bell));
        let ear = Arc::clone(ear);
        self.spawn(name, &bell, move || hear::act(&shared, &ear, &lanes))
    }

    /// Has the access token looked at now, and not when it is time to.
    pub fn look_at_token(&self) {
        self.look_now.store(true, Ordering::Relaxed);
        self.keeping.ring();
    }

    /// Runs `turn` again and again until the engine stops; each says how long to wait for the next, if not for ever, and
    /// a ring of `bell` ends the wait.
    fn spawn(
        &self,
        name: &str,
        bell: &Arc<Bell>,
        mut turn: impl FnMut() -> Option<Duration> + Send + 'static,
    ) -> std::io::Result<()> {
        let (bell, stopping) = (Arc::clone(bell), Arc::clone(&self.stopping));
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            loop {
                // In this order: what is rung after the count ends the wait, and before it `stopping` was set.
                let heard = bell.count();
                if stopping.load(Ordering::Relaxed) {
                    return;
                }
                match turn() {
                    Some(Duration::ZERO) => {}
                    wait => bell.wait(heard, wait),
                }
            }
        })?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    /// Hands an admission in. The reply is called once, after the commit or when nothing was promised.
    pub fn commit(&self, admission: Admission, reply: Reply) {
        self.committer.submit(admission, reply);
    }

    /// The store, to look into.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.shared.store
    }

    /// Whether anything is sent, and as whom.
    #[must_use]
    pub fn sending(&self) -> Sending {
        self.shared.keeper.sending()
    }

    /// Makes a delivery owed again: one that was not understood, or too old, is read anew.
    ///
    /// # Errors
    /// [`ActError`]: nothing was changed.
    pub fn retry(&self, id: &str, force: bool) -> Result<Accepted, ActError> {
        let now = self.shared.clock.now();
        let store = self.store();
        let accepted = match store.raw(id)? {
            None => store.retry(id, force, now)?,
            Some(raw) => {
                let arrival =
                    Arrival { now: raw.received_at, request_id: &raw.facts.request_id, delivery_id: id };
                let conduct = self.shared.conduct.get();
                let source = conduct.sources.iter().find(|source| source.name == raw.source);
                let again = source.and_then(|source| read_again(source, &raw, arrival));
                store.readmit(id, again.ok_or(ActError::Unreadable)?, now)?
            }
        };
        self.lanes.ring_all();
        Ok(accepted)
    }

    /// Gives a delivery up.
    ///
    /// # Errors
    /// [`ActError`]: nothing was changed.
    pub fn discard(&self, id: &str) -> Result<(), ActError> {
        self.store().discard(id, self.shared.clock.now())?;
        // The next one may be somebody else's to say, who need not wait.
        self.lanes.ring_all();
        Ok(())
    }

    /// Takes nothing more in, commits what waits and finishes what is in hand; false when that took longer than
    /// `at_most`, which loses nothing.
    pub fn stop(&self, at_most: Duration) -> bool {
        let deadline = Instant::now() + at_most;
        self.committer.close();
        self.stopping.store(true, Ordering::Relaxed);
        self.lanes.ring_all();
        self.keeping.ring();
        self.ear.bell.ring();
        self.elsewhere.bell.ring();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        threads.into_iter().all(|thread| {
            while !thread.is_finished() && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(5));
            }
            thread.is_finished() && thread.join().is_ok()
        })
    }
}
