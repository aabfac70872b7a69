//! The sending side: CI systems that sign, and one that cannot.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use meshhook_testkit::http::Answer;
use meshhook_testkit::signed::{self, Headers};
use meshhook_testkit::{Gateway, GatewayBuilder};
use serde_json::Value;

use crate::builds::{GITHUB, OWN, Post};

const GITHUB_SECRET: &str = "the-webhooks-secret-of-the-demo";
const OWN_SECRET: &str = "whsec_dGhlLW1hY2hpbmVzLXNlY3JldC1vZi10aGUtZGVtbw==";
const ANOTHER_SECRET: &str = "whsec_c29tZS1vdGhlci1zZWNyZXQtb2YtYS1zdHJhbmdlcg==";

/// The gateway's sources, for what is posted here.
pub(crate) fn sources(gateway: GatewayBuilder) -> GatewayBuilder {
    gateway.source(GITHUB, "github", GITHUB_SECRET).source(OWN, "standard", OWN_SECRET)
}

/// Senders that share a clock.
pub(crate) struct Ci {
    /// Seconds since the epoch, the same for the whole demo: what is sent a second time is the same bytes.
    pub(crate) now: i64,
}

impl Ci {
    pub(crate) fn now() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs();
        Self { now: now.try_into().expect("a clock of our days") }
    }

    /// Posts one after the other, each signed as its source's scheme says.
    pub(crate) fn post_all(&self, gateway: &Gateway, posts: &[Post]) -> Answers {
        let post =
            |post: &Post| gateway.post(post.source, &self.sign(post, secret_of(post)), post.body.as_bytes());
        Answers(posts.iter().map(post).collect())
    }

    /// Posts with a signature by someone who does not know the secret; the status.
    pub(crate) fn post_forged(&self, gateway: &Gateway, post: &Post) -> u16 {
        gateway.post(post.source, &self.sign(post, ANOTHER_SECRET), post.body.as_bytes()).status
    }

    /// Posts with the signature of another body; the status.
    pub(crate) fn post_changed(&self, gateway: &Gateway, post: &Post) -> u16 {
        let body = post.body.replacen('8', "9", 1);
        gateway.post(post.source, &self.sign(post, secret_of(post)), body.as_bytes()).status
    }

    /// Posts without a signature; the status.
    pub(crate) fn post_unsigned(&self, gateway: &Gateway, post: &Post) -> u16 {
        let headers = [("Content-Type", "application/json".to_owned())];
        gateway.post(post.source, &headers, post.body.as_bytes()).status
    }

    fn sign(&self, post: &Post, secret: &str) -> Headers {
        match post.event {
            Some(event) => signed::github(secret, event, &post.id, post.body.as_bytes()),
            None => signed::standard(secret, &post.id, self.now, post.body.as_bytes()),
        }
    }
}

fn secret_of(post: &Post) -> &'static str {
    if post.source == GITHUB { GITHUB_SECRET } else { OWN_SECRET }
}

/// What the gateway answered.
#[derive(Default)]
pub(crate) struct Answers(Vec<Answer>);

impl Answers {
    pub(crate) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Those with this outcome.
    pub(crate) fn count(&self, outcome: &str) -> usize {
        self.bodies().filter(|body| body["outcome"] == outcome).count()
    }

    /// Those that will reach the room, whatever happens.
    pub(crate) fn accepted(&self) -> usize {
        self.bodies().filter(|body| body["outcome"] == "accepted" && body["durable"] == true).count()
    }

    /// Whether these are all.
    pub(crate) fn are(&self, expected: &[(&str, usize)]) -> bool {
        let all: usize = expected.iter().map(|(_, count)| count).sum();
        all == self.0.len() && expected.iter().all(|(outcome, count)| self.count(outcome) == *count)
    }

    /// Duplicates of what is in the room.
    pub(crate) fn duplicates_with_event(&self) -> usize {
        self.bodies().filter(|body| body["outcome"] == "duplicate" && body["event_id"].is_string()).count()
    }

    fn bodies(&self) -> impl Iterator<Item = Value> {
        self.0.iter().filter(|answer| answer.status == 202).map(Answer::json)
    }
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for answer in &self.0 {
            let outcome =
                answer.json()["outcome"].as_str().map_or_else(String::new, |word| format!(" {word}"));
            *counts.entry(format!("{}{outcome}", answer.status)).or_default() += 1;
        }
        let counts = counts.iter().map(|(answer, count)| format!("{count} × {answer}"));
        write!(f, "{} POSTs: {}", self.0.len(), counts.collect::<Vec<_>>().join(", "))
    }
}
