//! Both are killed: the gateway, and the Synapse that it writes to.

use std::thread;
use std::time::{Duration, Instant};

use super::aftermath::conclude;
use super::load::Load;
use super::report::Report;
use super::stage::Stage;
use super::us::Account;
use crate::{Dice, Gateway, Killer, Limits, StartFailure};

const MINUTE: Duration = Duration::from_secs(60);

/// What a request that a dead gateway has sent may still take at a Synapse that works.
const UNDER_WAY: Duration = Duration::from_secs(2);

/// How often each is killed.
#[derive(Debug, Clone)]
pub struct Killed {
    /// As whom the gateway writes.
    pub account: Account,
    /// The chance behind it.
    pub seed: u64,
    /// SIGKILLs of the gateway.
    pub gateways: u32,
    /// SIGKILLs of Synapse.
    pub synapses: u32,
    /// How many rooms are written to.
    pub rooms: usize,
    /// How many senders post.
    pub senders: usize,
    /// When it ends, kills left or not.
    pub until: Instant,
}

/// Kills both in turn at random under load, and counts what is in the rooms in the end.
///
/// # Errors
/// When the gateway does not start.
pub fn both_killed(killed: &Killed) -> Result<Report, StartFailure> {
    let mut stage = Stage::set(killed.account, Limits::Relaxed, killed.rooms);
    let mut gateway = stage.gateway()?;
    let load = Load::new(killed.seed, stage.sources.clone(), &gateway, killed.pace());
    let mut fate = Fate::new(killed);
    load.during(killed.senders, || {
        fate.strike(killed, &mut stage, &mut gateway)?;
        thread::sleep(killed.calm());
        Ok(())
    })?;

    let mut report = Report::new(killed.name());
    report.tell("seed", killed.seed);
    report.goal("SIGKILLs of the gateway", fate.killer.kills(), killed.gateways);
    report.goal("SIGKILLs of Synapse", fate.synapses, killed.synapses);
    report.tell("messages in hand when the gateway died", fate.in_hand);
    report.tell("of them in the room already", fate.in_the_room);
    conclude(&mut report, &mut gateway, &load, &stage.us, || stage.said(), Vec::new);
    Ok(report)
}

impl Killed {
    const fn name(&self) -> &'static str {
        match self.account {
            Account::Bot => "The gateway and a real Synapse, both killed",
            Account::Service => "An application service and its Synapse, both killed",
        }
    }

    /// A message each is slower than digests.
    const fn pace(&self) -> Duration {
        match self.account {
            Account::Bot => Duration::from_millis(50),
            Account::Service => Duration::from_millis(250),
        }
    }

    const fn calm(&self) -> Duration {
        match self.account {
            Account::Bot => Duration::ZERO,
            Account::Service => Duration::from_secs(5),
        }
    }
}

struct Fate {
    killer: Killer,
    dice: Dice,
    synapses: u32,
    in_hand: usize,
    in_the_room: usize,
}

impl Fate {
    fn new(killed: &Killed) -> Self {
        let (killer, dice) = (Killer::new(killed.seed), Dice::of(killed.seed, "fate"));
        Self { killer, dice, synapses: 0, in_hand: 0, in_the_room: 0 }
    }

    fn strike(
        &mut self,
        killed: &Killed,
        stage: &mut Stage,
        gateway: &mut Gateway,
    ) -> Result<(), StartFailure> {
        while Instant::now() < killed.until {
            let gateways = killed.gateways.saturating_sub(self.killer.kills());
            let synapses = killed.synapses - self.synapses;
            if gateways + synapses == 0 {
                break;
            }
            thread::sleep(self.killer.life());
            if self.dice.below(u64::from(gateways + synapses)) < u64::from(synapses) {
                self.kill_synapse(stage);
            } else {
                self.kill_gateway(stage, gateway)?;
            }
        }
        Ok(())
    }

    fn kill_synapse(&mut self, stage: &mut Stage) {
        stage.synapse.kill9();
        thread::sleep(self.dice.between(Duration::ZERO, Duration::from_secs(2)));
        stage.synapse.restart();
        self.synapses += 1;
    }

    fn kill_gateway(&mut self, stage: &Stage, gateway: &mut Gateway) -> Result<(), StartFailure> {
        self.killer.kill(gateway);
        let in_hand = gateway.in_hand();
        self.in_hand += in_hand.len();
        if self.dice.one_in(2) {
            thread::sleep(UNDER_WAY);
            self.in_the_room += stage.count_sent(&in_hand);
            gateway.let_pass(self.dice.between(MINUTE, 10 * MINUTE));
        }
        self.killer.start(gateway)
    }
}
