//! What befalls a program: it is killed, or held still.

use std::thread;
use std::time::Duration;

use crate::{Dice, Gateway, StartFailure};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Kills a gateway at random moments (SIGKILL), and starts it again.
#[derive(Debug)]
pub struct Killer {
    dice: Dice,
    kills: u32,
}

impl Killer {
    /// One that has not killed yet.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { dice: Dice::of(seed, "killer"), kills: 0 }
    }

    /// How often it has killed.
    #[must_use]
    pub const fn kills(&self) -> u32 {
        self.kills
    }

    /// How long the gateway may live: half of the times less than a third of a second, now and then some seconds.
    pub fn life(&mut self) -> Duration {
        match self.dice.below(10) {
            0..=4 => self.dice.between(ms(0), ms(300)),
            5..=8 => self.dice.between(ms(300), ms(1_500)),
            _ => self.dice.between(ms(1_500), ms(4_000)),
        }
    }

    /// Kills the gateway, now.
    pub fn kill(&mut self, gateway: &mut Gateway) {
        gateway.kill9();
        self.kills += 1;
    }

    /// Starts the gateway again; once in six times it is killed before it is ready, and has to start once more.
    ///
    /// # Errors
    /// When it does not get ready though it was not killed.
    pub fn start(&mut self, gateway: &mut Gateway) -> Result<(), StartFailure> {
        while self.dice.one_in(6) {
            gateway.respawn();
            thread::sleep(self.dice.between(ms(0), ms(200)));
            self.kill(gateway);
        }
        gateway.restart()
    }
}

/// Holds a gateway still for a while (SIGSTOP, SIGCONT).
#[derive(Debug)]
pub struct Pauser {
    dice: Dice,
    pauses: u32,
}

impl Pauser {
    /// One that has not held anything still yet.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { dice: Dice::of(seed, "pauser"), pauses: 0 }
    }

    /// How often it has held the gateway still.
    #[must_use]
    pub const fn pauses(&self) -> u32 {
        self.pauses
    }

    /// Holds the gateway still for a moment: longer than nothing, at most two seconds.
    pub fn hold(&mut self, gateway: &mut Gateway) {
        let time = self.dice.between(ms(20), ms(2_000));
        self.hold_for(time, gateway);
    }

    /// Holds the gateway still for that long.
    pub fn hold_for(&mut self, time: Duration, gateway: &mut Gateway) {
        gateway.pause();
        thread::sleep(time);
        gateway.resume();
        self.pauses += 1;
    }
}
