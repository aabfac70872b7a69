//! Killed with messages of three machines under way: nothing is lost, nothing is said twice, and by nobody else.

use std::collections::BTreeMap;
use std::time::Duration;

use meshhook_testkit::{Event, Gateway, Loss, eventually, try_for};

use super::{Scene, reports};
use crate::rig::{SOON, keys};

const MACHINES: [&str; 3] = ["mac-01", "mac-02", "mac-03"];

/// Builds that each machine tells of.
const BUILDS: usize = 4;

/// Each machine has a room of its own, since a room has one message in hand.
struct Killed {
    scene: Scene,
    gateway: Gateway,
}

impl Killed {
    /// Every machine has said something, and is in its room.
    fn set() -> Self {
        let scene = Scene::new(MACHINES.len());
        let routes = MACHINES.iter().zip(&scene.rooms).skip(1).map(|(machine, room)| {
            format!("[[route]]\nsource = \"builds\"\nnode = {machine:?}\nroom = {room:?}")
        });
        let builder = scene.gateway(&MACHINES);
        let gateway = routes.fold(builder, |builder, route| builder.toml(&route)).start().unwrap();
        let killed = Self { scene, gateway };
        killed.report(1);
        killed.scene.rooms.iter().for_each(|room| drop(killed.scene.wait_for(room, 1)));
        killed.until_settled();
        killed
    }

    fn report(&self, build: usize) {
        for machine in MACHINES {
            reports(&self.gateway, machine, &format!("{machine}/{build}"));
        }
    }

    /// Each machine's next message is in its room, and the gateway has not heard so.
    fn lose_answers(&mut self) {
        self.scene.proxy.lose(Loss::Answer);
        self.report(2);
        eventually(SOON, || (self.scene.proxy.lost() >= MACHINES.len()).then_some(()));
        self.scene.rooms.iter().for_each(|room| drop(self.scene.wait_for(room, 2)));
    }

    fn kill_gateway(&mut self) {
        self.gateway.kill9();
        assert_eq!(self.gateway.in_hand().len(), MACHINES.len());
    }

    fn go_on(&mut self) {
        self.scene.proxy.lose(Loss::Nothing);
        self.gateway.restart().unwrap();
    }

    fn until_settled(&self) {
        let owes = || {
            let ready = self.gateway.admin_get("/readyz").json();
            ready["rooms"].as_array().unwrap().iter().any(|room| room["waiting"] != 0)
        };
        assert!(
            try_for(Duration::from_secs(60), || (!owes()).then_some(())).is_some(),
            "{}",
            self.gateway.log()
        );
    }

    /// The rest is told, and all of it is there, once, and by whose it is.
    #[track_caller]
    fn is_told_once(&self) {
        (3..=BUILDS).for_each(|build| self.report(build));
        self.until_settled();
        for (machine, room) in MACHINES.iter().zip(&self.scene.rooms) {
            let said = self.scene.said(room);
            let mut keys = keys(&said);
            assert_eq!(keys.len(), BUILDS, "{machine}: lost or doubled: {said:?}");
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), BUILDS, "{machine}: doubled: {said:?}");
            let own = self.scene.service.user(machine);
            said.iter().for_each(|event| self.is_by_who_may(event, &own));
            assert_eq!((said[0].sender(), said[1].sender()), (&*own, &*own), "its own before the kill");
        }
    }

    /// Only what has piled up is the sender's.
    #[track_caller]
    fn is_by_who_may(&self, event: &Event, own: &str) {
        let is_digest = event.content()["com.meshmac.build_statuses"].is_array();
        let sender = if is_digest { self.scene.service.sender() } else { own.to_owned() };
        assert_eq!(event.sender(), sender, "{event:?}");
    }
}

#[test]
fn the_gateway_between_commit_and_answer() {
    let mut killed = Killed::set();
    killed.lose_answers();
    killed.kill_gateway();
    killed.go_on();
    killed.is_told_once();
}

/// With its memory Synapse has lost the first of its two layers of transaction ids: what is left is known by the device.
#[test]
fn both_between_commit_and_answer() {
    let mut killed = Killed::set();
    killed.lose_answers();
    killed.kill_gateway();
    killed.scene.synapse.kill9();
    killed.scene.synapse.restart();
    killed.go_on();
    killed.is_told_once();
}

#[test]
fn synapse_while_it_is_written_to() {
    let mut killed = Killed::set();
    killed.report(2);
    killed.scene.synapse.kill9();
    killed.scene.synapse.restart();
    killed.until_settled();
    killed.is_told_once();
}

/// The gateway is killed ten times while machines report: whatever it had in hand.
#[test]
fn the_gateway_again_and_again() {
    let mut killed = Killed::set();
    let mut in_hand = BTreeMap::new();
    for build in 2..=BUILDS {
        killed.report(build);
        std::thread::sleep(Duration::from_millis(15 * build as u64));
        killed.gateway.kill9();
        in_hand.insert(build, killed.gateway.in_hand().len());
        killed.gateway.restart().unwrap();
    }
    assert!(in_hand.values().sum::<usize>() > 0, "nothing was under way: {in_hand:?}");
    killed.is_told_once();
}
