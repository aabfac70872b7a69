//! What a configuration comes to, as far as it can be replaced while the gateway runs.

use std::sync::Arc;
use std::time::Duration;

use meshhook_appservice::Registration;
use meshhook_config::{Config, Credential, EncryptedRoom, Outline, Voice};
use meshhook_engine::{
    Conduct, Digest, Encrypted, Forks, Look, Node, Only, Pool, Route, Routes, Source, new_id,
};
use meshhook_render::Style;
use meshhook_verify::Verifier;

use crate::admin::Access;
use crate::admin_token::AdminToken;
use crate::ingress::{Gate, Hook};

/// The parts.
pub(crate) struct Parts {
    /// Who may post, and where.
    pub(crate) gate: Gate,
    /// What the engine goes by.
    pub(crate) conduct: Conduct,
    /// Who may ask, and under which names.
    pub(crate) access: Access,
    /// Where the Matrix token is.
    pub(crate) credential: Credential,
    /// What the homeserver knows of us, where an application service sends.
    pub(crate) registration: Option<Registration>,
    /// All of it, to be compared with the next.
    pub(crate) outline: Outline,
}

impl Parts {
    /// Those of a configuration.
    pub(crate) fn of(config: Config, token: AdminToken) -> Self {
        let outline = config.outline();
        let Config { server, store, matrix, message, digest, timeline, sources, routes, nodes, .. } = config;
        let look = Look { format: message.format, timeline };
        let most_keys = sources.iter().map(|source| source.secret_files.len()).max().unwrap_or(0);
        let pool = Arc::new(pool(nodes));
        let routes = Arc::new(self::routes(routes));
        let shared = Shared { most_keys, style: Arc::new(message), pool, routes, retention: store.retention };
        let hooks: Vec<_> = sources.into_iter().map(|source| hook(source, &shared)).map(Arc::new).collect();
        let conduct = Conduct {
            sources: hooks.iter().map(|hook| Arc::clone(&hook.source)).collect(),
            encrypted: encrypted(matrix.encrypted_room),
            digest: Digest { behind: digest.behind, max_lines: digest.max_lines, ..Digest::default() },
            look,
            ghosts: ghosts(&matrix.voice),
        };
        let gate = Gate {
            path: server.path,
            max_body: usize::try_from(server.max_body_bytes).unwrap_or(usize::MAX),
            trusted: server.trusted_proxies,
            decoys: decoys(&hooks, most_keys),
            hooks,
        };
        let access = Access::new(token, server.admin_hosts);
        let credential = matrix.voice.credential();
        let registration = match matrix.voice {
            Voice::Service(service) => Some(service.registration),
            _ => None,
        };
        Self { gate, conduct, access, credential, registration, outline }
    }
}

/// How many machines may speak for themselves.
fn ghosts(voice: &Voice) -> usize {
    match voice {
        Voice::Service(service) if service.per_node_senders => {
            usize::try_from(service.max_ghosts).unwrap_or(usize::MAX)
        }
        _ => 0,
    }
}

/// What all sources have in common.
struct Shared {
    /// How many keys the source with the most has.
    most_keys: usize,
    style: Arc<Style>,
    pool: Arc<Pool>,
    routes: Arc<Routes>,
    retention: Duration,
}

fn encrypted(room: EncryptedRoom) -> Encrypted {
    match room {
        EncryptedRoom::Plain => Encrypted::Plain,
        _ => Encrypted::Hold,
    }
}

fn hook(source: meshhook_config::Source, shared: &Shared) -> Hook {
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
    let keys = verifier.labels().map(str::to_owned).collect();
    let source = Source {
        name,
        reader,
        verifier: verifier.padded(shared.most_keys, random),
        scope: dedupe_scope,
        node,
        pool: Arc::clone(&shared.pool),
        units,
        only: self::only(only),
        room,
        routes: Arc::clone(&shared.routes),
        style: Arc::clone(&shared.style),
        retention: shared.retention,
    };
    Hook { source: Arc::new(source), keys, allow_from }
}

fn only(only: meshhook_config::Only) -> Only {
    let meshhook_config::Only { states, branches, workflows, repos, hide_forks, changes, .. } = only;
    let forks = if hide_forks { Forks::Hide } else { Forks::Show };
    Only { states, branches, workflows, repos, forks, changes }
}

fn routes(routes: Vec<meshhook_config::Route>) -> Routes {
    let route = |route| {
        let meshhook_config::Route { sources, repos, workflows, branches, states, nodes, room, .. } = route;
        Route { sources, repos, workflows, branches, states, nodes, room }
    };
    Routes::new(routes.into_iter().map(route).collect())
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
