//! From a signed POST to a room of a real Synapse: the builds of three machines, repeats, a forgery and a SIGKILL.
//!
//! `cargo xtask demo` builds the gateway and runs this. It ends with exit code 1 when a check fails.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a demo shows what it does")]

mod builds;
mod ci;
mod keep;
mod report;
mod room;

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use meshhook_testkit::{Gateway, StartFailure, Synapse, try_for};

use ci::{Answers, Ci};
use report::Report;
use room::Room;

/// Long for a message, short for a person.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let keep = arguments == ["--keep"];
    if !keep && !arguments.is_empty() {
        eprintln!("usage: cargo xtask demo [--keep]");
        return ExitCode::from(2);
    }
    let mut report = Report::default();
    match perform(&mut report, keep) {
        Ok(()) => report.verdict(),
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn perform(report: &mut Report, keep: bool) -> Result<(), StartFailure> {
    report.step("A Synapse on loopback, with a bot, an observer and a room");
    let synapse = Synapse::start();
    let (room, bot) = Room::create(&synapse);
    report.note(&format!("{} · {} · {}", synapse.url(), bot.id, room.id));

    report.step("The gateway, with its store in SQLite");
    let mut gateway = Gateway::builder(&synapse.url(), &room.id, &bot.token)
        .source(builds::GITHUB, "github", ci::GITHUB_SECRET)
        .source(builds::OWN, "standard", ci::OWN_SECRET)
        .start()?;
    report.note(&format!("{} · admin {}", gateway.url(), gateway.admin_url()));

    let ci = Ci::now();
    let mut answers = queue(report, &gateway, &ci, &room);
    forge(report, &gateway, &ci);
    answers.extend(build_and_kill(report, &mut gateway, &ci, &room)?);
    let repeats = repeat(report, &gateway, &ci, answers.accepted());
    answers.extend(finish(report, &gateway, &ci));
    compare(report, &room, &answers, &repeats);
    room.print();
    if keep {
        keep::until_told(&room, &gateway);
    }
    Ok(())
}

fn queue(report: &mut Report, gateway: &Gateway, ci: &Ci, room: &Room<'_>) -> Answers {
    report.step("Three runs are queued, and three machines pick them up");
    let answers = ci.post_all(gateway, &builds::waiting(ci.now));
    report.note(&answers.to_string());
    report.check(
        "the runs are accepted, durably; the jobs only tell the machine",
        answers.are(&[("accepted", 3), ("ignored", 3)]),
    );
    report.check("their messages come", room.within(PATIENCE, answers.accepted()));
    answers
}

fn forge(report: &mut Report, gateway: &Gateway, ci: &Ci) {
    report.step("Someone else posts too");
    let post = builds::last(ci.now);
    report.check("signed with another secret: 401", ci.post_forged(gateway, &post) == 401);
    report.check("signed, then one byte changed: 401", ci.post_changed(gateway, &post) == 401);
    report.check("not signed at all: 401", ci.post_unsigned(gateway, &post) == 401);
}

fn build_and_kill(
    report: &mut Report,
    gateway: &mut Gateway,
    ci: &Ci,
    room: &Room<'_>,
) -> Result<Answers, StartFailure> {
    report.step("Everything builds at once, and the gateway is killed (SIGKILL) while it sends");
    let before = room.keys();
    let answers = post_side_by_side(gateway, ci);
    report.note(&answers.to_string());
    room.within(PATIENCE, before + 1);
    gateway.kill9();
    let (all, shown) = (before + answers.accepted(), room.keys());
    report.check(&format!("in the middle: {shown} of {all} are in the room"), shown < all);
    gateway.restart()?;
    report.check("after a restart all are", room.within(PATIENCE, all));
    let settled = try_for(PATIENCE, || (sent(gateway) == all).then_some(())).is_some();
    report.check("the gateway can tell the event of each", settled);
    Ok(answers)
}

/// How many deliveries the admin listener shows as sent.
fn sent(gateway: &Gateway) -> usize {
    let page = gateway.admin_get("/deliveries?status=sent&limit=500").ok();
    page["deliveries"]
        .as_array()
        .map_or(0, |deliveries| deliveries.iter().filter(|d| d["event_id"].is_string()).count())
}

/// The builds side by side, the states of each one after the other.
fn post_side_by_side(gateway: &Gateway, ci: &Ci) -> Answers {
    let builds = builds::building(ci.now);
    thread::scope(|scope| {
        let posting: Vec<_> =
            builds.iter().map(|build| scope.spawn(|| ci.post_all(gateway, build))).collect();
        let mut answers = Answers::default();
        for build in posting {
            answers.extend(build.join().expect("a thread that posts has panicked"));
        }
        answers
    })
}

fn repeat(report: &mut Report, gateway: &Gateway, ci: &Ci, accepted: usize) -> Answers {
    report.step("Everything is sent a second time");
    let mut answers = ci.post_all(gateway, &builds::waiting(ci.now));
    for build in builds::building(ci.now) {
        answers.extend(ci.post_all(gateway, &build));
    }
    report.note(&answers.to_string());
    report.check("nothing is accepted again", answers.accepted() == 0);
    report
        .check("each duplicate is told the event of the first", answers.duplicates_with_event() == accepted);
    answers
}

fn finish(report: &mut Report, gateway: &Gateway, ci: &Ci) -> Answers {
    report.step("The last build ends");
    let answers = ci.post_all(gateway, &[builds::last(ci.now)]);
    report.check("it is accepted", answers.accepted() == 1);
    answers
}

/// One message is in hand per room: when the last is there, nothing can come after it.
fn compare(report: &mut Report, room: &Room<'_>, answers: &Answers, repeats: &Answers) {
    report.step("The room, as Synapse gives it back to the observer");
    let accepted = answers.accepted();
    report.check("the last message comes", room.within(PATIENCE, accepted));
    let lines = room.lines();
    let keys = room::keys(&lines);
    report.check(
        &format!("{accepted} accepted, {} in the room: nothing lost", keys.len()),
        keys.len() == accepted,
    );
    let unrepeated = room::no_repeats(&keys) && lines.iter().all(room::has_keys);
    report.check(&format!("{} duplicates, none in the room", repeats.count("duplicate")), unrepeated);
    let harm = lines.iter().find_map(room::harm);
    report.check(
        "hostile names are text: no markup, no mention, no command, no link to matrix.to",
        harm.is_none(),
    );
    if let Some(harm) = harm {
        report.note(&harm);
    }
    let named =
        |machine: &&str| lines.iter().any(|line| line.body().is_some_and(|body| body.contains(*machine)));
    report.check("every machine is named", ["mac-01", "mac-02", "mac-03"].iter().all(named));
}
