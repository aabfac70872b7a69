//! How does a gateway come back from an outage? Many deliveries wait in several rooms, and then the homeserver answers.

use std::collections::HashMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use meshhook_testkit::load::{Pace, keys, owes, resident};
use meshhook_testkit::{Endpoint, Event, Fault, Gateway, Homeserver};

use crate::accept::target;
use crate::measure::{Plan, Supply};
use crate::report::Report;
use crate::words::{count, mib, thousands};

const ROOMS: u64 = 5;

/// Bodies are short: before anything is drained they have been read, and are gone.
const BODY: usize = 2 << 10;

/// How often memory is looked at.
const SAMPLE: Duration = Duration::from_millis(200);

/// The whole drain takes no longer; also that it begins may take a minute, by then the gateway asks so seldom.
const WITHIN: Duration = Duration::from_secs(400);

/// All that a gateway asks a homeserver of.
const ASKED: [Endpoint; 6] = [
    Endpoint::Versions,
    Endpoint::Whoami,
    Endpoint::JoinedRooms,
    Endpoint::State,
    Endpoint::Messages,
    Endpoint::Send,
];

pub(crate) fn run(is_quick: bool) -> Result<bool, String> {
    let each = if is_quick { 1_000 } else { 20_000 };
    let mut report = Report::new("drain");
    let homeserver = Homeserver::start();
    ASKED.iter().for_each(|asked| homeserver.fail(*asked, Fault::dropped()));
    let mut gateway = gateway(&homeserver)?;
    report.say(&format!("{} deliveries wait in {ROOMS} rooms:", count(each * ROOMS)));
    let accepted = accept(&gateway, each)?;
    report.expect(accepted == each * ROOMS, || format!("{} of them were accepted", count(accepted)));
    ASKED.iter().for_each(|asked| homeserver.mend(*asked));
    match drain(&gateway, &homeserver) {
        Some(drained) => report.say(&drained.line(accepted)),
        None => report.fault(&format!("not all was said within {} s", WITHIN.as_secs())),
    }
    gateway.stop();
    said_once(&gateway, &homeserver, &mut report);
    report.finish()
}

/// The secret of a source, and its room.
fn source(number: u64) -> (String, String) {
    let secret = format!("a-secret-of-more-than-sixteen-{number}");
    (secret, format!("!room{number}:{}", Homeserver::SERVER_NAME))
}

fn gateway(homeserver: &Homeserver) -> Result<Gateway, String> {
    let mut builder = Gateway::builder(&homeserver.url(), Homeserver::ROOM, &homeserver.user().token);
    for number in 0..ROOMS {
        let (secret, room) = source(number);
        homeserver.add_room(&room);
        builder = builder.source(&format!("ci{number}"), "github", &secret);
        builder = builder.in_source(&format!("room = \"{room}\""));
    }
    builder.start().map_err(|failure| failure.to_string())
}

/// Posts to each source; how many were accepted.
fn accept(gateway: &Gateway, each: u64) -> Result<u64, String> {
    let mut supply = Supply::default();
    let plan =
        Plan { connections: 64, pace: Pace::Closed, warm_up: Duration::ZERO, span: Duration::from_secs(120) };
    let mut accepted = 0;
    for number in 0..ROOMS {
        let deliveries = supply.next(each, BODY, &source(number).0);
        let target = target(&gateway.hook_url(&format!("ci{number}")))?;
        accepted += plan.load(&target, &deliveries, None)?.figures.accepted;
    }
    Ok(accepted)
}

/// How it went.
struct Drained {
    /// From the first message to the last.
    took: Duration,
    messages: usize,
    /// Resident before the first message, at most until the last, and then, in bytes.
    memory: Option<[u64; 3]>,
}

/// Looks on until nothing is owed any more.
fn drain(gateway: &Gateway, homeserver: &Homeserver) -> Option<Drained> {
    let said = || (0..ROOMS).map(|number| homeserver.count(&source(number).1)).sum::<usize>();
    let memory = || resident(gateway.pid()).map(|memory| memory.now);
    let (start, before) = (Instant::now(), memory());
    let (mut first, mut most) = (None, before);
    while start.elapsed() < WITHIN {
        sleep(SAMPLE);
        most = most.max(memory());
        let messages = said();
        if messages > 0 {
            first.get_or_insert_with(Instant::now);
        }
        if messages > 0 && !owes(&gateway.store_dir()) {
            let memory = before.zip(most).zip(memory()).map(|((before, most), after)| [before, most, after]);
            return Some(Drained { took: first?.elapsed(), messages: said(), memory });
        }
    }
    None
}

impl Drained {
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    fn line(&self, deliveries: u64) -> String {
        let seconds = self.took.max(SAMPLE).as_secs_f64();
        let memory = self.memory.map_or("this system does not tell of memory".to_owned(), |all| {
            let [before, most, after] = all;
            let grown = most as f64 / before as f64;
            format!(
                "resident {} before, {} at most ({grown:.2} ×), {} after",
                mib(before),
                mib(most),
                mib(after)
            )
        });
        format!(
            "  drained in {seconds:.1} s: {} deliveries/s, {} messages/s, {:.1} deliveries a message; {memory}",
            thousands(deliveries as f64 / seconds),
            thousands(self.messages as f64 / seconds),
            deliveries as f64 / self.messages as f64,
        )
    }
}

/// Whether each key on record is in the rooms, and once.
fn said_once(gateway: &Gateway, homeserver: &Homeserver, report: &mut Report) {
    let events: Vec<_> = (0..ROOMS).flat_map(|number| homeserver.events(&source(number).1)).collect();
    let mut said = HashMap::<&str, u64>::new();
    events.iter().flat_map(Event::keys).for_each(|key| *said.entry(key).or_default() += 1);
    let on_record = keys(&gateway.store_dir());
    let missing = on_record.iter().filter(|key| !said.contains_key(key.as_str())).count();
    let doubled = said.values().filter(|times| **times > 1).count();
    report.expect(missing == 0, || format!("{missing} deliveries are in no room"));
    report.expect(doubled == 0, || format!("{doubled} deliveries are there more than once"));
    if missing + doubled == 0 {
        report.say(&format!("  each of {} keys is in its room once", count(on_record.len() as u64)));
    }
}
