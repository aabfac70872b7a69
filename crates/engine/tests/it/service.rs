//! An application service at a real Synapse: machines speak for themselves, whatever happens to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use meshhook_engine::{Account, Heard, Node, Pool, Source};
use meshhook_model::{Globs, Text, Unit};
use meshhook_testkit::{Event, Limits, Loss, Proxy, Service, Synapse, User, eventually};
use serde_json::json;

use crate::rig::{Rig, SOON, job_body, source};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(25 * 3600);

/// A Synapse that knows the service, somebody whose room it is, and what loses answers.
struct Server {
    synapse: Arc<Synapse>,
    service: Service,
    proxy: Proxy,
    alice: User,
}

impl Server {
    fn at(synapse: Arc<Synapse>, service: &Service) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let alice = synapse.register(&format!("alice-{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        let proxy = Proxy::before(&synapse.url());
        Self { synapse, service: service.clone(), proxy, alice }
    }

    /// One that other tests have, too: its users are theirs, its room is not.
    fn shared() -> Self {
        Self::at(Synapse::shared(), Synapse::shared_service())
    }

    /// One that nobody else has, to be stopped.
    fn own() -> Self {
        let service = Service::new("buildbot", Synapse::SERVER_NAME);
        Self::at(Arc::new(Synapse::start_with_service(Limits::Relaxed, &service)), &service)
    }

    fn stoppable(&mut self) -> &mut Synapse {
        Arc::get_mut(&mut self.synapse).expect("its own")
    }
}

type Served = Rig<Server>;

impl Served {
    /// With a private room that the service was invited to, and these machines.
    fn with_machines(machines: &[&str]) -> Self {
        Self::with(Server::shared(), machines, 200)
    }

    /// The same, at a Synapse that can be stopped.
    fn alone_with_machines(machines: &[&str]) -> Self {
        Self::with(Server::own(), machines, 200)
    }

    fn with(server: Server, machines: &[&str], ghosts: usize) -> Self {
        let Server { synapse, service, proxy, alice } = &server;
        let room = synapse.private_room(&alice.token);
        synapse.invite(&alice.token, &room, &service.sender());
        let (url, token) = (proxy.url(), service.as_token().to_owned());
        let mut rig = Self::as_account(Account::Service, server, url, &room, token);
        rig.stop();
        (rig.ghosts, rig.source) = (ghosts, Arc::new(pooled(&room, machines)));
        rig.start();
        rig
    }

    /// A job of a run that a machine reports; the delivery.
    fn reports(&self, run: u32, machine: &str) -> String {
        let body = job_body(run, machine, "Default", meshhook_engine::Clock::now(&*self.clock).seconds());
        let answer = self.post(&body).unwrap();
        assert_eq!(answer.outcome, "accepted", "{answer:?}");
        answer.delivery
    }

    fn said_by(&self, run: u32, machine: &str) -> String {
        let id = self.reports(run, machine);
        self.eventually_status(&id, "sent");
        self.life(&id).message.unwrap().sender
    }

    fn ghost(&self, machine: &str) -> String {
        self.homeserver.service.user(machine)
    }

    /// The messages of the room, the oldest first.
    fn said(&self) -> Vec<Event> {
        let Server { synapse, alice, .. } = &self.homeserver;
        let mut events = synapse.messages(&alice.token, &self.room);
        events.retain(|event| event.kind() == "m.room.message");
        events
    }

    #[track_caller]
    fn is_there_once(&self, id: &str) {
        let key = self.life(id).delivery.key.to_string();
        let shows = |event: &&Event| event.content()["com.meshmac.message"]["keys"][0] == key;
        let said = self.said();
        let there: Vec<_> = said.iter().filter(shows).map(Event::id).collect();
        assert_eq!(there, [self.life(id).delivery.event_id.unwrap()]);
    }

    fn held(&self) -> Option<String> {
        let rooms = self.engine().store().totals().unwrap().rooms;
        rooms.into_iter().find(|room| room.room == self.room)?.hold.map(|(why, _)| why)
    }

