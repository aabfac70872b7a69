//! A scripted homeserver, for the faults that a real one cannot be made to have.

mod fault;
mod route;
mod wire;
mod world;

use std::collections::{HashMap, VecDeque};
use std::io::{self, BufReader};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::{Event, User};
pub use fault::{Endpoint, Fault};
use fault::{Kind, RawAnswer};
pub use wire::Request;
use world::World;

/// A homeserver of one user, of as much of the client-server API as a sender needs, that can be made to fail.
///
/// It keeps the specification's promise about transaction ids (one event a device, room and id), records every
/// request, and serves connections as long as the client keeps them.
#[derive(Debug)]
pub struct Homeserver {
    address: SocketAddr,
    script: Arc<Script>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Script {
    state: Mutex<State>,
    stopping: Condvar,
}

#[derive(Debug)]
struct State {
    world: World,
    requests: Vec<Request>,
    once: HashMap<Endpoint, VecDeque<Fault>>,
    standing: HashMap<Endpoint, Fault>,
    /// Weak, so that a connection is closed where it is served.
    connections: Vec<Weak<TcpStream>>,
    stopped: bool,
}

/// What is done about a request in the end.
#[derive(Debug)]
enum Reply {
    Whole(RawAnswer),
    Half(RawAnswer, Duration),
    Close,
}

impl Homeserver {
    /// The room that is there from the start, in the form of room version 12.
    pub const ROOM: &'static str = "!scriptedroomwithanidofroomversion12andnoserver";

    /// Starts on a free loopback port.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound listener has an address");
        let user = User {
            id: "@gateway:scripted.localhost".into(),
            device: "SCRIPTED".into(),
            token: "syt_scripted_token_1".into(),
        };
        let script = Arc::new(Script::new(World::new(user, Self::ROOM)));
        let accepting = thread::spawn({
            let script = Arc::clone(&script);
            move || script.accept(&listener)
        });
        Self { address, script, accepting: Some(accepting) }
    }

    /// Its address, without a final slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The user and the token that is good at present.
    #[must_use]
    pub fn user(&self) -> User {
        self.state().world.user.clone()
    }

    /// From now on only `token` is good; the device stays.
    pub fn change_token(&self, token: &str) {
        self.state().world.user.token = token.into();
    }

    /// From now on only `token` is good, and it belongs to another device.
    pub fn change_device(&self, device: &str, token: &str) {
        let user = &mut self.state().world.user;
        (user.device, user.token) = (device.into(), token.into());
    }

    /// From now on its clock, as it answers to `GET /versions`, stands at this second since the epoch.
    ///
    /// # Panics
    /// When no date can be written for it.
    pub fn set_clock(&self, seconds: i64) {
        let time =
            OffsetDateTime::from_unix_timestamp(seconds).expect("a second of the years that dates have");
        self.state().world.date = Some(time.format(&Rfc2822).expect("a date of such a year"));
    }

    /// The next request of that kind has this fault; several wait in line.
    pub fn fail_once(&self, endpoint: Endpoint, fault: Fault) {
        self.state().once.entry(endpoint).or_default().push_back(fault);
    }

    /// Every request of that kind has this fault until [`Self::mend`], after those that wait in line.
    pub fn fail(&self, endpoint: Endpoint, fault: Fault) {
        self.state().standing.insert(endpoint, fault);
    }

    /// Takes the standing fault away.
    pub fn mend(&self, endpoint: Endpoint) {
        self.state().standing.remove(&endpoint);
    }

    /// Adds a room that the user is in.
    pub fn add_room(&self, room: &str) {
        self.state().world.rooms.entry(room.into()).or_default();
    }

    /// Takes a room away, as a kick does: what is asked of it is then forbidden.
    pub fn remove_room(&self, room: &str) {
        self.state().world.rooms.remove(room);
    }

    /// Puts a message of anybody into a room and returns its event id.
    pub fn post_as(&self, sender: &str, room: &str, content: Value) -> String {
        self.state().world.append(room, sender, "m.room.message", content)
    }

