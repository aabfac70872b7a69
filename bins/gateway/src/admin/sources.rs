//! `GET /sources`.

use std::collections::HashMap;

use hyper::StatusCode;
use meshhook_model::Timestamp;
use meshhook_store::KeyUse;
use serde::Serialize;

use super::view::time;
use super::{Admin, Answered, failed};
use crate::answer::json;
use crate::ingress::Hook;
use crate::refusals::Refused;

impl Admin {
    /// The sources in force: when each was heard of, by which key, and what was refused of it.
    pub(super) fn sources(&self) -> Answered {
        let mut uses = by_source(self.engine.store().key_uses().map_err(failed)?);
        let refusals = self.observations.refusals();
        let source = |hook: &Hook| {
            let name = &hook.source.name;
            Source::new(hook, uses.remove(name).unwrap_or_default(), refusals.of(name))
        };
        let sources = self.gate.get().hooks.iter().map(|hook| &**hook).map(source).collect();
        let told = Sources {
            configured_since: time(self.observations.configured_since()),
            since: time(refusals.since()),
            sources,
            elsewhere: refusals.elsewhere(),
        };
        Ok(json(StatusCode::OK, &told))
    }
}

fn by_source(uses: Vec<KeyUse>) -> HashMap<String, Vec<KeyUse>> {
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for one in uses {
        found.entry(one.source.clone()).or_default().push(one);
    }
    found
}

#[derive(Serialize)]
struct Sources {
    /// When the configuration in force was read.
    configured_since: Option<Timestamp>,
    /// Since when refusals are counted.
    since: Option<Timestamp>,
    sources: Vec<Source>,
    /// What named no source.
    elsewhere: Vec<Refused>,
}

/// A source; `null` where nothing of it was accepted for long, or ever.
#[derive(Serialize)]
struct Source {
    name: String,
    provider: &'static str,
    scheme: String,
    /// Whether a signature covers the body, or possession of a secret is all that is proved.
    proves_body: bool,
    last_seen: Option<Timestamp>,
    /// The delivery that it was by.
    delivery: Option<String>,
    keys: Vec<Key>,
    refused: Vec<Refused>,
}

#[derive(Serialize)]
struct Key {
    name: String,
    /// Whether it is valid now, or was once.
    configured: bool,
    last_used: Option<Timestamp>,
}

impl Source {
    fn new(hook: &Hook, uses: Vec<KeyUse>, refused: Vec<Refused>) -> Self {
        let last = uses.iter().max_by_key(|one| one.last_used);
        let scheme = hook.source.verifier.scheme();
        Self {
            name: hook.source.name.clone(),
            provider: hook.source.reader.provider().name(),
            scheme: scheme.to_string(),
            proves_body: scheme.proves_body(),
            last_seen: last.and_then(|one| time(one.last_used)),
            delivery: last.map(|one| one.delivery.clone()),
            keys: keys(&hook.keys, uses),
            refused,
        }
    }
}

/// Those in force, as they stand in gateway.toml, and those that are not any more.
fn keys(configured: &[String], uses: Vec<KeyUse>) -> Vec<Key> {
    let used = |name: &str| uses.iter().find(|one| one.key == name).and_then(|one| time(one.last_used));
    let mut keys: Vec<_> = configured
        .iter()
        .map(|name| Key { name: name.clone(), configured: true, last_used: used(name) })
        .collect();
    let earlier = uses.into_iter().filter(|one| !configured.contains(&one.key));
    keys.extend(earlier.map(|one| Key { name: one.key, configured: false, last_used: time(one.last_used) }));
    keys
}
