//! Answers are lost, a day passes, and Synapse has forgotten the transaction ids.

use std::thread;
use std::time::{Duration, Instant};

use super::aftermath::conclude;
use super::load::Load;
use super::report::Report;
use super::stage::{BOT, Stage};
use crate::{Gateway, Killer, Limits, StartFailure, User};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Long enough for Synapse to store what a gateway that is held still has sent.
const STORED: Duration = Duration::from_millis(700);

/// How often that happens, and under which logins.
#[derive(Debug, Clone)]
pub struct Forgotten {
    /// The chance behind it.
    pub seed: u64,
    /// Outages of a day, each with forgotten transaction ids.
    pub outages: u32,
    /// New logins on the same device, and as many on another one, in the middle of sending.
    pub logins: u32,
    /// How many rooms are written to.
    pub rooms: usize,
    /// How many senders post.
    pub senders: usize,
    /// When it ends, outages left or not.
    pub until: Instant,
}

/// Kills the gateway when its messages are in the rooms and it has not heard so; then lets Synapse forget, and a day
/// pass for the gateway; or logs it in anew. Counts what is in the rooms in the end.
///
/// # Errors
/// When the gateway does not start.
pub fn forgotten(forgotten: &Forgotten) -> Result<Report, StartFailure> {
    let (stage, bot) = Stage::of_bot(Limits::Relaxed, forgotten.rooms);
    let gateway = stage.gateway()?;
    let load = Load::new(forgotten.seed, stage.sources.clone(), &gateway, Duration::from_millis(120));
    let killer = Killer::new(forgotten.seed);
    let mut scene = Scene { stage, bot, gateway, killer, rows: 0, unheard: 0, outages: 0, logins: 0 };
    load.during(forgotten.senders, || scene.play(forgotten))?;

    let mut report = Report::new("A day's outage, transaction ids forgotten by a real Synapse; new logins");
    report.tell("seed", forgotten.seed);
    report.goal("outages of a day", scene.outages, forgotten.outages);
    report.goal("new logins, on the same device and on others", scene.logins, forgotten.logins * 2);
    report.must("rows deleted", scene.rows, scene.rows > 0);
    report.must("messages in the room that nobody had heard of", scene.unheard, scene.unheard > 0);
    let Scene { stage, gateway, .. } = &mut scene;
    conclude(&mut report, gateway, &load, &stage.us, || stage.said(), Vec::new);
    Ok(report)
}

struct Scene {
    stage: Stage,
    bot: User,
    gateway: Gateway,
    killer: Killer,
    rows: usize,
    unheard: usize,
    outages: u32,
    logins: u32,
}

impl Scene {
    fn play(&mut self, forgotten: &Forgotten) -> Result<(), StartFailure> {
        for round in 0..forgotten.outages.max(forgotten.logins) {
            if round < forgotten.outages && Instant::now() < forgotten.until {
                self.day_passes()?;
            }
            if round < forgotten.logins && Instant::now() < forgotten.until {
                self.log_in(Some(self.bot.device.clone()))?;
                self.log_in(None)?;
            }
        }
        Ok(())
    }

    fn day_passes(&mut self) -> Result<(), StartFailure> {
        self.die_unheard();
        self.stage.synapse.stop();
        self.rows += self.stage.synapse.forget_transactions();
        self.gateway.let_pass(DAY + DAY / 24);
        self.stage.synapse.restart();
        self.outages += 1;
        self.gateway.restart()
    }

    /// On this device or on a new one; two minutes later, so that nothing of the one before is under way.
    fn log_in(&mut self, device: Option<String>) -> Result<(), StartFailure> {
        self.die_unheard();
        self.bot = self.stage.synapse.login(BOT, device.as_deref());
        self.gateway.write_token(&self.bot.token);
        self.gateway.let_pass(Duration::from_secs(120));
        self.logins += 1;
        self.gateway.restart()
    }

    /// Kills the gateway when it has sent and not read the answers: it is held still until Synapse has stored them.
    fn die_unheard(&mut self) {
        thread::sleep(Duration::from_millis(500) + self.killer.life());
        self.gateway.pause();
        thread::sleep(STORED);
        self.killer.kill(&mut self.gateway);
        self.unheard += self.stage.count_sent(&self.gateway.in_hand());
    }
}
