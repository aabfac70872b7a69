//! The door for the homeserver, where an application service sends: it pushes what happens in its rooms.

mod body;
mod hearing;
mod journal;
mod ping;
mod recent;
mod route;

use std::net::IpAddr;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{ALLOW, AUTHORIZATION, CONNECTION, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Request, StatusCode};
use meshhook_appservice::{Push, Received, Registration};
use meshhook_engine::{Clock, Current, Engine};
use meshhook_matrix::Client;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;

use crate::answer::{self, Answer};
use crate::crowd::Guest;
use crate::observe::Observations;
use crate::request_id::request_id;
use crate::server::Handler;
use body::Read;
use hearing::Hearing;
pub(crate) use journal::{Count, Journal, Judged, Pinged, Seen};
use ping::Pinger;
use route::{Route, Unfit};

/// The handler of the homeserver's door.
pub(crate) struct Door {
    registration: Arc<Current<Registration>>,
    engine: Arc<Engine>,
    clock: Arc<dyn Clock>,
    observations: Arc<Observations>,
    journal: Arc<Journal>,
    /// Held from a transaction's first byte to its last effect: a homeserver sends one after the other, and so no more
    /// than one takes memory.
    hearing: Arc<Mutex<Hearing>>,
}

impl Handler for Door {
    async fn handle(self: Arc<Self>, request: Request<Incoming>, guest: Arc<Guest>) -> Answer {
        let id = request_id(request.headers());
        let (parts, body) = request.into_parts();
        let route = Route::of(&parts.method, parts.uri.path());
        let lines = parts.headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes);
        let answer = match self.registration.get().received(lines) {
            Received::RightToken => {
                guest.proved();
                self.answer(route, &parts, body, &id).await
            }
            received => self.refuse(received, route, &parts, body).await,
        };
        answer::with_id(answer, &id)
    }

    fn sharer(&self, _: IpAddr) -> Option<IpAddr> {
        None
    }
}

impl Door {
    /// The door of that registration.
    pub(crate) fn new(
        registration: Arc<Current<Registration>>,
        engine: Arc<Engine>,
        clock: Arc<dyn Clock>,
        observations: Arc<Observations>,
    ) -> Self {
        let journal = Arc::<Journal>::default();
        let hearing = Hearing {
            engine: engine.clone(),
            clock: clock.clone(),
            observations: observations.clone(),
            journal: journal.clone(),
            recent: Default::default(),
            paced: Default::default(),
        };
        let hearing = Arc::new(Mutex::new(hearing));
        Self { registration, engine, clock, observations, journal, hearing }
    }

    /// What it saw.
    pub(crate) fn journal(&self) -> Arc<Journal> {
        Arc::clone(&self.journal)
    }

    /// Begins to ask the homeserver whether it reaches the door.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub(crate) fn ask_for_pings(&self, client: Client) -> std::io::Result<()> {
        let pinger = Pinger {
            client,
            registration: self.registration.clone(),
            engine: self.engine.clone(),
            clock: self.clock.clone(),
            journal: self.journal.clone(),
            observations: self.observations.clone(),
        };
        pinger.start()
    }

    async fn answer(&self, route: Result<Route, Unfit>, parts: &Parts, body: Incoming, id: &str) -> Answer {
        self.observations.homeserver_asked(match route {
            Ok(route) => route.as_str(),
            Err(_) => "unrecognized",
        });
        match route {
            Ok(Route::Transaction) => self.transaction(body, id).await,
            Ok(Route::Ping) => self.pinged(body).await,
            Ok(Route::Lookup) => error(StatusCode::NOT_FOUND, "M_NOT_FOUND", "There is none."),
            Err(unfit) => {
                body::glance(&parts.headers, body).await;
                unrecognized(unfit)
            }
        }
    }

    /// The same answer to all, whatever they ask for. The door looks at a short body all the same: whose ping it is that
    /// came with another token only that tells, and so what is wrong.
    async fn refuse(
        &self,
        received: Received,
        route: Result<Route, Unfit>,
        parts: &Parts,
        body: Incoming,
    ) -> Answer {
        self.observations.homeserver_asked("forbidden");
        self.journal.refused();
        let short = body::glance(&parts.headers, body).await;
        if let (Ok(Route::Ping), Some(short)) = (route, short) {
            self.note_ping(&short, received);
        }
        error(StatusCode::FORBIDDEN, "M_FORBIDDEN", "This is not our hs_token.")
    }

    /// Whatever it holds: what is answered otherwise is sent again, for ever, and all later ones wait behind it. One that did
    /// not come to its end was not heard.
    async fn transaction(&self, body: Incoming, id: &str) -> Answer {
        let hearing = Arc::clone(&self.hearing).lock_owned().await;
        let ended = match body::read(body).await {
            Read::Whole(bytes) => {
                self.hear(hearing, bytes, id).await;
                true
            }
            Read::TooLong { ended } => {
                let count = Count { unreadable: 1, ..Count::default() };
                self.journal.heard(count, self.clock.now());
                self.observations.pushed(id, count);
                ended
            }
            Read::Unfinished => {
                return closing(error(StatusCode::REQUEST_TIMEOUT, "M_UNKNOWN", "The body did not end."));
            }
        };
        if ended { nothing() } else { closing(nothing()) }
    }

    /// It goes on to its end, also where the homeserver does not wait for it. A panic in there is told by the hook.
    async fn hear(&self, mut hearing: tokio::sync::OwnedMutexGuard<Hearing>, body: Vec<u8>, id: &str) {
        let id = id.to_owned();
        let work = move || hearing.hear(Push::read(&body), &id);
        let _ = tokio::task::spawn_blocking(work).await;
    }

    async fn pinged(&self, body: Incoming) -> Answer {
        if let Read::Whole(bytes) = body::read(body).await {
            self.note_ping(&bytes, Received::RightToken);
        }
        nothing()
    }

    fn note_ping(&self, body: &[u8], received: Received) {
        #[derive(Deserialize)]
        struct Body {
            transaction_id: String,
        }
        if let Ok(Body { transaction_id }) = serde_json::from_slice(body) {
            self.journal.pinged(&transaction_id, received, self.clock.now());
        }
    }
}

/// All that a homeserver wants to hear: it takes no answer for one that is no JSON object.
fn nothing() -> Answer {
    answer::json(StatusCode::OK, &json!({}))
}

fn error(status: StatusCode, errcode: &str, error: &str) -> Answer {
    answer::json(status, &json!({ "errcode": errcode, "error": error }))
}

fn unrecognized(unfit: Unfit) -> Answer {
    match unfit {
        Unfit::Path => error(StatusCode::NOT_FOUND, "M_UNRECOGNIZED", "There is nothing at this path."),
        Unfit::Method(allowed) => {
            let why = "There is nothing for this method.";
            let mut answer = error(StatusCode::METHOD_NOT_ALLOWED, "M_UNRECOGNIZED", why);
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
            answer
        }
    }
}

/// What of its request is not read would be taken for the next one.
fn closing(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}
