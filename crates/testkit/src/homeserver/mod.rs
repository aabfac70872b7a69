//! A scripted homeserver, for the faults that a real one cannot be made to have.

mod fault;
mod members;
mod people;
mod route;
mod script;
mod weather;
mod wire;
mod world;

use std::io::Read;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::{Event, Service, User, eventually};
pub use fault::{Endpoint, Fault};
use script::{Script, State};
pub use weather::Weather;
pub use wire::Request;
use world::World;

const AT_REST_WITHIN: Duration = Duration::from_secs(10);

/// A homeserver of one user, and of an application service's if it is given one, of as much of the client-server API as a sender needs, that can be made to fail.
///
/// It keeps the specification's promise about transaction ids (one event a device, room and id), records every
/// request, and serves connections as long as the client keeps them.
#[derive(Debug)]
pub struct Homeserver {
    address: SocketAddr,
    script: Arc<Script>,
    accepting: Option<JoinHandle<()>>,
}

impl Homeserver {
    /// The domain in every user's id.
    pub const SERVER_NAME: &'static str = "scripted.localhost";

    /// The room that is there from the start, in the form of room version 12.
    pub const ROOM: &'static str = "!scriptedroomwithanidofroomversion12andnoserver";

    /// Starts on a free loopback port.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound listener has an address");
        let user = User {
            id: format!("@gateway:{}", Self::SERVER_NAME),
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
        self.state().world.people.user.clone()
    }

    /// From now on only `token` is good; the device stays.
    pub fn change_token(&self, token: &str) {
        self.state().world.people.user.token = token.into();
    }

    /// From now on only `token` is good, and it belongs to another device.
    pub fn change_device(&self, device: &str, token: &str) {
        let user = &mut self.state().world.people.user;
        (user.device, user.token) = (device.into(), token.into());
    }

    /// From now on it knows an application service, whose sender is in every room; the service's other users are made,
    /// given devices and invited by requests. It pushes nothing.
    pub fn set_service(&self, service: &Service) {
        self.state().world.people.service = Some(service.clone());
    }

    /// Takes all devices of a user away, as an administrator can.
    pub fn remove_devices(&self, user: &str) {
        self.state().world.people.remove_devices(user);
    }

    /// Takes a user out of a room, as a kick by somebody does, for as long as nobody invites them.
    pub fn kick(&self, room: &str, user: &str) {
        members::set(&mut self.state().world, room, user, "leave", "@somebody:scripted.localhost");
    }

    /// Invites a user, as somebody in the room does. It pushes nothing, so nobody is told.
    pub fn invite(&self, room: &str, user: &str) {
        members::set(&mut self.state().world, room, user, "invite", "@somebody:scripted.localhost");
    }

    /// From now on a room is joined without an invite.
    ///
    /// # Panics
    /// When there is no such room.
    pub fn open_room(&self, room: &str) {
        self.state().world.rooms.get_mut(room).expect("a room of the script").is_public = true;
    }

    /// How a user stands to a room (`join`, `invite` or `leave`), if at all.
    #[must_use]
    pub fn membership(&self, room: &str, user: &str) -> Option<&'static str> {
        self.state().world.membership(room, user)
    }

    /// The name that one of the service's users has.
    #[must_use]
    pub fn display_name(&self, user: &str) -> Option<String> {
        self.state().world.people.name(user).map(str::to_owned)
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

    /// Every request of that kind that is made as that user has this fault until [`Self::mend_for`].
    pub fn fail_for(&self, user: &str, endpoint: Endpoint, fault: Fault) {
        self.state().standing_for.insert((user.into(), endpoint), fault);
    }

    /// Takes one user's standing fault away.
    pub fn mend_for(&self, user: &str, endpoint: Endpoint) {
        self.state().standing_for.remove(&(user.into(), endpoint));
    }

    /// From now on whatever is asked for has a random fault now and then, until [`Self::calm`]; the faults of
    /// [`Self::fail_once`] and [`Self::fail`] come first.
    pub fn set_weather(&self, weather: Weather) {
        self.state().weather = Some(weather);
    }

    /// Ends the weather, and gives it back with the count of what it did.
    pub fn calm(&self) -> Option<Weather> {
        self.state().weather.take()
    }

    /// Whatever is still to take effect ([`Fault::commits_later`]) does so now, as if the time had passed.
    pub fn let_arrive(&self) {
        self.state().arrive_all();
    }

    /// Ends all that clients have begun who are gone: what they have sent is dealt with, and takes effect now.
    ///
    /// # Panics
    /// When a client is still connected after some seconds.
    pub fn come_to_rest(&self) {
        self.knock();
        eventually(AT_REST_WITHIN, || self.state().is_at_rest().then_some(()));
        self.let_arrive();
    }

    /// Connections are taken in their order: once this one is, so are all before it.
    fn knock(&self) {
        let mut ours = TcpStream::connect(self.address).expect("the homeserver runs");
        let _ = ours.shutdown(Shutdown::Write);
        let _ = ours.read(&mut [0]);
    }

    /// Forgets every transaction id, as Synapse does after a day: the same PUT once more is another event. The events
    /// keep showing theirs to the device that sent them, as Synapse's do. What is under way has to have arrived.
    pub fn forget_transactions(&self) {
        self.state().world.forget_transactions();
    }

    /// Forgets what a restart of a homeserver forgets of transaction ids: those stay that belong to a device.
    pub fn forget_memory(&self) {
        self.state().world.forget_memory();
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

    /// How many events a room has.
    #[must_use]
    pub fn count(&self, room: &str) -> usize {
        self.state().world.count(room)
    }

    /// Whether an event of the room was sent by the user with that transaction id, on any device and however long ago.
    #[must_use]
    pub fn has_sent(&self, room: &str, txn: &str) -> bool {
        self.state().world.has_sent(room, txn)
    }

    /// Every event of a room as it was before any redaction, oldest first.
    #[must_use]
    pub fn committed(&self, room: &str) -> Vec<Event> {
        self.state().world.committed(room)
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

    /// The latest request of one kind.
    #[must_use]
    pub fn last_request(&self, endpoint: Endpoint) -> Option<Request> {
        let state = self.state();
        state.requests.iter().rev().find(|request| route::endpoint(request) == endpoint).cloned()
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
