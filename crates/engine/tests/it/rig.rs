//! An engine with a clock that is set by hand, a store in a folder and a homeserver: a scripted one, if no other is
//! wanted.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::Duration;

use meshhook_engine::{
    Account, Answer, Arrival, Clock, CommitError, Conduct, Digest, Encrypted, Engine, Look, Observer, Only,
    Settings, Sight, Source, admit, new_id,
};
use meshhook_matrix::{Client, Options, Token};
use meshhook_model::Unit;
use meshhook_normalize::{Provider, Reader};
use meshhook_store::{DeliveryView, Filter, Life, Moment};
use meshhook_store_sqlite::SqliteStore;
use meshhook_testkit::{Event, Homeserver, eventually, try_for};
use meshhook_verify::{Key, Scheme, Verifier, sign};
use serde_json::json;
use tempfile::TempDir;

/// Long enough for a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);
/// 2026-11-23T06:00:00Z
pub(crate) const START: i64 = 1_795_413_600;

/// Runs as the machine's clock does, from a start that tests choose and jump on from.
pub(crate) struct TestClock {
    start: std::time::Instant,
    /// By how much time went on.
    ahead: AtomicI64,
    /// By how much somebody set it.
    set: AtomicI64,
    /// At what it stands still.
    held: OnceLock<Duration>,
}

impl TestClock {
    /// Time goes on by that much, which an engine notices by itself.
    pub(crate) fn advance(&self, span: Duration) {
        self.ahead.fetch_add(i64::try_from(span.as_secs()).unwrap(), Ordering::Relaxed);
    }

    /// Stands still from now on, but for jumps.
    pub(crate) fn hold(&self) {
        self.held.get_or_init(|| self.start.elapsed());
    }
}

impl Clock for TestClock {
    fn now(&self) -> Moment {
        Moment::from_seconds(START + self.set.load(Ordering::Relaxed)).plus(self.running())
    }

    fn running(&self) -> Duration {
        let elapsed = self.held.get().copied().unwrap_or_else(|| self.start.elapsed());
        elapsed + Duration::from_secs(self.ahead.load(Ordering::Relaxed).unsigned_abs())
    }
}

/// Everything that was seen, a line each.
#[derive(Default)]
pub(crate) struct Seen(Mutex<Vec<String>>);

impl Observer for Seen {
    fn see(&self, sight: Sight<'_>) {
        self.0.lock().unwrap().push(format!("{sight:?}"));
    }
}

pub(crate) struct Rig<H = Homeserver> {
    pub(crate) homeserver: H,
    url: String,
    pub(crate) room: String,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) seen: Arc<Seen>,
    pub(crate) token: Arc<Mutex<String>>,
    pub(crate) account: Account,
    pub(crate) encrypted: Encrypted,
    pub(crate) look: Look,
    pub(crate) ghosts: usize,
    pub(crate) source: Arc<Source>,
    folder: TempDir,
    engine: Option<Engine>,
}

impl Rig {
    pub(crate) fn new() -> Self {
        let homeserver = Homeserver::start();
        let (url, token) = (homeserver.url(), homeserver.user().token);
        Self::on(homeserver, url, Homeserver::ROOM, token)
    }

    /// With another source than the usual one.
    pub(crate) fn with(change: impl FnOnce(&mut Source)) -> Self {
        let mut rig = Self::new();
        rig.stop();
        change(Arc::get_mut(&mut rig.source).unwrap());
        rig.start();
        rig
    }

    pub(crate) fn messages(&self) -> Vec<Event> {
        let mut events = self.homeserver.events(Homeserver::ROOM);
        events.retain(|event| event.kind() == "m.room.message");
        events
    }

    pub(crate) fn eventually_messages(&self, count: usize) -> Vec<Event> {
        eventually(SOON, || Some(self.messages()).filter(|messages| messages.len() >= count))
    }
}

impl<H> Rig<H> {
    /// An engine that finds this homeserver at that address, and a room in it.
    pub(crate) fn on(homeserver: H, url: String, room: &str, token: String) -> Self {
        Self::as_account(Account::Bot, homeserver, url, room, token)
    }

    /// One that is an application service, with no machine that may speak yet.
    pub(crate) fn as_account(
        account: Account,
        homeserver: H,
        url: String,
        room: &str,
        token: String,
    ) -> Self {
        let token = Arc::new(Mutex::new(token));
        let clock = Arc::new(TestClock {
            start: std::time::Instant::now(),
            ahead: AtomicI64::new(0),
            set: AtomicI64::new(0),
            held: OnceLock::new(),
        });
        let folder = TempDir::new().unwrap();
        let encrypted = Encrypted::Hold;
        let mut rig = Self {
            homeserver,
            url,
            room: room.to_owned(),
            clock,
            seen: Arc::default(),
            token,
            account,
            encrypted,
            look: Look::default(),
            ghosts: 200,
            source: Arc::new(source(room)),
            folder,
            engine: None,
        };
        rig.start();
        rig
    }

    pub(crate) fn start(&mut self) {
        let token = Arc::clone(&self.token);
        let engine = Engine::start(Settings {
            store: Arc::new(SqliteStore::open(&self.store_path()).unwrap()),
            client: Client::new(Options::new(&self.url)).unwrap(),
            tokens: Box::new(move || Token::new(&token.lock().unwrap()).map_err(|e| e.to_string())),
            account: self.account,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            observer: Arc::clone(&self.seen) as Arc<dyn Observer>,
            conduct: self.conduct(vec![Arc::clone(&self.source)]),
        });
        self.engine = Some(engine.unwrap());
    }

