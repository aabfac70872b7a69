//! The door for CI systems: who is it, is it whole, is it stored?

mod body;
mod client_address;
mod gate;
mod headers;
mod limiter;
mod room;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::body::{Body as _, Incoming};
use hyper::{HeaderMap, Request, StatusCode};
use meshhook_engine::{
    Admission, Arrival, Clock, CommitError, Current, Engine, Refusal, admit, new_delivery_id,
};
use meshhook_store::{Moment, StoreError};
use tokio::sync::oneshot;

use crate::answer::{self, Answer};
use crate::crowd::Guest;
use crate::observe::{Observations, Outcome, Trace};
use crate::problem::{self, Problem};
use crate::request_id::request_id;
use crate::server::Handler;
use body::{Body, BodyFault};
use gate::{Claim, Whose, has_hashed};
pub(crate) use gate::{Gate, Hook};
use headers::Lines;
use limiter::{Limiter, network};
use room::Room;

/// How long an answer waits for the disk.
const DURABLE_WITHIN: Duration = Duration::from_secs(3);

/// To verify and read this much takes less than a millisecond, about what handing it to another thread costs under
/// load; a longer body would hold up the door's few threads.
const SHORT: usize = 64 << 10;

/// The longest body, in bytes, of an address that has failed too often.
const MOST_OF_REFUSED: usize = 256 << 10;

/// The handler of the door for CI systems.
pub(crate) struct Ingress {
    gate: Arc<Current<Gate>>,
    engine: Arc<Engine>,
    clock: Arc<dyn Clock>,
    observations: Arc<Observations>,
    room: Room,
    limiter: Mutex<Limiter>,
}

/// The engine's answer, once it is durable.
type Committed = oneshot::Receiver<Result<meshhook_engine::Answer, CommitError>>;

impl Handler for Ingress {
    async fn handle(self: Arc<Self>, request: Request<Incoming>, guest: Arc<Guest>) -> Answer {
        let id = request_id(request.headers());
        let gate = self.gate.get();
        let client = gate.client(guest.peer().ip(), request.headers());
        let observations = Arc::clone(&self.observations);
        let mut trace = Trace::new(&observations, &id, client, &guest);
        let answer = match self.take(&gate, request, client, &id, &guest, &mut trace).await {
            Ok(accepted) => {
                trace.end(&Outcome::Accepted(&accepted));
                answer::json(StatusCode::ACCEPTED, &accepted)
            }
            Err(problem) => {
                trace.end(&Outcome::Refused(&problem));
                problem.answer(&id)
            }
        };
        answer::with_id(answer, &id)
    }

    fn sharer(&self, peer: IpAddr) -> Option<IpAddr> {
        (!self.gate.get().trusted.contains(peer)).then(|| network(peer.to_canonical()))
    }
}

impl Ingress {
    pub(crate) fn new(
        gate: Arc<Current<Gate>>,
        engine: Arc<Engine>,
        clock: Arc<dyn Clock>,
        observations: Arc<Observations>,
    ) -> Self {
        let limiter = Mutex::new(Limiter::new(Instant::now()));
        Self { gate, engine, clock, observations, room: Room::new(), limiter }
    }

    /// In the order that tells a stranger least: line and headers, the body as a whole, who signed it, what it says.
    async fn take(
        self: Arc<Self>,
        gate: &Arc<Gate>,
        request: Request<Incoming>,
        client: Option<IpAddr>,
        id: &str,
        guest: &Arc<Guest>,
        trace: &mut Trace<'_>,
    ) -> Result<meshhook_engine::Answer, Problem> {
        let (parts, body) = request.into_parts();
        trace.source(gate.named(parts.uri.path()));
        let claimed = gate.claim(&parts, &body, client).map_err(|problem| self.counted(problem, client));
        let claim = match claimed.and_then(|claim| self.bearable(client, &body).map(|()| claim)) {
            Ok(claim) => claim,
            Err(problem) => {
                body::drain(&parts.headers, body).await;
                return Err(problem);
            }
        };
        if let Whose::Hook(hook) = &claim.whose {
            trace.source(Some(hook));
        }
        let body = self.collect(gate, body, client).await?;
        let judged = Arc::clone(&self).judge(claim, parts.headers, body, id, guest).await;
        let committed = durable(judged.map_err(|problem| self.counted(problem, client))?).await;
        committed.inspect_err(|problem| {
            if problem.reason != ROOM_FULL {
                self.observations.not_durable(problem);
            }
        })
    }

    /// Refuses a body that is announced to be longer than is read of its client.
    fn bearable(&self, client: Option<IpAddr>, body: &Incoming) -> Result<(), Problem> {
        let Some(wait) = self.waits(client) else { return Ok(()) };
        if body.size_hint().lower() > MOST_OF_REFUSED as u64 { Err(not_read(wait)) } else { Ok(()) }
    }

    async fn collect(&self, gate: &Gate, body: Incoming, client: Option<IpAddr>) -> Result<Body, Problem> {
        let wait = self.waits(client);
        let most = wait.map_or(gate.max_body, |_| gate.max_body.min(MOST_OF_REFUSED));
        body::collect(body, most, self.room.place(client)).await.map_err(|why| match (why, wait) {
            (BodyFault::TooLarge, Some(wait)) => not_read(wait),
            (why, _) => fault(why),
        })
    }

    fn waits(&self, client: Option<IpAddr>) -> Option<Duration> {
        self.limiter().waits(client?, Instant::now())
    }