    /// Sets a state event with an empty key.
    pub fn set_state(&self, room: &str, kind: &str, content: Value) {
        let mut state = self.state();
        let room = state.world.rooms.get_mut(room).expect("a room of the script");
        room.state.insert((kind.into(), String::new()), content);
    }

    /// Redacts an event of any room.
    pub fn redact(&self, event_id: &str) {
        self.state().world.redact(event_id);
    }

    /// Every event of a room, oldest first.
    #[must_use]
    pub fn events(&self, room: &str) -> Vec<Event> {
        self.state().world.events(room)
    }

    /// Every request so far, in the order in which they were complete.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    /// Every request so far of one kind.
    #[must_use]
    pub fn requests_for(&self, endpoint: Endpoint) -> Vec<Request> {
        self.requests().into_iter().filter(|request| route::endpoint(request) == endpoint).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.script.state()
    }
}

impl Drop for Homeserver {
    fn drop(&mut self) {
        self.script.stop();
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

impl Script {
    fn new(world: World) -> Self {
        let state = State {
            world,
            requests: Vec::new(),
            once: HashMap::new(),
            standing: HashMap::new(),
            connections: Vec::new(),
            stopped: false,
        };
        Self { state: Mutex::new(state), stopping: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        let mut state = self.state();
        state.stopped = true;
        for connection in state.connections.iter().filter_map(Weak::upgrade) {
            let _ = connection.shutdown(Shutdown::Both);
        }
        self.stopping.notify_all();
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            let Ok(stream) = stream.map(Arc::new) else { continue };
            let mut state = self.state();
            if state.stopped {
                return;
            }
            let number = state.connections.len();
            state.connections.push(Arc::downgrade(&stream));
            let script = Arc::clone(self);
            thread::spawn(move || script.serve(&stream, number));
        }
    }

    /// Serves a connection until either side ends it.
    fn serve(&self, stream: &TcpStream, number: usize) {
        let mut from = BufReader::new(stream);
        while let Ok(Some(request)) = wire::read(&mut from, number) {
            let (wait, reply) = self.state().reply(request);
            self.wait(wait);
            if !self.answer(&reply, stream).is_ok_and(|more| more) {
                break;
            }
        }
    }

    /// Writes what there is to answer; false when the connection ends with it.
    fn answer(&self, reply: &Reply, to: &TcpStream) -> io::Result<bool> {
        match reply {
            Reply::Whole(answer) => wire::write(answer, to).map(|()| true),
            Reply::Half(answer, hold) => {
                wire::write_half(answer, to)?;
                self.wait(*hold);
                wire::reset_at_close(to).map(|()| false)
            }
            Reply::Close => Ok(false),
        }
    }

    /// Waits, though not longer than the server lives.
    fn wait(&self, time: Duration) {
        let _ = self.stopping.wait_timeout_while(self.state(), time, |state| !state.stopped);
    }
}

impl State {
    /// Records a request, lets it take effect, unless a fault forbids it, and says what to answer and when.
    fn reply(&mut self, request: Request) -> (Duration, Reply) {
        let fault = self.fault(route::endpoint(&request));
        let mut commit = || route::answer(&request, &mut self.world);
        let reply = match fault.kind {
            Kind::None => Reply::Whole(commit()),
            Kind::Half(hold) => Reply::Half(commit(), hold),
            Kind::Instead(answer) => {
                fault.commits.then(commit);
                Reply::Whole(answer)
            }
            Kind::Close => {
                fault.commits.then(commit);
                Reply::Close
            }
        };
        self.requests.push(request);
        (fault.wait, reply)
    }

    fn fault(&mut self, endpoint: Endpoint) -> Fault {
        let once = self.once.get_mut(&endpoint).and_then(VecDeque::pop_front);
        once.or_else(|| self.standing.get(&endpoint).cloned()).unwrap_or_else(Fault::none)
    }
}
