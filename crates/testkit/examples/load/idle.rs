//! What does a gateway do that has nothing to do? Three rooms, a homeserver that answers, and nobody who posts.

use std::thread::sleep;
use std::time::Duration;

use meshhook_testkit::load::{Floor, Resident, Wakes, resident};
use meshhook_testkit::{Gateway, Homeserver, eventually};

use crate::report::Report;
use crate::words::mib;

/// What a start leads to is over by then.
const QUIET: Duration = Duration::from_secs(10);

const READY_WITHIN: Duration = Duration::from_secs(20);

pub(crate) fn run(is_quick: bool) -> Result<bool, String> {
    let span = Duration::from_secs(if is_quick { 30 } else { 60 });
    let mut report = Report::new("idle");
    let homeserver = Homeserver::start();
    let gateway = gateway(&homeserver)?;
    let floor = Floor::start();
    eventually(READY_WITHIN, || (gateway.metric("meshhook_sending") == Some(1.0)).then_some(()));
    sleep(QUIET);
    let before = [gateway.pid(), floor.pid()].map(Wakes::of);
    sleep(span);
    let after = [gateway.pid(), floor.pid()].map(Wakes::of);
    report.say(&format!("Idle for {} s, after {} s of quiet:", span.as_secs(), QUIET.as_secs()));
    let names = [("gateway", gateway.pid()), ("floor", floor.pid())];
    for ((name, pid), (before, after)) in names.into_iter().zip(before.iter().zip(&after)) {
        match (before, after, resident(pid)) {
            (Some(before), Some(after), Some(memory)) => {
                report.say(&line(name, &after.since(before), span, memory));
            }
            _ => report.fault(&format!("{name}: this system does not tell of its threads")),
        }
    }
    let is_up = gateway.metric("meshhook_sending") == Some(1.0);
    report.expect(is_up, || "the gateway does not reach its homeserver any more".to_owned());
    report.finish()
}

fn gateway(homeserver: &Homeserver) -> Result<Gateway, String> {
    let mut builder = Gateway::builder(&homeserver.url(), Homeserver::ROOM, &homeserver.user().token);
    for name in ["one", "two", "three"] {
        let room = format!("!{name}:{}", Homeserver::SERVER_NAME);
        homeserver.add_room(&room);
        builder = builder.source(name, "github", &format!("a-secret-of-more-than-sixteen-{name}"));
        builder = builder.in_source(&format!("room = \"{room}\""));
    }
    builder.start().map_err(|failure| failure.to_string())
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn line(
    name: &str,
    woken: &std::collections::BTreeMap<String, u64>,
    span: Duration,
    memory: Resident,
) -> String {
    let a_second = |count: u64| format!("{:.2}", count as f64 / span.as_secs_f64());
    let threads: Vec<_> = woken.iter().map(|(name, count)| format!("{name} {}", a_second(*count))).collect();
    format!(
        "  {name:<8} wakes {}/s ({})  resident {}, at most {}",
        a_second(woken.values().sum()),
        threads.join(", "),
        mib(memory.now),
        mib(memory.peak)
    )
}
