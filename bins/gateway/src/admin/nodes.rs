//! `GET /nodes`.

use hyper::StatusCode;
use meshhook_engine::KnownNode;
use meshhook_model::Timestamp;
use meshhook_store::SeenIn;
use serde::Serialize;

use super::view::time;
use super::{Admin, Answered, failed};
use crate::answer::json;

impl Admin {
    /// The machines of the pool and all others that were heard of, by name.
    pub(super) fn nodes(&self) -> Answered {
        let known = self.engine.nodes().map_err(failed)?;
        Ok(json(StatusCode::OK, &known.into_iter().map(Node::from).collect::<Vec<_>>()))
    }
}

/// A machine; `null` where it was never heard of.
#[derive(Serialize)]
struct Node {
    name: String,
    /// Whether it is of the pool.
    listed: bool,
    last_seen: Option<Timestamp>,
    /// The delivery that named it.
    delivery: Option<String>,
    /// What that is about, as long as it is kept.
    #[serde(flatten)]
    about: Option<About>,
}

#[derive(Serialize)]
struct About {
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    status: &'static str,
}

impl From<KnownNode> for Node {
    fn from(KnownNode { name, listed, seen }: KnownNode) -> Self {
        let (last_seen, seen) =
            seen.map(|seen| (time(seen.last_seen), (seen.delivery, seen.seen_in))).unzip();
        let (delivery, seen_in) = seen.unzip();
        let about = seen_in.flatten().map(About::from);
        Self { name, listed, last_seen: last_seen.flatten(), delivery, about }
    }
}

impl From<SeenIn> for About {
    fn from(SeenIn { source, workflow, state, status }: SeenIn) -> Self {
        Self { source, workflow, state, status: status.as_str() }
    }
}