    fn limiter(&self) -> MutexGuard<'_, Limiter> {
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A failure to be authorized, or, from where there were too many, the advice to stop.
    fn counted(&self, problem: Problem, client: Option<IpAddr>) -> Problem {
        if !problem.is_unauthorized() {
            return problem;
        }
        let wait = self.limiter().failed(client, Instant::now());
        match wait {
            Some(wait) => problem.limited(wait.as_secs() + 1),
            None => problem,
        }
    }

    /// Verifies and reads a whole body and hands it in. From here on it is the engine's, whether or not the client
    /// stays for the answer.
    async fn judge(
        self: Arc<Self>,
        claim: Claim,
        headers: HeaderMap,
        body: Body,
        id: &str,
        guest: &Arc<Guest>,
    ) -> Result<Committed, Problem> {
        if body.bytes.len() <= SHORT {
            return self.judge_now(&claim, &headers, body, id, guest);
        }
        let (id, guest) = (id.to_owned(), Arc::clone(guest));
        tokio::task::spawn_blocking(move || self.judge_now(&claim, &headers, body, &id, &guest))
            .await
            .unwrap_or_else(|_| Err(Problem::unavailable("interrupted")))
    }

    fn judge_now(
        &self,
        claim: &Claim,
        headers: &HeaderMap,
        mut body: Body,
        id: &str,
        guest: &Guest,
    ) -> Result<Committed, Problem> {
        let now = self.clock.now();
        let lines = Lines { headers, token: claim.token.as_deref() };
        match &claim.whose {
            Whose::Hook(hook) => {
                let arrival = Arrival { now, request_id: id, delivery_id: &new_delivery_id(now) };
                let admitted = admit(&hook.source, &lines, &mut body.bytes, arrival);
                if !matches!(admitted, Err(Refusal::Unverified(_))) {
                    guest.proved();
                }
                let admission = admitted.map_err(|why| {
                    even_out(&claim.gate, &why, &lines, &body.bytes, now);
                    refused(why)
                })?;
                Ok(self.commit(admission, body.place.proved()))
            }
            Whose::Nobody(stranger) => {
                claim.gate.work_in_vain(&lines, &body.bytes, now.seconds());
                Err(Problem::unauthorized(stranger.code()).because(stranger.why().to_owned()))
            }
        }
    }

    /// The body's room is taken until it is on the disk: clients that do not wait cannot fill the memory.
    fn commit(&self, admission: Admission, room: impl Send + 'static) -> Committed {
        let (answer, committed) = oneshot::channel();
        self.engine.commit(
            admission,
            Box::new(move |result| {
                drop(room);
                // The client may be gone; what was committed stays committed.
                let _ = answer.send(result);
            }),
        );
        committed
    }
}

/// Where a source's own headers were not even well-formed, the work that its body would have cost under a name that is
/// nobody's: else the missing time would tell that there is such a source.
fn even_out(gate: &Gate, why: &Refusal, lines: &Lines<'_>, body: &[u8], now: Moment) {
    if matches!(why, Refusal::Unverified(why) if !has_hashed(*why)) {
        gate.work_in_vain(lines, body, now.seconds());
    }
}

async fn durable(committed: Committed) -> Result<meshhook_engine::Answer, Problem> {
    match tokio::time::timeout(DURABLE_WITHIN, committed).await {
        Ok(Ok(Ok(answer))) => Ok(answer),
        Ok(Ok(Err(why))) => Err(Problem::unavailable(commit_reason(&why)).because(why.to_string())),
        Ok(Err(_)) => Err(Problem::unavailable("engine_gone")),
        Err(_) => {
            let why = format!("the disk did not answer within {DURABLE_WITHIN:?}");
            Err(Problem::unavailable("disk_slow").because(why))
        }
    }
}

/// Why a room's own sources are refused, and no others: the disk is well.
const ROOM_FULL: &str = "room_full";

fn commit_reason(why: &CommitError) -> &'static str {
    match why {
        CommitError::Full => "queue_full",
        CommitError::TooOld => "too_old",
        CommitError::Stopping => "stopping",
        CommitError::Store(StoreError::RoomFull { .. }) => ROOM_FULL,
        _ => "store_failed",
    }
}

/// Who has failed too often is not read at length.
fn not_read(wait: Duration) -> Problem {
    Problem::unauthorized("long_after_refusals").limited(wait.as_secs() + 1)
}

fn fault(fault: BodyFault) -> Problem {
    match fault {
        BodyFault::TooLarge => Problem::too_large(),
        BodyFault::TooSlow => {
            Problem::new(&problem::REQUEST_TIMEOUT, "Bodies have 30 seconds, and pauses 10.", "body_slow")
        }
        BodyFault::Broken => {
            Problem::new(&problem::BAD_BODY, "The body ended before its end.", "body_broken")
        }
        BodyFault::NoRoom => Problem::no_room(),
    }
}

/// How far a sender's clock is ahead of ours, where it is too far; below 0 where it is behind, or where the request is
/// late.
fn clock_off(why: meshhook_verify::Refusal) -> Option<i64> {
    let signed = |seconds| i64::try_from(seconds).unwrap_or(i64::MAX);
    match why {
        meshhook_verify::Refusal::Stale { seconds } => Some(-signed(seconds)),
        meshhook_verify::Refusal::Future { seconds } => Some(signed(seconds)),
        _ => None,
    }
}

fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Unverified(why) => {
            Problem::unauthorized(why.code()).because(why.to_string()).with_clock_off(clock_off(why))
        }
        Refusal::Field { field, expected } => {
            let why = format!("{field} has to be {expected}");
            Problem::new(&problem::UNPROCESSABLE, format!("{why}."), "field").because(why)
        }
        why => {
            let why = why.to_string();
            Problem::new(&problem::BAD_BODY, format!("It cannot be read: {why}."), "body").because(why)
        }
    }
}
