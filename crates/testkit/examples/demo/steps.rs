//! What happens in the demo, whoever speaks: builds, a forgery, a SIGKILL, repeats, and the count.

use std::thread;
use std::time::Duration;

use meshhook_testkit::{Gateway, StartFailure, try_for};

use crate::builds;
use crate::ci::{Answers, Ci};
use crate::report::Report;
use crate::room::{self, Room};

/// Long for a message, short for a person.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The builds of three machines, from the first POST to the last but one, with all that befalls them; what was answered
/// at first, and to the repeats.
pub(crate) fn build(
    report: &mut Report,
    gateway: &mut Gateway,
    ci: &Ci,
    room: &Room<'_>,
) -> Result<(Answers, Answers), StartFailure> {
    let mut answers = queue(report, gateway, ci, room);
    forge(report, gateway, ci);
    answers.extend(build_and_kill(report, gateway, ci, room)?);
    let repeats = repeat(report, gateway, ci, answers.accepted());
    answers.extend(finish(report, gateway, ci));
    Ok((answers, repeats))
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
pub(crate) fn compare(report: &mut Report, room: &Room<'_>, answers: &Answers, repeats: &Answers) {
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
}
