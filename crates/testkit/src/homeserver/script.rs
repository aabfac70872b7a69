//! How requests are served: what goes wrong with each, and what takes effect when.

use std::collections::{HashMap, VecDeque};
use std::io::{self, BufReader};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use super::fault::{Effect, Endpoint, Fault, Kind, RawAnswer};
use super::route;
use super::weather::Weather;
use super::wire::{self, Request};
use super::world::World;

/// What the threads of a homeserver share.
#[derive(Debug)]
pub(super) struct Script {
    state: Mutex<State>,
    stopping: Condvar,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) world: World,
    pub(super) requests: Vec<Request>,
    pub(super) once: HashMap<Endpoint, VecDeque<Fault>>,
    pub(super) standing: HashMap<Endpoint, Fault>,
    /// Faults of those requests alone that are made as one user.
    pub(super) standing_for: HashMap<(String, Endpoint), Fault>,
    pub(super) weather: Option<Weather>,
    /// What takes effect later, by a number that tells each from the others.
    late: HashMap<u64, Request>,
    numbered: u64,
    /// Weak, so that a connection is closed where it is served.
    connections: Vec<Weak<TcpStream>>,
    /// How many connections are served, and on how many of them nothing is done but waited.
    served: usize,
    resting: usize,
    stopped: bool,
}

/// What is done about a request in the end.
#[derive(Debug)]
enum Reply {
    Whole(RawAnswer),
    Last(RawAnswer),
    Half(RawAnswer, Duration),
    Close,
}

/// A request that takes effect later: its number, and how much later.
type Late = (u64, Duration);

impl Script {
    pub(super) fn new(world: World) -> Self {
        let state = State {
            world,
            requests: Vec::new(),
            once: HashMap::new(),
            standing: HashMap::new(),
            standing_for: HashMap::new(),
            weather: None,
            late: HashMap::new(),
            numbered: 0,
            connections: Vec::new(),
            served: 0,
            resting: 0,
            stopped: false,
        };
        Self { state: Mutex::new(state), stopping: Condvar::new() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stop(&self) {
        let mut state = self.state();
        state.stopped = true;
        for connection in state.connections.iter().filter_map(Weak::upgrade) {
            let _ = connection.shutdown(Shutdown::Both);
        }
        self.stopping.notify_all();
    }

    pub(super) fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            let Ok(stream) = stream.map(Arc::new) else { continue };
            let mut state = self.state();
            if state.stopped {
                return;
            }
            let number = state.connections.len();
            state.connections.push(Arc::downgrade(&stream));
            state.served += 1;
            let script = Arc::clone(self);
            thread::spawn(move || {
                script.serve(&stream, number);
                script.state().served -= 1;
            });
        }
    }

    /// Serves a connection until either side ends it.
    fn serve(self: &Arc<Self>, stream: &TcpStream, number: usize) {
        let mut from = BufReader::new(stream);
        while let Ok(Some(mut request)) = wire::read_head(&mut from, number) {
            let fault = self.state().fault(&request);
            request.fate = fault.name;
            if matches!(fault.kind, Kind::ResetUpload) {
                let _ = wire::read_half(&mut from, &mut request);
                self.state().requests.push(request);
                let _ = wire::reset_at_close(stream);
                break;
            }
            if wire::read_body(&mut from, &mut request).is_err() || !self.reply(request, fault, stream) {
                break;
            }
        }
    }

    /// Does with a whole request what its fault says; false when the connection ends with it.
    fn reply(self: &Arc<Self>, request: Request, fault: Fault, stream: &TcpStream) -> bool {
        let wait = fault.wait;
        let (reply, late) = self.state().reply(request, fault);
        self.rest(wait);
        let goes_on = self.answer(&reply, stream).is_ok_and(|more| more);
        if let Some((number, time)) = late {
            let script = Arc::clone(self);
            thread::spawn(move || {
                script.wait(time);
                script.state().arrive(number);
            });
        }
        goes_on
    }

    /// Writes what there is to answer; false when the connection ends with it.
    fn answer(&self, reply: &Reply, to: &TcpStream) -> io::Result<bool> {
        match reply {
            Reply::Whole(answer) => wire::write(answer, to).map(|()| true),
            Reply::Last(answer) => wire::write(answer, to).map(|()| false),
            Reply::Half(answer, hold) => {
                wire::write_half(answer, to)?;
                self.rest(*hold);
                wire::reset_at_close(to).map(|()| false)
            }
            Reply::Close => Ok(false),
        }
    }

    /// Waits on a connection.
    fn rest(&self, time: Duration) {
        self.state().resting += 1;
        self.wait(time);
        self.state().resting -= 1;
    }

    /// Waits, though not longer than the server lives.
    fn wait(&self, time: Duration) {
        let _ = self.stopping.wait_timeout_while(self.state(), time, |state| !state.stopped);
    }
}

impl State {
    /// Records a request, lets it take effect, unless a fault forbids it, and says what to answer.
    fn reply(&mut self, request: Request, fault: Fault) -> (Reply, Option<Late>) {
        let stored = self.is_stored(&request);
        let mut commit = || route::answer(&request, &mut self.world);
        if fault.effect == Effect::Before {
            commit();
        }
        let reply = match fault.kind {
            Kind::None => Reply::Whole(commit()),
            Kind::Last => Reply::Last(commit()),
            Kind::Half(hold) => Reply::Half(commit(), hold),
            Kind::Refuse(_) if stored => Reply::Whole(commit()),
            Kind::Refuse(answer) | Kind::Instead(answer) => Reply::Whole(answer),
            Kind::Close | Kind::ResetUpload => Reply::Close,
        };
        let late = self.postpone(fault.effect, &request);
        self.requests.push(request);
        (reply, late)
    }

    /// Whether a request has taken effect before, or will.
    fn is_stored(&self, request: &Request) -> bool {
        self.late.values().any(|late| late.target == request.target) || route::is_stored(request, &self.world)
    }

    fn postpone(&mut self, effect: Effect, request: &Request) -> Option<Late> {
        let Effect::After(time) = effect else { return None };
        self.numbered += 1;
        self.late.insert(self.numbered, request.clone());
        Some((self.numbered, time))
    }

    /// A request takes effect now, unless it has been hurried on before.
    fn arrive(&mut self, number: u64) {
        if let Some(request) = self.late.remove(&number) {
            route::answer(&request, &mut self.world);
        }
    }

    /// Whether no request is being read or answered: no connection is open but those on which the time of a fault
    /// passes.
    pub(super) fn is_at_rest(&self) -> bool {
        self.served == self.resting
    }

    /// Everything that was to take effect later does so now.
    pub(super) fn arrive_all(&mut self) {
        let mut numbers: Vec<u64> = self.late.keys().copied().collect();
        numbers.sort_unstable();
        numbers.into_iter().for_each(|number| self.arrive(number));
    }

    fn fault(&mut self, request: &Request) -> Fault {
        let endpoint = route::endpoint(request);
        let once = self.once.get_mut(&endpoint).and_then(VecDeque::pop_front);
        let of_user =
            || self.standing_for.get(&(route::asker(request, &self.world).ok()?.user, endpoint)).cloned();
        once.or_else(of_user)
            .or_else(|| self.standing.get(&endpoint).cloned())
            .or_else(|| Some(self.weather.as_mut()?.fault(endpoint)))
            .unwrap_or_else(Fault::none)
    }
}
