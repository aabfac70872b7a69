//! From a configuration to everything that runs.

use std::sync::Arc;

use meshhook_config::{Config, EncryptedRoom, StoreUrl};
use meshhook_engine::{
    Clock, Digest, Encrypted, Engine, Forks, Look, Node, Only, Pool, Settings, Source, SystemClock,
    TokenSource, new_id,
};
use meshhook_matrix::{Client, Options, Token};
use meshhook_render::Style;
use meshhook_store::{DedupeStore, MemoryStore, Store, StoreError};
use meshhook_store_sqlite::SqliteStore;
use meshhook_verify::Verifier;
use secrecy::ExposeSecret;

use crate::admin::Admin;
use crate::admin_token::AdminToken;
use crate::ingress::{Gate, Hook, Ingress};
use crate::observe::Observations;
use crate::run::StartError;

/// What runs.
pub(crate) struct App {
    /// Answers CI systems.
    pub(crate) ingress: Arc<Ingress>,
    /// Answers the operator.
    pub(crate) admin: Arc<Admin>,
    /// Sends.
    pub(crate) engine: Arc<Engine>,
    /// Sees.
    pub(crate) observations: Arc<Observations>,
}

/// Starts the engine. Nothing waits for the homeserver.
pub(crate) fn assemble(config: Config, opened: Opened) -> Result<App, StartError> {
    let Opened { store, marks } = opened;
    let client = client(&config)?;
    let token = AdminToken::of(&config)?;
    let observations = Arc::new(Observations::new());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let encrypted = match config.matrix.encrypted_room {
        EncryptedRoom::Plain => Encrypted::Plain,
        _ => Encrypted::Hold,
    };
    let tokens = token_source(&config);
    let Config { server, store: kept, message, digest, timeline, sources, nodes, .. } = config;
    let digest = Digest { behind: digest.behind, max_lines: digest.max_lines, ..Digest::default() };
    let look = Look { format: message.format, timeline };
    let style = Arc::new(message);
    let pool = Arc::new(pool(nodes));
    let most_keys = sources.iter().map(|source| source.secret_files.len()).max().unwrap_or(0);
    let hooks: Vec<_> = sources
        .into_iter()
        .map(|source| hook(source, most_keys, &style, &pool, kept.retention))
        .map(Arc::new)
        .collect();
    let engine = Arc::new(Engine::start(Settings {
        store,
        client,
        tokens,
        clock: Arc::clone(&clock),
        observer: observations.clone(),
        sources: hooks.iter().map(|hook| Arc::clone(&hook.source)).collect(),
        encrypted,
        digest,
        look,
    })?);
    let gate = Gate {
        path: server.path,
        max_body: usize::try_from(server.max_body_bytes).unwrap_or(usize::MAX),
        trusted: server.trusted_proxies,
        decoys: decoys(&hooks, most_keys),
        hooks,
    };
    let admin =
        Admin::new(token, server.admin_hosts, engine.clone(), marks, clock.clone(), observations.clone());
    Ok(App {
        ingress: Arc::new(Ingress::new(gate, engine.clone(), clock, observations.clone())),
        admin: Arc::new(admin),
        engine,
        observations,
    })
}

fn client(config: &Config) -> Result<Client, StartError> {
    let mut options = Options::new(&config.matrix.homeserver);
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
fn token_source(config: &Config) -> TokenSource {
    let file = config.matrix.access_token_file.clone();
    Box::new(move || {
        let secret = meshhook_config::read_token(&file)
            .map_err(|fault| format!("{}: {}; {}", fault.file().display(), fault.message(), fault.hint()))?;
        Token::new(secret.expose_secret()).map_err(|why| format!("{}: {why}", file.display()))
    })
}

fn hook(
    source: meshhook_config::Source,
    keys: usize,
    style: &Arc<Style>,
    pool: &Arc<Pool>,
    retention: std::time::Duration,
) -> Hook {
    let meshhook_config::Source {
        name,
        reader,
        verifier,
        allow_from,
        node,
        units,
        only,
        room,
        dedupe_scope,
        ..
    } = source;
    let style = Arc::clone(style);
    let source = Source {
        name,
        reader,
        verifier: verifier.padded(keys, random),
        scope: dedupe_scope,
        node,
        pool: Arc::clone(pool),
        units,
        only: self::only(only),
        room,
        style,
        retention,
    };
    Hook { source: Arc::new(source), allow_from }
}

fn only(only: meshhook_config::Only) -> Only {
    let meshhook_config::Only { states, branches, workflows, repos, hide_forks, changes, .. } = only;
    let forks = if hide_forks { Forks::Hide } else { Forks::Show };
    Only { states, branches, workflows, repos, forks, changes }
}

fn pool(nodes: Vec<meshhook_config::Node>) -> Pool {
    let node = |meshhook_config::Node { name, runners, .. }| Node { name, runners };
    Pool::new(nodes.into_iter().map(node).collect())
}

/// A verifier that takes nothing for each scheme in use, with as many keys as the source with the most has, as every
/// source's own was padded to: each key costs time.
fn decoys(hooks: &[Arc<Hook>], keys: usize) -> Vec<Verifier> {
    let mut decoys: Vec<Verifier> = Vec::new();
    for verifier in hooks.iter().map(|hook| &hook.source.verifier) {
        if decoys.iter().all(|decoy| decoy.scheme() != verifier.scheme()) {
            decoys.push(verifier.decoy(keys, random));
        }
    }
    decoys
}

/// Two ids are 52 letters and digits of 5 bits: more than anybody can guess in the first 32.
fn random() -> [u8; 32] {
    let id = new_id(&new_id(""));
    *id.as_bytes().first_chunk().expect("an id is 26 bytes long")
}
