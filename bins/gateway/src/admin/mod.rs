//! The operator's door: how it is, what became of each POST, and orders.

mod appservice;
mod audit;
mod guard;
mod nodes;
mod order;
mod query;
mod reload;
mod route;
mod sources;
mod view;

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Request, StatusCode};
use meshhook_engine::{Clock, Current, Engine};
use meshhook_store::{DedupeStore, Filter, Key, StoreError};

use crate::admin_token::AdminToken;
use crate::answer::{json, typed, with_id};
use crate::appservice::Journal;
use crate::crowd::Guest;
use crate::ingress::Gate;
use crate::observe::Observations;
use crate::problem::{self, Problem};
use crate::reload::Reloader;
use crate::request_id::request_id;
use crate::server::Handler;
use order::{Nothing, Retry, no_delivery, refused, store_failed};
use route::Route;
use view::{Page, Readiness, Whole};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// So many marks are written to try the disk: one alone finds room where a delivery finds none.
const PROBES: u8 = 16;

/// The handler of the operator's door.
pub(crate) struct Admin {
    pub(crate) access: Arc<Current<Access>>,
    pub(crate) gate: Arc<Current<Gate>>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) marks: Arc<dyn DedupeStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observations: Arc<Observations>,
    pub(crate) reloader: Arc<Reloader>,
    /// What the homeserver's door saw, where there is one.
    pub(crate) journal: Option<Arc<Journal>>,
    /// Held by the one audit at a time: each reads the whole store.
    pub(crate) auditing: Mutex<()>,
}

/// Who may ask, and under which names.
pub(crate) struct Access {
    token: AdminToken,
    hosts: Vec<String>,
}

impl Access {
    pub(crate) const fn new(token: AdminToken, hosts: Vec<String>) -> Self {
        Self { token, hosts }
    }

    fn is_operator(&self, headers: &HeaderMap) -> bool {
        let mut lines = headers.get_all(AUTHORIZATION).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else { return false };
        let Some((scheme, token)) = line.as_bytes().split_at_checked(7) else { return false };
        scheme.eq_ignore_ascii_case(b"bearer ") && self.token.is(token)
    }
}

type Answered = Result<crate::answer::Answer, Problem>;

impl Handler for Admin {
    async fn handle(self: Arc<Self>, request: Request<Incoming>, guest: Arc<Guest>) -> crate::answer::Answer {
        let id = request_id(request.headers());
        let (parts, body) = request.into_parts();
        let (route, answered) = match self.let_in(&parts, &guest) {
            Ok(route) => (route.as_str(), Arc::clone(&self).answer(route, parts, body).await),
            Err(problem) => ("-", Err(problem)),
        };
        let seen = answered.as_ref().map(hyper::Response::status);
        self.observations.admin(&id, route, seen);
        with_id(answered.unwrap_or_else(|problem| problem.answer(&id)), &id)
    }

    fn sharer(&self, _: IpAddr) -> Option<IpAddr> {
        None
    }
}

impl Admin {
    /// Checks under which name and from where it is asked, what for, and whether who asks may.
    fn let_in(&self, parts: &Parts, guest: &Guest) -> Result<Route, Problem> {
        let access = self.access.get();
        guard::check(&parts.uri, &parts.headers, &access.hosts)?;
        let route = Route::of(&parts.method, parts.uri.path())?;
        let is_operator = access.is_operator(&parts.headers);
        if is_operator {
            guest.proved();
        }
        if route.is_open() || is_operator { Ok(route) } else { Err(Problem::challenge()) }
    }

