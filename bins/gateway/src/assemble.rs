//! From a configuration to everything that runs.

use std::sync::Arc;

use meshhook_config::{Config, Credential, Fault, StoreUrl, Voice};
use meshhook_engine::{Account, Clock, Current, Engine, Settings, SystemClock, TokenSource};
use meshhook_matrix::{Client, Token};
use meshhook_store::{DedupeStore, MemoryStore, Store, StoreError};
use meshhook_store_sqlite::SqliteStore;
use secrecy::ExposeSecret;

use crate::admin::Admin;
use crate::admin_token::AdminToken;
use crate::appservice::Door;
use crate::ingress::Ingress;
use crate::log::LogControl;
use crate::observe::Observations;
use crate::parts::Parts;
use crate::reload::Reloader;
use crate::run::StartError;

/// What runs.
pub(crate) struct App {
    /// Answers CI systems.
    pub(crate) ingress: Arc<Ingress>,
    /// Answers the operator.
    pub(crate) admin: Arc<Admin>,
    /// Answers the homeserver, where an application service sends.
    pub(crate) door: Option<Arc<Door>>,
    /// Sends.
    pub(crate) engine: Arc<Engine>,
    /// Sees.
    pub(crate) observations: Arc<Observations>,
    /// Takes another configuration over.
    pub(crate) reloader: Arc<Reloader>,
}

/// What there is before the store is open, which may take seconds: whatever changes from then on is not in force.
pub(crate) struct Begun {
    clock: Arc<dyn Clock>,
    observations: Arc<Observations>,
    log: LogControl,
}

impl Begun {
    /// The start.
    pub(crate) fn with(log: LogControl) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        Self { observations: Arc::new(Observations::new(Arc::clone(&clock))), clock, log }
    }
}

/// Starts the engine. Nothing waits for the homeserver.
pub(crate) fn assemble(config: Config, opened: Opened, begun: Begun) -> Result<App, StartError> {
    let (Opened { store, marks }, Begun { clock, observations, log }) = (opened, begun);
    let client = client(&config)?;
    let token = AdminToken::of(&config)?;
    let root = config.root.clone();
    let pinging = is_service(&config).then(|| self::client(&config)).transpose()?;
    let Parts { gate, conduct, access, credential, registration, outline, .. } = Parts::of(config, token);
    let account = if registration.is_some() { Account::Service } else { Account::Bot };
    let registration = registration.map(|registration| Arc::new(Current::new(registration)));
    let credential = Arc::new(Current::new(credential));
    let (gate, access) = (Arc::new(Current::new(gate)), Arc::new(Current::new(access)));
    observations.expect(gate.get().names());
    let engine = Arc::new(Engine::start(Settings {
        store,
        client,
        tokens: token_source(&credential),
        account,
        clock: Arc::clone(&clock),
        observer: observations.clone(),
        conduct,
    })?);
    let door = registration.clone().map(|registration| {
        Arc::new(Door::new(registration, engine.clone(), clock.clone(), observations.clone()))
    });
    if let Some((door, client)) = door.as_ref().zip(pinging) {
        door.ask_for_pings(client).map_err(StartError::System)?;
    }
    let reloader = Arc::new(Reloader {
        root,
        engine: engine.clone(),
        gate: gate.clone(),
        access: access.clone(),
        credential,
        registration,
        log,
        observations: observations.clone(),
        in_force: outline.into(),
    });
    let admin = Admin {
        access,
        gate: gate.clone(),
        engine: engine.clone(),
        marks,
        clock: clock.clone(),
        observations: observations.clone(),
        reloader: reloader.clone(),
        journal: door.as_deref().map(Door::journal),
        auditing: ().into(),
    };
    Ok(App {
        ingress: Arc::new(Ingress::new(gate, engine.clone(), clock, observations.clone())),
        admin: Arc::new(admin),
        door,
        engine,
        observations,
        reloader,
    })
}

const fn is_service(config: &Config) -> bool {
    matches!(config.matrix.voice, Voice::Service(_))
}

fn client(config: &Config) -> Result<Client, StartError> {
    let mut options = config.matrix.options();
    options.user_agent = concat!("meshhook-gateway/", env!("CARGO_PKG_VERSION")).to_owned();
    Ok(Client::new(options)?)
}

/// One store, as the engine sees it and for a write by itself.
pub(crate) struct Opened {
    store: Arc<dyn Store>,
    marks: Arc<dyn DedupeStore>,
}

impl Opened {
    /// Opens the store of a configuration.
    pub(crate) fn of(config: &Config) -> Result<Self, StoreError> {
        match &config.store.url {
            StoreUrl::Sqlite(path) => Ok(Self::new(SqliteStore::open(path)?)),
            StoreUrl::Memory => Ok(Self::new(MemoryStore::new())),
            other => Err(StoreError::Unusable(format!("{other} is of no kind that this version opens"))),
        }
    }

    fn new(store: impl Store + DedupeStore + 'static) -> Self {
        let store = Arc::new(store);
        Self { store: store.clone(), marks: store }
    }
}

/// The file is read again whenever the engine asks, so that a token can be replaced while the gateway runs.
fn token_source(credential: &Arc<Current<Credential>>) -> TokenSource {
    let credential = Arc::clone(credential);
    Box::new(move || {
        let credential = credential.get();
        let secret = credential
            .token()
            .map_err(|faults| faults.iter().map(in_one_line).collect::<Vec<_>>().join("; "))?;
        Token::new(secret.expose_secret()).map_err(|why| format!("{}: {why}", credential.file().display()))
    })
}

fn in_one_line(fault: &Fault) -> String {
    format!("{}: {}; {}", fault.file().display(), fault.message(), fault.hint())
}
