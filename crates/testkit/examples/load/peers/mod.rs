//! What does an answer cost elsewhere, and what is it worth? Programs that take webhooks, as their documentation sets
//! them up for GitHub's signature, beside the gateway and the floor.

mod gateway;
mod install;
mod matrix_webhook;
mod server;
mod webhook;

use std::thread;
use std::time::{Duration, Instant};

use meshhook_testkit::load::{Deliveries, Floor, Pace, Target};
use meshhook_testkit::{Synapse, http};

use crate::measure::{Plan, SECRET, Supply};
use crate::report::Report;
use crate::rows::Row;

const BODY: usize = 20 << 10;

/// Once nothing came for so long, nothing comes any more.
const SETTLED: Duration = Duration::from_secs(3);

/// What was answered shows by then, or never.
const SHOWN_WITHIN: Duration = Duration::from_secs(60);

/// A program that takes webhooks, and what shows that it acted on them.
trait Peer {
    fn name(&self) -> &'static str;
    fn version(&self) -> String;
    /// What a delivery leads to: messages or executions.
    fn effect(&self) -> &'static str;
    /// Starts it, or starts it again where it was, until it listens.
    fn start(&mut self) -> Result<(), String>;
    fn target(&self) -> Result<Target, String>;
    fn pid(&self) -> u32;
    fn kill9(&mut self);
    /// How many deliveries have shown so far.
    fn shown(&self) -> u64;
    /// Whether it knows of some that are to show yet.
    fn is_busy(&self) -> bool {
        false
    }
    /// How many have shown again, of a program that promises to show each delivery, and once.
    fn repeats(&self) -> Option<u64> {
        None
    }
}

pub(crate) fn run(is_quick: bool) -> Result<bool, String> {
    let mut report = Report::new("peers");
    let synapse = Synapse::start();
    let mut peers: Vec<Box<dyn Peer + '_>> = vec![Box::new(gateway::Ours::new(&synapse)?)];
    for peer in [matrix_webhook::MatrixWebhook::install(&synapse), webhook::Webhook::install()] {
        match peer {
            Ok(peer) => peers.push(peer),
            Err(why) => report.fault(&why),
        }
    }
    for peer in &peers {
        report.say(&format!("{}: {}", peer.name(), peer.version()));
    }
    let mut supply = Supply::default();
    rates(&mut peers, &mut supply, is_quick, &mut report)?;
    worths(&mut peers, &mut supply, &mut report)?;
    report.finish()
}

