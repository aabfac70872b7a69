//! Every fault on: the real gateway before a homeserver that errs in every way it can, and killed again and again.

use std::thread;
use std::time::{Duration, Instant};

use super::aftermath::conclude;
use super::build::Source;
use super::load::Load;
use super::meddle::Meddler;
use super::report::Report;
use super::stage::configure;
use super::us::{Account, LISTED, Us};
use crate::{Dice, Endpoint, Event, Gateway, Homeserver, Killer, Pauser, Service, StartFailure, Weather};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// How much goes wrong, and for how long.
#[derive(Debug, Clone)]
pub struct Storm {
    /// As whom the gateway writes.
    pub account: Account,
    /// The chance behind everything: faults, kills, loads. What the machine does in between is not repeated.
    pub seed: u64,
    /// How often the gateway is killed.
    pub kills: u32,
    /// How many rooms are written to, each by a source of its own. A room has one message in hand at most: the more
    /// there are, the more a kill hits.
    pub rooms: usize,
    /// How many senders post.
    pub senders: usize,
    /// How a run's states stand to one another: `lines`, `card` or `thread`, as in gateway.toml.
    pub timeline: &'static str,
    /// When it ends, kills left or not.
    pub until: Instant,
    /// Now and then something lasts longer than a PUT may (30 s): an answer, or the gateway held still.
    pub long: bool,
}

/// Kills the gateway in the middle of everything, and counts what is in the rooms in the end.
///
/// Transaction ids are forgotten only while the gateway is dead: it trusts a homeserver that was told one by the same
/// process less than an hour ago to know it still.
///
/// # Errors
/// When the gateway does not start.
pub fn storm(storm: &Storm) -> Result<Report, StartFailure> {
    let mut scene = Scene::set(storm)?;
    let load = Load::new(storm.seed, scene.sources.clone(), &scene.gateway, Duration::from_millis(60));
    scene.homeserver.set_weather(storm.weather());
    load.during(storm.senders, || scene.rage(storm))?;
    scene.forbid_one_for_good();
    let weather = scene.homeserver.calm().expect("the weather of the storm");

    let mut report = Report::new(storm.name());
    report.tell("seed", storm.seed);
    report.tell("timeline", storm.timeline);
    scene.tell(storm, &weather, &mut report);
    let Scene { homeserver, us, rooms, gateway, .. } = &mut scene;
    conclude(&mut report, gateway, &load, us, || said(homeserver, us, rooms), || homeserver.requests());
    Ok(report)
}

impl Storm {
    const fn name(&self) -> &'static str {
        match self.account {
            Account::Bot => "Every fault on, a scripted homeserver",
            Account::Service => "Every fault on, an application service at a scripted homeserver",
        }
    }

    fn us(&self, homeserver: &Homeserver) -> Us {
        match self.account {
            Account::Bot => Us::Bot(homeserver.user()),
            Account::Service => {
                let service = Service::new("buildbot", Homeserver::SERVER_NAME);
                homeserver.set_service(&service);
                Us::Service(service)
            }
        }
    }

    fn weather(&self) -> Weather {
        let longest = if self.long { Duration::from_secs(31) } else { Duration::from_secs(3) };
        Weather::new(self.seed).with_longest_hang(longest)
    }
}

/// Who takes part.
struct Scene {
    homeserver: Homeserver,
    us: Us,
    gateway: Gateway,
    sources: Vec<Source>,
    rooms: Vec<String>,
    killer: Killer,
    pauser: Pauser,
    meddler: Meddler,
    dice: Dice,
    did: Did,
}

/// What befell them, beside kills and pauses.
#[derive(Default)]
struct Did {
    outages: u32,
    forgotten: u32,
    devices: u32,
    impostors: u32,
    redactions: u32,
    /// Messages that the gateway had in hand when it was killed, and those of them that were in the room already.
    in_hand: usize,
    in_the_room: usize,
}

impl Scene {
    fn set(storm: &Storm) -> Result<Self, StartFailure> {
        let homeserver = Homeserver::start();
        let rooms: Vec<String> = (0..storm.rooms).map(|n| format!("!room-{n}:scripted.localhost")).collect();
        rooms.iter().for_each(|room| homeserver.add_room(room));
        let sources: Vec<Source> = rooms.iter().enumerate().map(|(n, room)| Source::new(n, room)).collect();
        let us = storm.us(&homeserver);
        let gateway = configure(&sources, &us, &homeserver.url(), &rooms[0])
            .line("message", &format!("timeline = \"{}\"", storm.timeline))
            .start()?;
        Ok(Self {
            homeserver,
            us,
            gateway,
            sources,
            rooms,
            killer: Killer::new(storm.seed),
            pauser: Pauser::new(storm.seed),
            meddler: Meddler::new(storm.seed),
            dice: Dice::of(storm.seed, "storm"),
            did: Did::default(),
        })
    }

    fn rage(&mut self, storm: &Storm) -> Result<(), StartFailure> {
        while self.killer.kills() < storm.kills && Instant::now() < storm.until {
            self.live(storm);
            self.killer.kill(&mut self.gateway);
            self.look_into_its_hands();
            self.be_dead();
            self.killer.start(&mut self.gateway)?;
        }
        Ok(())
    }

