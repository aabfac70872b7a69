//! A payload as it comes to the source that it is for.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use meshhook_engine::{Admission, Arrival, Only, Source, admit};
use meshhook_model::{BuildStatus, Unit};
use meshhook_normalize::{Meaning, Provider, Reader, Reading};
use meshhook_render::{Message, message};
use meshhook_store::Moment;
use meshhook_testkit::Payload;
use meshhook_verify::{Key, Scheme, Unverified, Verifier, sign};
use sha2::Sha256;

/// Good for every scheme that has one.
const SECRET: &[u8] = b"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0";

const ARRIVAL: Arrival<'_> = Arrival {
    now: Moment::from_seconds(Payload::NOW),
    request_id: "r_01jv8h3m2k5n7p9q1s3t5v7w9y",
    delivery_id: "d_01jv8h3m2k5n7p9q1s3t5v7w9z",
};

/// A signed request, and the source that takes it.
pub struct Posted {
    /// Which source takes it.
    pub source: Source,
    /// Its header lines.
    pub headers: Vec<(&'static str, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Posted {
    /// A payload of about so many bytes, signed as its CI system does.
    ///
    /// # Panics
    /// When it is not read as a build's state.
    pub fn new(payload: Payload, bytes: usize) -> Self {
        let scheme = match payload {
            Payload::WorkflowRun | Payload::WorkflowJob => Scheme::Github,
            Payload::Pipeline => Scheme::StandardWebhooks,
        };
        let mut posted = Self::of(payload.provider(), scheme, payload.body(bytes).into_bytes());
        let (name, event) = payload.event_header();
        posted.headers.push((name, event.to_owned()));
        assert_eq!(posted.admit().facts().state.as_deref(), Some("succeeded"), "{}", payload.name());
        posted
    }

    /// Any body, signed by a scheme.
    ///
    /// # Panics
    /// When there is no such provider, or the scheme has no secret that both sides know.
    pub fn of(provider: &str, scheme: Scheme, body: Vec<u8>) -> Self {
        let key = Key::new(scheme, "bench", SECRET).expect("the secret is one of every scheme");
        let headers = sign(&key, "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", Payload::NOW, &body);
        Self {
            source: source(provider, Verifier::new(scheme, vec![key]).expect("the key is of the scheme")),
            headers: headers.expect("all of it can be signed"),
            body,
        }
    }

    /// Who sent it: what the gateway does first.
    ///
    /// # Panics
    /// Never: it is genuine.
    pub fn verify(&self) {
        let request = Unverified::new(black_box(&*self.body));
        let verified = request.verify(&self.source.verifier, black_box(&self.headers), Payload::NOW);
        black_box(verified.expect("the request is genuine"));
    }

    /// What it says.
    ///
    /// # Panics
    /// Never: it is JSON.
    pub fn normalize(&self) -> Reading {
        let (_, event) = self.headers.last().expect("the event header comes last");
        self.source.reader.read(black_box(&self.body), Some(event)).expect("it is JSON")
    }

    /// The status that it tells.
    ///
    /// # Panics
    /// When it tells none.
    pub fn status(&self) -> BuildStatus {
        match self.normalize().meaning {
            Meaning::Event(event) => event.status,
            other => panic!("no event: {other:?}"),
        }
    }

    /// How that is said.
    pub fn render(&self, status: &BuildStatus) -> Message {
        message(black_box(status), &self.source.style)
    }

    /// All that is done before the store: of a body of its own, which a copy is made for.
    ///
    /// # Panics
    /// Never: it is genuine, and JSON.
    pub fn admit(&self) -> Admission {
        let mut body = black_box(&self.body).clone();
        admit(&self.source, &self.headers, &mut body, ARRIVAL).expect("it is admitted")
    }
}

fn source(provider: &str, verifier: Verifier) -> Source {
    Source {
        name: provider.to_owned(),
        reader: Reader::new(Provider::by_name(provider).expect("a provider's name")),
        verifier,
        scope: provider.to_owned(),
        node: None,
        pool: Arc::default(),
        units: vec![Unit::Run, Unit::Job],
        only: Only::default(),
        room: "!builds:example.org".to_owned(),
        routes: Arc::default(),
        style: Arc::default(),
        retention: Duration::from_secs(72 * 3600),
    }
}

/// The floor: a whole HMAC by the bare `hmac` crate, key in, body in, compared.
///
/// # Panics
/// Never: the tag is right.
pub fn bare_hmac(body: &[u8]) -> impl Fn() {
    let keyed = || Hmac::<Sha256>::new_from_slice(black_box(SECRET)).expect("any length will do");
    let tag = keyed().chain_update(body).finalize().into_bytes();
    move || keyed().chain_update(black_box(body)).verify_slice(&tag).expect("the tag is right")
}