    /// Asks Synapse as the service, speaking as one of its users.
    fn as_service(&self, method: &str, path: &str, user: &str) {
        let Server { synapse, service, .. } = &self.homeserver;
        let path = format!("{path}?user_id={}", user.replace('@', "%40").replace(':', "%3A"));
        synapse.request(method, &path, service.as_token(), Some(&json!({}))).ok();
    }
}

fn pooled(room: &str, machines: &[&str]) -> Source {
    let node = |name: &&str| Node { name: Text::new(name).unwrap(), runners: Globs::default() };
    let pool = Arc::new(Pool::new(machines.iter().map(node).collect()));
    Source { pool, units: vec![Unit::Job], ..source(room) }
}

#[test]
fn three_machines_are_three_senders_in_order() {
    let rig = Served::with_machines(&["mac-01", "mac-02", "mac-03"]);
    let order = ["mac-02", "mac-01", "mac-03", "mac-01", "linux-9"];
    let ids: Vec<_> = (1..).zip(order).map(|(run, machine)| rig.reports(run, machine)).collect();
    ids.iter().for_each(|id| rig.eventually_status(id, "sent"));
    let said = rig.said();
    let senders: Vec<_> = said.iter().map(Event::sender).collect();
    let ghost = |machine| rig.ghost(machine);
    let sender = rig.homeserver.service.sender();
    assert_eq!(senders, [ghost("mac-02"), ghost("mac-01"), ghost("mac-03"), ghost("mac-01"), sender]);
    let Server { synapse, alice, .. } = &rig.homeserver;
    for machine in ["mac-01", "mac-02", "mac-03"] {
        let member = synapse.member(&alice.token, &rig.room, &rig.ghost(machine)).unwrap();
        assert_eq!(member.name, Some(format!("{machine} · build")));
    }
    assert!(synapse.member(&alice.token, &rig.room, &rig.ghost("linux-9")).is_none());
    assert!(said.last().unwrap().body().unwrap().contains("linux-9"), "the sender names the machine");
}

/// Named before it joined: the room is told once of each.
#[test]
fn a_room_is_told_once_of_a_machine() {
    let rig = Served::with_machines(&["mac-01"]);
    rig.said_by(1, "mac-01");
    let Server { synapse, alice, .. } = &rig.homeserver;
    let mut events = synapse.messages(&alice.token, &rig.room);
    events.retain(|event| event.kind() == "m.room.member" && event.0["state_key"] == rig.ghost("mac-01"));
    let told: Vec<_> = events.iter().map(|event| event.content()["membership"].clone()).collect();
    assert_eq!(told, ["invite", "join"]);
}

#[test]
fn odd_names_are_machines_like_all_others() {
    let odd = ["Mac Mini #3 (Büro)", "a:b", "../../x", "a=3ab", "ü", "_", "A_b"];
    let rig = Served::with_machines(&odd);
    let mut senders: Vec<_> = (1..).zip(odd).map(|(run, machine)| rig.said_by(run, machine)).collect();
    let Server { synapse, alice, .. } = &rig.homeserver;
    for (machine, user) in odd.iter().zip(&senders) {
        let member = synapse.member(&alice.token, &rig.room, user).unwrap();
        assert_eq!(member.name, Some(format!("{machine} · build")));
    }
    senders.sort_unstable();
    senders.dedup();
    assert_eq!(senders.len(), odd.len());
}

#[test]
fn no_more_machines_have_a_user_than_may() {
    let rig = Served::with(Server::shared(), &["mac-01", "mac-02"], 1);
    assert_eq!(rig.said_by(1, "mac-01"), rig.ghost("mac-01"));
    assert_eq!(rig.said_by(2, "mac-02"), rig.homeserver.service.sender());
    assert!(rig.saw("max_ghosts allows 1"));
    assert_eq!(rig.said_by(3, "mac-01"), rig.ghost("mac-01"));
}

/// Trap 4 of the memory layer of transaction ids: it knows nothing of who sends.
#[test]
fn two_machines_that_report_the_same_run_at_once_lose_nothing() {
    let rig = Served::with_machines(&["mac-01", "mac-02"]);
    let bodies = ["mac-01", "mac-02"].map(|machine| {
        let now = meshhook_engine::Clock::now(&*rig.clock).seconds();
        job_body(7, machine, "Default", now).replace("1007", if machine == "mac-01" { "1" } else { "2" })
    });
    let ids = bodies.map(|body| rig.post(&body).unwrap().delivery);
    for id in &ids {
        rig.eventually_status(id, "sent");
        rig.is_there_once(id);
    }
    let senders: Vec<_> = rig.said().iter().map(|event| event.sender().to_owned()).collect();
    assert_eq!(senders, [rig.ghost("mac-01"), rig.ghost("mac-02")]);
}

#[test]
fn a_days_outage_with_forgotten_transactions_is_no_second_message() {
    let mut rig = Served::alone_with_machines(&["mac-01", "mac-02"]);
    rig.said_by(1, "mac-01");
    rig.said_by(2, "mac-02");
    rig.homeserver.proxy.lose(Loss::Answer);
    let id = rig.reports(3, "mac-01");
    eventually(SOON, || (!rig.results(&id).is_empty()).then_some(()));
    rig.stop();
    rig.homeserver.proxy.lose(Loss::Nothing);
    rig.homeserver.stoppable().stop();
    assert!(rig.homeserver.synapse.forget_transactions() >= 3);
    rig.homeserver.stoppable().restart();
    rig.advance(DAY);
    rig.start();
    rig.eventually_status(&id, "sent");
    assert_eq!(rig.results(&id).last().map(String::as_str), Some("found"));
    rig.is_there_once(&id);
}

/// The same, but for a PUT that never arrived: another machine's message is the anchor.
#[test]
fn a_days_outage_loses_nothing() {
    let mut rig = Served::alone_with_machines(&["mac-01", "mac-02"]);
    rig.said_by(1, "mac-02");
    rig.said_by(2, "mac-01");
    rig.said_by(3, "mac-02");
    rig.homeserver.proxy.lose(Loss::Request);
    let id = rig.reports(4, "mac-01");
    eventually(SOON, || (!rig.results(&id).is_empty()).then_some(()));
    rig.stop();
    rig.homeserver.proxy.lose(Loss::Nothing);
    rig.homeserver.stoppable().restart();
    rig.advance(DAY);
    rig.start();
    rig.eventually_status(&id, "sent");
    assert_eq!(rig.results(&id).last().map(String::as_str), Some("sent"));
    rig.is_there_once(&id);
}

#[test]
fn a_machine_that_was_removed_comes_back() {
    let rig = Served::with_machines(&["mac-01"]);
    rig.said_by(1, "mac-01");
    let Server { synapse, alice, .. } = &rig.homeserver;
    synapse.kick(&alice.token, &rig.room, &rig.ghost("mac-01"));
    let id = rig.reports(2, "mac-01");
    rig.eventually_status(&id, "sent");
    assert_eq!(rig.results(&id), ["forbidden", "sent"]);
    rig.is_there_once(&id);
    assert_eq!(rig.life(&id).message.unwrap().sender, rig.ghost("mac-01"));
}

/// Where nothing helps, the sender says it, once it is certain that the machine has not.
#[test]
fn the_sender_speaks_for_a_machine_that_is_banned() {
    let rig = Served::with_machines(&["mac-01", "mac-02"]);
    rig.said_by(1, "mac-01");
    let Server { synapse, alice, service, .. } = &rig.homeserver;
    synapse.ban(&alice.token, &rig.room, &rig.ghost("mac-01"));
    let id = rig.reports(2, "mac-01");
    eventually(SOON, || rig.results(&id).contains(&"forbidden".to_owned()).then_some(()));
    assert_eq!(rig.status(&id), "in_message");
    rig.advance(MINUTE * 2);
    rig.eventually_status(&id, "sent");
    rig.is_there_once(&id);
    assert_eq!(rig.life(&id).message.unwrap().sender, service.sender());
    assert!(rig.said().last().unwrap().body().unwrap().contains("mac-01"));
    assert!(rig.saw("GhostNotReady"));
    // At once from now on; others speak for themselves.
    assert_eq!(rig.said_by(3, "mac-01"), service.sender());
    assert_eq!(rig.said_by(4, "mac-02"), rig.ghost("mac-02"));
}

/// Its message is there, nobody has heard so, and then it is banned: found, it is nobody else's.
#[test]
fn what_a_banned_machine_has_said_is_not_said_again() {
    let mut rig = Served::alone_with_machines(&["mac-01"]);
    rig.said_by(1, "mac-01");
    rig.homeserver.proxy.lose(Loss::Answer);
    let id = rig.reports(2, "mac-01");
    eventually(SOON, || (!rig.results(&id).is_empty()).then_some(()));
    rig.stop();
    let (server, ghost) = (&mut rig.homeserver, "@buildbot_mac-01:rig.localhost");
    server.synapse.ban(&server.alice.token, &rig.room, ghost);
    server.proxy.lose(Loss::Nothing);
    let synapse = server.stoppable();
    synapse.stop();
    assert!(synapse.forget_transactions() >= 2);
    synapse.restart();
    rig.advance(MINUTE * 2);
    rig.start();
    rig.eventually_status(&id, "sent");
    rig.is_there_once(&id);
    assert_eq!(rig.life(&id).message.unwrap().sender, ghost);
}

/// With its device, a homeserver forgets what it was told.
#[test]
fn a_device_that_was_deleted_is_made_again_and_is_no_second_message() {
    let mut rig = Served::alone_with_machines(&["mac-01"]);
    rig.said_by(1, "mac-01");
    rig.homeserver.proxy.lose(Loss::Answer);
    let id = rig.reports(2, "mac-01");
    eventually(SOON, || (!rig.results(&id).is_empty()).then_some(()));
    rig.as_service("DELETE", "/_matrix/client/v3/devices/MESHHOOK", &rig.ghost("mac-01"));
    rig.homeserver.stoppable().restart();
    rig.homeserver.proxy.lose(Loss::Nothing);
    rig.advance(MINUTE);
    rig.eventually_status(&id, "sent");
    rig.is_there_once(&id);
    assert_eq!(rig.said_by(3, "mac-01"), rig.ghost("mac-01"));
}

/// A homeserver that is away makes no sender of a machine that would have been one.
#[test]
fn a_machine_is_waited_for_while_the_homeserver_is_away() {
    let mut rig = Served::alone_with_machines(&["mac-01"]);
    rig.said_by(1, "nobody");
    rig.homeserver.stoppable().stop();
    let id = rig.reports(2, "mac-01");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(rig.status(&id), "pending");
    rig.homeserver.stoppable().restart();
    rig.advance(MINUTE);
    rig.eventually_status(&id, "sent");
    assert_eq!(rig.life(&id).message.unwrap().sender, rig.ghost("mac-01"));
}

#[test]
fn an_invite_elsewhere_is_declined() {
    let rig = Served::with_machines(&["mac-01"]);
    let Server { synapse, alice, service, .. } = &rig.homeserver;
    let other = synapse.private_room(&alice.token);
    synapse.invite(&alice.token, &other, &service.sender());
    rig.engine().hear(Heard::Invited { room: other.clone(), user: service.sender() });
    let membership =
        || synapse.member(&alice.token, &other, &service.sender()).map(|member| member.membership);
    eventually(SOON, || (membership().as_deref() == Some("leave")).then_some(()));
    rig.engine().hear(Heard::Invited { room: rig.room.clone(), user: service.sender() });
    let here = || synapse.member(&alice.token, &rig.room, &service.sender()).map(|member| member.membership);
    eventually(SOON, || (here().as_deref() == Some("join")).then_some(()));
}

/// Known to be closed before there is anything to say, and open again once it is.
#[test]
fn a_room_is_held_at_once_when_the_service_is_removed() {
    let rig = Served::with_machines(&["mac-01"]);
    rig.said_by(1, "mac-01");
    let Server { synapse, alice, service, .. } = &rig.homeserver;
    let (room, user) = (rig.room.clone(), service.sender());
    synapse.kick(&alice.token, &room, &user);
    let (by, reason) = (alice.id.clone(), Some("too loud".to_owned()));
    rig.engine().hear(Heard::Removed { room: room.clone(), user: user.clone(), by, reason });
    let why = eventually(SOON, || rig.held());
    assert!(why.starts_with(&format!("{} removed {} from the room", alice.id, service.sender())), "{why}");
    let id = rig.reports(2, "mac-01");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(rig.status(&id), "pending", "nothing is frozen for a room that is held");
    synapse.invite(&alice.token, &room, &user);
    rig.engine().hear(Heard::Invited { room, user });
    rig.eventually_status(&id, "sent");
    assert_eq!(rig.held(), None);
}

#[test]
fn a_room_is_held_at_once_when_it_is_encrypted_or_upgraded() {
    let rig = Served::with_machines(&["mac-01"]);
    rig.said_by(1, "mac-01");
    let Server { synapse, alice, .. } = &rig.homeserver;
    synapse.encrypt(&alice.token, &rig.room);
    rig.engine().hear(Heard::Changed { room: rig.room.clone() });
    let why = eventually(SOON, || rig.held());
    assert!(why.starts_with("the room is encrypted"), "{why}");
    let replacement = synapse.upgrade(&alice.token, &rig.room);
    rig.engine().hear(Heard::Changed { room: rig.room.clone() });
    eventually(SOON, || rig.held().filter(|why| why.contains(&replacement)));
    let id = rig.reports(2, "mac-01");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(rig.status(&id), "pending");
}

/// Into a public room a machine gets without its service, which then sees nothing of it.
#[test]
fn a_room_that_the_service_is_not_in_is_looked_at_by_who_speaks() {
    let rig = Served::with_machines(&["mac-01"]);
    let Server { synapse, alice, .. } = &rig.homeserver;
    synapse.set_state(&alice.token, &rig.room, "m.room.join_rules", &json!({ "join_rule": "public" }));
    synapse.encrypt(&alice.token, &rig.room);
    rig.reports(1, "mac-01");
    let why = eventually(SOON, || rig.held());
    assert!(why.contains("encrypted") && rig.said().is_empty(), "{why}");
    assert_eq!(synapse.member(&alice.token, &rig.room, &rig.ghost("mac-01")).unwrap().membership, "join");
}

/// A bot whose name becomes the service's is the same user, on the same device where that was `login`'s.
#[test]
fn a_bot_becomes_a_service_and_says_nothing_twice() {
    let service = Service::new("buildbot", Synapse::SERVER_NAME);
    let server = Server::at(Arc::new(Synapse::start()), &service);
    let Server { synapse, proxy, alice, .. } = &server;
    let _ = synapse.register("buildbot");
    let bot = synapse.login("buildbot", Some("MESHHOOK"));
    let room = synapse.private_room(&alice.token);
    synapse.bring_in(&alice.token, &room, &bot);
    let (url, token) = (proxy.url(), bot.token.clone());
    let mut rig = Served::on(server, url, &room, token);
    rig.stop();
    rig.source = Arc::new(pooled(&room, &["mac-01"]));
    rig.start();
    assert_eq!(rig.said_by(1, "mac-01"), bot.id, "a bot is nobody else");
    rig.homeserver.proxy.lose(Loss::Answer);
    let id = rig.reports(2, "mac-01");
    eventually(SOON, || (!rig.results(&id).is_empty()).then_some(()));
    rig.stop();
    let waiting = {
        rig.homeserver.synapse.write_service(&service);
        rig.homeserver.stoppable().restart();
        rig.homeserver.proxy.lose(Loss::Nothing);
        rig.account = Account::Service;
        *rig.token.lock().unwrap() = service.as_token().to_owned();
        rig.start();
        rig.reports(3, "mac-01")
    };
    rig.eventually_status(&id, "sent");
    rig.is_there_once(&id);
    assert_eq!(rig.results(&id).last().map(String::as_str), Some("found"));
    rig.eventually_status(&waiting, "sent");
    assert_eq!(rig.life(&waiting).message.unwrap().sender, rig.ghost("mac-01"));
    assert_eq!(rig.said().len(), 3);
}
