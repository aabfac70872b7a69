//! Builds as CI systems tell of them, and the key under which each state may be said once.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::us::{LISTED, machine_of};
use crate::signed::{self, Headers};
use crate::{Event, GatewayBuilder};

/// Where a build stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum State {
    Queued,
    Running,
    Succeeded,
    Failed,
}

impl State {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    /// A finished state, the one as good as the other, comes after all others.
    pub(super) const fn rank(self) -> u8 {
        match self {
            Self::Queued => 0,
            Self::Running => 1,
            Self::Succeeded | Self::Failed => 2,
        }
    }

    pub(super) const fn is_final(self) -> bool {
        self.rank() == 2
    }

    /// GitHub's `status` and `conclusion`.
    const fn on_github(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Queued => ("queued", None),
            Self::Running => ("in_progress", None),
            Self::Succeeded => ("completed", Some("success")),
            Self::Failed => ("completed", Some("failure")),
        }
    }
}

/// One state of one attempt of one run: what may be said once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Stage {
    pub(super) source: String,
    pub(super) run: String,
    pub(super) attempt: u64,
    pub(super) state: State,
    /// The machine that it is on.
    pub(super) machine: &'static str,
}

/// A source of the gateway under test, with a room of its own.
#[derive(Debug, Clone)]
pub(super) struct Source {
    name: String,
    secret: String,
    room: String,
    /// GitHub's runs do not tell their machine: such a source is one machine's own.
    only: Option<&'static str>,
}

/// A POST, signed, and what it is about.
#[derive(Debug, Clone)]
pub(super) struct Post {
    pub(super) stage: Stage,
    pub(super) key: String,
    pub(super) headers: Headers,
    pub(super) body: Vec<u8>,
}

const REPO: &str = "acme/rocket";
const WORKFLOW: &str = "Nightly";

impl Source {
    /// The source of that number: GitHub's and our own format take turns.
    pub(super) fn new(number: usize, room: &str) -> Self {
        let is_github = number.is_multiple_of(2);
        let secret = match is_github {
            true => format!("the-webhooks-secret-of-source-{number}"),
            // Padding, so that any number makes base64.
            false => format!("whsec_c2VjcmV0LW9mLWEtc291cmNlLW9mLXRo{number:0>4}"),
        };
        let only = is_github.then(|| LISTED[number / 2 % LISTED.len()]);
        Self { name: format!("source-{number}"), secret, room: room.to_owned(), only }
    }

    /// Adds it to a gateway's configuration.
    pub(super) fn add_to(&self, gateway: GatewayBuilder) -> GatewayBuilder {
        let provider = if self.only.is_some() { "github" } else { "standard" };
        let room = format!("room = \"{}\"", self.room);
        let gateway = gateway.source(&self.name, provider, &self.secret).in_source(&room);
        self.only
            .into_iter()
            .fold(gateway, |gateway, machine| gateway.in_source(&format!("node = \"{machine}\"")))
    }

    /// The POST that tells of one state, signed now. Run ids are numbers, as GitHub's are.
    pub(super) fn post(&self, run: u64, attempt: u64, state: State) -> Post {
        let machine = self.only.unwrap_or_else(|| machine_of(run));
        let stage = Stage { source: self.name.clone(), run: run.to_string(), attempt, state, machine };
        let is_github = self.only.is_some();
        let body = if is_github { github(run, &stage) } else { own_format(&stage) };
        let id = format!("{run}-{attempt}-{}", state.word());
        let headers = match is_github {
            true => signed::github(&self.secret, "workflow_run", &id, &body),
            false => signed::standard(&self.secret, &id, now(), &body),
        };
        Post { key: key(&stage, is_github.then_some(REPO)), stage, headers, body }
    }
}

fn github(run: u64, stage: &Stage) -> Vec<u8> {
    let (status, conclusion) = stage.state.on_github();
    let time = OffsetDateTime::now_utc().format(&Rfc3339).expect("a time of our days");
    let body = json!({
        "action": status,
        "workflow_run": {
            "id": run, "run_attempt": stage.attempt, "name": WORKFLOW, "head_branch": "main",
            "head_sha": "5d7f1c2e9ab04c6b8f1f0d3f6a7e5b4c3d2e1f00", "status": status, "conclusion": conclusion,
            "html_url": format!("https://github.com/{REPO}/actions/runs/{run}"), "updated_at": time,
        },
        "workflow": { "name": WORKFLOW },
        "repository": { "full_name": REPO },
    });
    body.to_string().into()
}

fn own_format(stage: &Stage) -> Vec<u8> {
    let body = json!({
        "workflow": WORKFLOW, "run_id": stage.run, "attempt": stage.attempt, "state": stage.state.word(),
        "mesh_node_id": stage.machine,
    });
    body.to_string().into()
}

/// Seconds since the epoch.
fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    i64::try_from(now.as_secs()).expect("a clock of our days")
}

/// What the gateway has to make of a stage, reckoned here once more: SHA-256 over parts, each behind its length, of
/// which an absent one has the length of 2^64 - 1. A workflow is part of it only where no repository is. A changed
/// recipe would say everything again after an upgrade.
fn key(stage: &Stage, repo: Option<&str>) -> String {
    let scope = stage.source.as_str();
    let subject = hash([
        Some(scope.as_bytes()),
        repo.map(str::as_bytes),
        repo.is_none().then_some(WORKFLOW.as_bytes()),
        Some(stage.run.as_bytes()),
        Some(b"subject"),
        Some(b"run"),
        None,
    ]);
    let round = stage.attempt.to_be_bytes();
    let parts = [b"key", scope.as_bytes(), &subject, &round, stage.state.word().as_bytes()];
    hash(parts.map(Some)).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hash<const N: usize>(parts: [Option<&[u8]>; N]) -> [u8; 32] {
    let part = |hash: Sha256, part: Option<&[u8]>| match part {
        Some(part) => hash.chain_update((part.len() as u64).to_be_bytes()).chain_update(part),
        None => hash.chain_update(u64::MAX.to_be_bytes()),
    };
    parts.into_iter().fold(Sha256::new(), part).finalize().into()
}

/// Whether an event shows a run in a state, alone or as a line among others.
pub(super) fn shows(event: &Event, run: &str, state: &str) -> bool {
    let content = event.content();
    let many = content["com.meshmac.build_statuses"].as_array();
    let mut all = std::iter::once(&content["com.meshmac.build_status"]).chain(many.into_iter().flatten());
    all.any(|status| status["run_id"] == run && status["state"] == state)
}