    async fn answer(self: Arc<Self>, route: Route, parts: Parts, body: Incoming) -> Answered {
        match route {
            Route::Livez => Ok(typed(StatusCode::OK, "text/plain; charset=utf-8", "ok\n")),
            Route::Readyz => self.blocking(Self::readiness).await,
            Route::Metrics => self.blocking(Self::metrics).await,
            Route::List => {
                let filter = query::filter(parts.uri.query().unwrap_or_default())?;
                self.blocking(|this| this.list(filter)).await
            }
            Route::Audit => {
                let in_rooms = query::in_rooms(parts.uri.query().unwrap_or_default())?;
                self.blocking(move |this| this.audit(in_rooms)).await
            }
            Route::Nodes => self.blocking(Self::nodes).await,
            Route::Appservice => self.appservice(),
            Route::Sources => self.blocking(Self::sources).await,
            Route::Show(id) => self.blocking(move |this| this.show(&id)).await,
            Route::Retry(id) => {
                let Retry { force } = order::read(&parts.headers, body).await?;
                self.blocking(move |this| this.retry(&id, force)).await
            }
            Route::Reload => {
                let Nothing {} = order::read(&parts.headers, body).await?;
                self.blocking(Self::reload).await
            }
            Route::Drop(id) => {
                let Nothing {} = order::read(&parts.headers, body).await?;
                self.blocking(move |this| this.discard(&id)).await
            }
        }
    }

    /// Looks into the store wait for a disk: not on the door's few threads.
    async fn blocking(self: Arc<Self>, work: impl FnOnce(&Self) -> Answered + Send + 'static) -> Answered {
        tokio::task::spawn_blocking(move || work(&self))
            .await
            .unwrap_or_else(|_| Err(Problem::unavailable("interrupted")))
    }

    fn readiness(&self) -> Answered {
        let (trouble, totals) = match (self.trouble(), self.engine.store().totals()) {
            (trouble, Ok(totals)) => (trouble, Some(totals)),
            (trouble, Err(why)) => (trouble.or_else(|| Some(why.to_string())), None),
        };
        let status = if trouble.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let durable = self.engine.store().is_durable();
        let readiness = Readiness::new(trouble, durable, self.engine.sending(), self.reached(), totals);
        Ok(json(status, &readiness))
    }

    /// Why nothing can be accepted.
    fn trouble(&self) -> Option<String> {
        let trouble = self.observations.trouble()?;
        if trouble.stays { Some(trouble.why) } else { self.try_the_disk() }
    }

    /// After a failure the disk is tried with writes of our own, so that a gateway that is sent nothing, because it
    /// is not ready, gets ready again.
    fn try_the_disk(&self) -> Option<String> {
        let now = self.clock.now();
        // No delivery's key is such a one: those are hashes.
        let write = |n| self.marks.first_time(&Key([n; 32]), now, Duration::ZERO).map(drop);
        match (0..PROBES).try_for_each(write) {
            Ok(()) => {
                self.observations.accepts();
                None
            }
            Err(why) => {
                self.observations.store_failed("probe", &why);
                Some(why.to_string())
            }
        }
    }

    fn metrics(&self) -> Answered {
        let totals = self.engine.store().totals();
        let totals = totals.inspect_err(|why| self.observations.store_failed("look", why)).ok();
        let text = self.observations.metrics(totals.as_ref(), self.clock.now());
        Ok(typed(StatusCode::OK, OPENMETRICS, text))
    }

    fn list(&self, filter: Filter) -> Answered {
        let limit = filter.limit;
        let views = self.engine.store().list(&Filter { limit: limit + 1, ..filter }).map_err(failed)?;
        Ok(json(StatusCode::OK, &Page::new(views, limit)))
    }

    fn show(&self, id: &str) -> Answered {
        let life = self.engine.store().show(id).map_err(failed)?.ok_or_else(no_delivery)?;
        Ok(json(StatusCode::OK, &Whole::from(life)))
    }

    fn retry(&self, id: &str, force: bool) -> Answered {
        self.engine.retry(id, force).map_err(|why| refused(why, &problem::RETRY_CONFLICT))?;
        self.show(id)
    }

    fn discard(&self, id: &str) -> Answered {
        self.engine.discard(id).map_err(|why| refused(why, &problem::CONFLICT))?;
        self.show(id)
    }
}

fn failed(why: StoreError) -> Problem {
    store_failed(&why)
}
