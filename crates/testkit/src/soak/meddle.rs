//! What befalls the users of an application service: they are kicked, lose their device, or may not send.

use super::us::Us;
use crate::{Dice, Endpoint, Fault, Homeserver};

/// Does that to users at random, and counts it.
#[derive(Debug)]
pub(super) struct Meddler {
    dice: Dice,
    kicks: u32,
    devices: u32,
    forbidden: u32,
}

impl Meddler {
    pub(super) fn new(seed: u64) -> Self {
        Self { dice: Dice::of(seed, "meddler"), kicks: 0, devices: 0, forbidden: 0 }
    }

    /// Does something to one of the machines' users, if there are any.
    pub(super) fn meddle(&mut self, homeserver: &Homeserver, us: &Us, rooms: &[String]) {
        let ghosts = us.ghosts();
        let Some(ghost) = ghosts.get(self.dice.index(ghosts.len().max(1))) else { return };
        match self.dice.below(4) {
            0 => {
                homeserver.kick(&rooms[self.dice.index(rooms.len())], ghost);
                self.kicks += 1;
            }
            1 => self.take_devices(homeserver, us),
            2 => self.forbid(homeserver, ghost),
            _ => ghosts.iter().for_each(|ghost| homeserver.mend_for(ghost, Endpoint::Send)),
        }
    }

    /// Takes the devices of one user away, that may be the sender.
    pub(super) fn take_devices(&mut self, homeserver: &Homeserver, us: &Us) {
        let mut users = us.ghosts();
        users.push(us.sender());
        homeserver.remove_devices(&users[self.dice.index(users.len())]);
        self.devices += 1;
    }

    /// Whatever a user sends is refused from now on, what is in the room already too.
    pub(super) fn forbid(&mut self, homeserver: &Homeserver, ghost: &str) {
        homeserver.fail_for(ghost, Endpoint::Send, Fault::forbidden());
        self.forbidden += 1;
    }

    /// What it did, by name.
    pub(super) fn counts(&self) -> [(&'static str, u32); 3] {
        [
            ("machines' users kicked", self.kicks),
            ("devices taken away", self.devices),
            ("times that a machine's user might not send", self.forbidden),
        ]
    }
}