/// As many as each takes, in turns.
fn rates(
    peers: &mut [Box<dyn Peer + '_>],
    supply: &mut Supply,
    is_quick: bool,
    report: &mut Report,
) -> Result<(), String> {
    let (rounds, seconds) = if is_quick { (1, 2) } else { (3, 5) };
    let (warm_up, span) = (Duration::from_millis(500), Duration::from_secs(seconds));
    let plan = Plan { connections: 64, pace: Pace::Closed, warm_up, span };
    let mut rows = vec![Row::new("floor")];
    rows.extend(peers.iter().map(|peer| Row::new(peer.name())));
    for round in 0..rounds {
        for turn in 0..rows.len() {
            let number = (round + turn) % rows.len();
            let deliveries = supply.next(plan.deliveries(), BODY, SECRET);
            let load = match number.checked_sub(1) {
                None => {
                    let floor = Floor::start();
                    plan.load(floor.target(), &deliveries, Some(floor.pid()))?
                }
                Some(peer) => {
                    let peer = &mut peers[peer];
                    peer.start()?;
                    let before = peer.shown();
                    let load = plan.load(&peer.target()?, &deliveries, Some(peer.pid()))?;
                    settle(&**peer, before + load.figures.accepted);
                    peer.kill9();
                    load
                }
            };
            rows[number].rounds.push(load);
        }
    }
    const TITLE: &str = "Closed loop, 64 connections";
    report.compare(TITLE, TITLE, &rows, &[&rows[0]]);
    println!();
    Ok(())
}

/// What an answer is worth.
fn worths(peers: &mut [Box<dyn Peer + '_>], supply: &mut Supply, report: &mut Report) -> Result<(), String> {
    for peer in peers {
        peer.start()?;
        settle(&**peer, 0);
        let forged = forged(&**peer, supply)?;
        let twice = twice(&**peer, supply)?;
        let killed = killed(&mut **peer, supply)?;
        let is_kept = (forged.shown, twice.shown, killed.lost()) == (0, 1, 0);
        let [forged, twice, killed] = [forged, twice, killed].map(|worth| worth.words(peer.effect()));
        report.say(&format!("  {:<14} forged: {forged}; twice: {twice}; kill -9: {killed}", peer.name()));
        if let Some(repeats) = peer.repeats() {
            report.expect(is_kept && repeats == 0, || {
                format!("its promise is broken; {repeats} were said again")
            });
        }
    }
    Ok(())
}

/// What was answered, and what came of it.
struct Worth {
    answers: String,
    answered: u64,
    shown: u64,
}

impl Worth {
    const fn lost(&self) -> u64 {
        self.answered.saturating_sub(self.shown)
    }

    fn words(&self, effect: &str) -> String {
        let lost = if self.lost() > 0 { format!(", {} lost", self.lost()) } else { String::new() };
        format!("{}, {} {effect}{lost}", self.answers, self.shown)
    }
}

/// A delivery that somebody else has signed.
fn forged(peer: &dyn Peer, supply: &mut Supply) -> Result<Worth, String> {
    let before = peer.shown();
    let status = post(peer, &supply.next(1, BODY, "a-secret-that-nobody-has-told-it"))?;
    let shown = settle(peer, 0).saturating_sub(before);
    Ok(Worth { answers: format!("answered {status}"), answered: 0, shown })
}

/// The same delivery once more, as after an answer that was lost.
fn twice(peer: &dyn Peer, supply: &mut Supply) -> Result<Worth, String> {
    let before = peer.shown();
    let delivery = supply.next(1, BODY, SECRET);
    let [first, second] = [post(peer, &delivery)?, post(peer, &delivery)?];
    let shown = settle(peer, before + 1).saturating_sub(before);
    Ok(Worth { answers: format!("answered {first} and {second}"), answered: 1, shown })
}

/// SIGKILL under load, and a start again: what was answered 2xx before it, and what shows of that.
fn killed(peer: &mut dyn Peer, supply: &mut Supply) -> Result<Worth, String> {
    let before = peer.shown();
    let span = Duration::from_secs(60);
    let plan = Plan { connections: 64, pace: Pace::Closed, warm_up: Duration::ZERO, span };
    let deliveries = supply.next(60_000, BODY, SECRET);
    let target = peer.target()?;
    let load = thread::scope(|scope| {
        let load = scope.spawn(|| plan.load(&target, &deliveries, None));
        thread::sleep(Duration::from_secs(2));
        peer.kill9();
        load.join().map_err(|_| "the load failed".to_owned())?
    })?;
    peer.start()?;
    let answered = load.figures.accepted;
    let shown = settle(peer, before + answered).saturating_sub(before);
    peer.kill9();
    Ok(Worth { answers: format!("{answered} answered 2xx before it"), answered, shown })
}

/// The status that it answers.
fn post(peer: &dyn Peer, deliveries: &Deliveries) -> Result<u16, String> {
    let target = peer.target()?;
    let (headers, body) = deliveries.delivery(0);
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = http::send("POST", &format!("http://{}{}", target.address, target.path), &headers, &body);
    answer.map(|answer| answer.status).map_err(|e| format!("{} does not answer: {e}", peer.name()))
}

/// Waits until at least so many have shown and no more come, but not for ever; how many those are.
fn settle(peer: &dyn Peer, at_least: u64) -> u64 {
    let end = Instant::now() + SHOWN_WITHIN;
    let (mut shown, mut since) = (peer.shown(), Instant::now());
    while Instant::now() < end {
        let patience = if shown >= at_least { SETTLED } else { SETTLED * 4 };
        if since.elapsed() > patience {
            break;
        }
        thread::sleep(Duration::from_millis(200));
        let now = if peer.is_busy() { shown } else { peer.shown() };
        if now != shown || peer.is_busy() {
            (shown, since) = (now, Instant::now());
        }
    }
    shown
}