    pub(crate) fn conduct(&self, sources: Vec<Arc<Source>>) -> Conduct {
        let (encrypted, look, ghosts) = (self.encrypted, self.look, self.ghosts);
        Conduct { sources, encrypted, digest: Digest::default(), look, ghosts }
    }

    fn store_path(&self) -> std::path::PathBuf {
        Path::join(self.folder.path(), "meshhook.db")
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    pub(crate) fn stop(&mut self) {
        assert!(self.engine().stop(SOON), "the engine did not stop");
        self.engine = None;
    }

    pub(crate) fn advance(&self, span: Duration) {
        self.clock.advance(span);
        // The clock is looked at with it, and not only within seconds.
        self.engine.iter().for_each(Engine::look_at_token);
    }

    pub(crate) fn set_back(&self, span: Duration) {
        self.clock.set.fetch_sub(i64::try_from(span.as_secs()).unwrap(), Ordering::Relaxed);
    }

    pub(crate) fn post(&self, body: &str) -> Result<Answer, CommitError> {
        let now = self.clock.now();
        let id = new_id("d_");
        let headers = sign(&key(), "", now.seconds(), body.as_bytes()).unwrap();
        let arrival = Arrival { now, request_id: "r", delivery_id: &id };
        let admission = admit(&self.source, &headers, &mut body.as_bytes().to_vec(), arrival).unwrap();
        let (tell, told) = mpsc::channel();
        self.engine().commit(admission, Box::new(move |answer| tell.send(answer).unwrap()));
        told.recv_timeout(SOON).unwrap()
    }

    /// Posts a state of a run and expects it to be accepted; the delivery's id.
    pub(crate) fn accept(&self, run: u32, status: &str, conclusion: Option<&str>) -> String {
        let answer = self.post(&run_body(run, status, conclusion, self.clock.now().seconds())).unwrap();
        assert_eq!((answer.outcome, answer.durable), ("accepted", true));
        answer.delivery
    }

    pub(crate) fn life(&self, id: &str) -> Life {
        self.engine().store().show(id).unwrap().unwrap()
    }

    pub(crate) fn status(&self, id: &str) -> &'static str {
        self.life(id).delivery.status.as_str()
    }

    #[track_caller]
    pub(crate) fn eventually_status(&self, id: &str, status: &str) {
        let became = try_for(SOON, || (self.status(id) == status).then_some(()));
        let seen = || self.seen.0.lock().unwrap().join("\n");
        assert!(became.is_some(), "it is {} and not {status}; seen was:\n{}", self.status(id), seen());
    }

    pub(crate) fn results(&self, id: &str) -> Vec<String> {
        let message = self.life(id).message;
        message.into_iter().flat_map(|message| message.attempts).map(|attempt| attempt.result).collect()
    }

    pub(crate) fn all(&self) -> Vec<DeliveryView> {
        self.engine().store().list(&Filter { limit: 100, ..Filter::default() }).unwrap()
    }

    pub(crate) fn saw(&self, what: &str) -> bool {
        self.seen.0.lock().unwrap().iter().any(|line| line.contains(what))
    }
}

fn key() -> Key {
    Key::new(Scheme::Github, "github-secret", b"a secret of thirty-two characters").unwrap()
}

pub(crate) fn source(room: &str) -> Source {
    Source {
        name: "github".into(),
        reader: Reader::new(Provider::by_name("github").unwrap()),
        verifier: Verifier::new(Scheme::Github, vec![key()]).unwrap(),
        scope: "github".into(),
        node: None,
        pool: Arc::default(),
        units: vec![Unit::Run],
        only: Only::default(),
        room: room.into(),
        routes: Arc::default(),
        style: Arc::default(),
        retention: Duration::from_secs(72 * 3600),
    }
}

fn rfc3339(seconds: i64) -> String {
    meshhook_model::Timestamp::from_unix(seconds).unwrap().to_string()
}

pub(crate) fn run_body(run: u32, status: &str, conclusion: Option<&str>, now: i64) -> String {
    json!({
        "action": if status == "completed" { "completed" } else { "in_progress" },
        "workflow_run": {
            "id": run, "name": "CI", "status": status, "conclusion": conclusion, "head_branch": "main",
            "head_sha": "6dcb09b5b57875f334f61aebed695e2e4193db5e", "run_attempt": 1,
            "html_url": format!("https://ci.example.org/runs/{run}"), "updated_at": rfc3339(now),
        },
        "workflow": { "name": "CI" },
        "repository": { "full_name": "octo/app" },
        "sender": { "login": "octo" },
    })
    .to_string()
}

pub(crate) fn job_body(run: u32, runner: &str, group: &str, now: i64) -> String {
    json!({
        "action": "in_progress",
        "workflow_job": {
            "id": u64::from(run) + 1000, "run_id": run, "name": "build", "workflow_name": "CI",
            "status": "in_progress", "conclusion": null, "head_branch": "main", "run_attempt": 1,
            "runner_name": runner, "runner_group_name": group, "started_at": rfc3339(now),
        },
        "repository": { "full_name": "octo/app" },
        "sender": { "login": "octo" },
    })
    .to_string()
}