    /// A life of the gateway, in which others are at work in its rooms.
    fn live(&mut self, storm: &Storm) {
        let end = Instant::now() + self.killer.life();
        if self.dice.one_in(12) {
            self.pauser.hold(&mut self.gateway);
        }
        if storm.long && self.dice.one_in(150) {
            self.pauser.hold_for(Duration::from_secs(35), &mut self.gateway);
        }
        while Instant::now() < end {
            thread::sleep(end.saturating_duration_since(Instant::now()).min(Duration::from_millis(40)));
            match self.dice.below(6) {
                0 => self.pretend(),
                1 => self.redact(),
                2 => self.meddler.meddle(&self.homeserver, &self.us, &self.rooms),
                _ => {}
            }
        }
    }

    fn look_into_its_hands(&mut self) {
        let in_hand = self.gateway.in_hand();
        self.did.in_hand += in_hand.len();
        self.did.in_the_room +=
            in_hand.iter().filter(|(room, txn)| self.homeserver.has_sent(room, txn)).count();
    }

    /// What may happen while the gateway is dead: time passes, transaction ids are forgotten, there is a new device.
    fn be_dead(&mut self) {
        let minutes = self.dice.between(MINUTE, 10 * MINUTE);
        match self.dice.below(40) {
            0 => self.pass(DAY + minutes),
            1 => self.change_device(),
            2..=12 => self.pass(minutes),
            _ => {}
        }
        if self.dice.one_in(3) {
            self.homeserver.come_to_rest();
            self.homeserver.forget_transactions();
            self.did.forgotten += 1;
        }
    }

    fn pass(&mut self, time: Duration) {
        // Longer than a PUT lasts: what was under way has arrived.
        self.homeserver.come_to_rest();
        self.gateway.let_pass(time);
        self.did.outages += 1;
    }

    /// What an application service cannot mend, its sender takes over: there is one such machine in the end.
    fn forbid_one_for_good(&mut self) {
        if let Some(ghost) = self.us.ghost(LISTED[0]) {
            self.meddler.forbid(&self.homeserver, &ghost);
        }
    }

    /// A new login on another device, long enough after the last request of the one before. An application service has
    /// no login: one of its devices goes, and what the homeserver knows by it.
    fn change_device(&mut self) {
        if let Us::Service(_) = self.us {
            self.homeserver.come_to_rest();
            self.meddler.take_devices(&self.homeserver, &self.us);
            return self.homeserver.forget_transactions();
        }
        self.did.devices += 1;
        let number = self.did.devices;
        let token = format!("syt_scripted_token_of_device_{number}");
        self.pass(2 * MINUTE);
        self.homeserver.change_device(&format!("DEVICE{number}"), &token);
        self.gateway.write_token(&token);
    }

    /// Somebody else posts what the gateway has just tried to post, with its marker and keys.
    fn pretend(&mut self) {
        let Some(put) = self.homeserver.last_request(Endpoint::Send) else { return };
        let room = self.rooms.iter().find(|room| put.is_about(room));
        if let (Some(room), true) = (room, put.json().is_object()) {
            self.homeserver.post_as("@impostor:scripted.localhost", room, put.json());
            self.did.impostors += 1;
        }
    }

    /// Somebody redacts one of the gateway's older messages. The last one of a room stays: whether it is there is
    /// asked by its content after a change of the device.
    fn redact(&mut self) {
        let room = &self.rooms[self.dice.index(self.rooms.len())];
        let events = self.homeserver.events(room);
        let said: Vec<Event> = events.into_iter().filter(|event| self.us.has(event.sender())).collect();
        if let Some(older) = said.len().checked_sub(1).filter(|older| *older > 0) {
            self.homeserver.redact(said[self.dice.index(older)].id());
            self.did.redactions += 1;
        }
    }

    fn tell(&self, storm: &Storm, weather: &Weather, report: &mut Report) {
        report.goal("SIGKILLs", self.killer.kills(), storm.kills);
        report.tell("messages in hand at these", self.did.in_hand);
        report.tell("of them in the room already", self.did.in_the_room);
        report.tell("SIGSTOPs", self.pauser.pauses());
        report.tell("outages of a minute to a day", self.did.outages);
        report.tell("times that transaction ids were forgotten", self.did.forgotten);
        match self.us {
            Us::Bot(_) => report.tell("changes of the device", self.did.devices),
            Us::Service(_) => self.meddler.counts().iter().for_each(|(what, count)| report.tell(what, count)),
        }
        report.tell("impostors' events", self.did.impostors);
        report.tell("redactions", self.did.redactions);
        report.tell("faults of requests", weather.counts().values().sum::<u64>());
        report.tell("kinds of them", format!("{} of {}", weather.counts().len(), Weather::names().count()));
    }
}

/// What the gateway's users have put into each room, and what was still on its way there.
fn said(homeserver: &Homeserver, us: &Us, rooms: &[String]) -> Vec<Vec<Event>> {
    homeserver.let_arrive();
    let said = |room: &String| {
        homeserver.committed(room).into_iter().filter(|event| us.has(event.sender())).collect()
    };
    rooms.iter().map(said).collect()
}
