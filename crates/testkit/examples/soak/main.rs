//! Does what was answered 202 reach the room, once, whatever dies? Everything goes wrong, for as long as you like.
//!
//! `cargo xtask soak` builds the gateway and runs this. It ends with exit code 1 when a figure is not what it must be.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it speaks to the person who ran it")]

mod arguments;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use meshhook_testkit::StartFailure;
use meshhook_testkit::soak::{
    Account, Forgotten, Killed, Limited, Report, Storm, both_killed, forgotten, limited, storm,
};

use arguments::Arguments;

/// A scenario, by the words that it is announced with.
struct Scenario {
    name: &'static str,
    play: fn(&Arguments, Instant) -> Result<Report, StartFailure>,
}

const SCENARIOS: [Scenario; 8] = [
    Scenario { name: "every fault on, before a scripted homeserver", play: every_fault },
    Scenario { name: "the same with cards, a fifth as long", play: cards },
    Scenario { name: "the same with threads, a fifth as long", play: threads },
    Scenario { name: "the same as an application service, a fifth as long", play: service },
    Scenario { name: "the gateway and a real Synapse, both killed", play: both },
    Scenario { name: "an application service and its Synapse, both killed", play: both_of_service },
    Scenario { name: "a real Synapse with its default rate limits", play: limits },
    Scenario { name: "a day's outage, transaction ids forgotten; new logins", play: outage },
];

fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(why) => {
            eprintln!("{why}\n{}", arguments::USAGE);
            return ExitCode::from(2);
        }
    };
    println!(
        "Seed {}. At most {} minutes, and what is left to deliver then.",
        arguments.seed, arguments.minutes
    );
    let until = Instant::now() + Duration::from_secs(60 * arguments.minutes);
    let wanted = || SCENARIOS.iter().filter(|scenario| scenario.name.contains(&arguments.only));
    let verdicts: Vec<Verdict> = wanted().map(|scenario| perform(scenario, &arguments, until)).collect();
    println!();
    for (scenario, verdict) in wanted().zip(&verdicts) {
        println!("  {:<29} {}", verdict.word(), scenario.name);
    }
    if verdicts.contains(&Verdict::Wrong) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// What a scenario comes to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Sound,
    Wrong,
    LeftOut,
}

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Sound => "as it must be",
            Self::Wrong => "WRONG",
            Self::LeftOut => "left out: the time was over",
        }
    }
}

/// Plays a scenario and prints its figures.
fn perform(scenario: &Scenario, arguments: &Arguments, until: Instant) -> Verdict {
    if Instant::now() >= until {
        return Verdict::LeftOut;
    }
    println!("\nNow: {} …", scenario.name);
    let start = Instant::now();
    match (scenario.play)(arguments, until) {
        Ok(report) => {
            println!("{report}   {:<46} {:>10}", "seconds in all", start.elapsed().as_secs());
            if report.is_sound() { Verdict::Sound } else { Verdict::Wrong }
        }
        Err(failure) => {
            println!("{failure}");
            Verdict::Wrong
        }
    }
}

fn every_fault(arguments: &Arguments, until: Instant) -> Result<Report, StartFailure> {
    storm_over(arguments, Account::Bot, arguments.kills, "lines", until)
}

fn cards(arguments: &Arguments, until: Instant) -> Result<Report, StartFailure> {
    storm_over(arguments, Account::Bot, arguments.kills.div_ceil(5), "card", until)
}

fn threads(arguments: &Arguments, until: Instant) -> Result<Report, StartFailure> {
    storm_over(arguments, Account::Bot, arguments.kills.div_ceil(5), "thread", until)
}

fn service(arguments: &Arguments, until: Instant) -> Result<Report, StartFailure> {
    storm_over(arguments, Account::Service, arguments.kills.div_ceil(5), "lines", until)
}

fn storm_over(
    arguments: &Arguments,
    account: Account,
    kills: u32,
    timeline: &'static str,
    until: Instant,
) -> Result<Report, StartFailure> {
    let seed = arguments.seed;
    storm(&Storm { account, seed, kills, rooms: 24, senders: 6, timeline, until, long: true })
}

fn both(arguments: &Arguments, until: Instant) -> Result<Report, StartFailure> {
    both_over(arguments, Account::Bot, until)
}

fn both_of_service(arguments: &Arguments, until: Instant) -> Result<Report, StartFailure> {
    both_over(arguments, Account::Service, until)
}

/// For every 500 kills in the first scenario 30 of the gateway and 10 of Synapse.
fn both_over(arguments: &Arguments, account: Account, until: Instant) -> Result<Report, StartFailure> {
    let Arguments { seed, kills, .. } = *arguments;
    let (gateways, synapses) = ((kills * 3).div_ceil(50), kills.div_ceil(50));
    both_killed(&Killed { account, seed, gateways, synapses, rooms: 8, senders: 4, until })
}

fn limits(_: &Arguments, _: Instant) -> Result<Report, StartFailure> {
    limited(&Limited { runs: 200, within: Duration::from_secs(10) })
}

fn outage(arguments: &Arguments, until: Instant) -> Result<Report, StartFailure> {
    let seed = arguments.seed;
    forgotten(&Forgotten { seed, outages: 5, logins: 2, rooms: 4, senders: 4, until })
}
