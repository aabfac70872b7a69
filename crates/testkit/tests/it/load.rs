//! The load, on the real gateway: what it says was accepted is in the store.

use std::collections::BTreeSet;
use std::ops::Range;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use meshhook_testkit::load::{
    Deliveries, Figures, Floor, Load, Pace, Synced, Target, expire, forget_what_waits, keep_on, keys,
    multiply, owes, schema, stored,
};
use meshhook_testkit::{Endpoint, Fault, Gateway, Homeserver, eventually, free_port};
use serde_json::json;

const SECRET: &str = "a-secret-of-thirty-two-characters";

/// A gateway on SQLite whose homeserver is dead; how many are in its store after a load, and what the load says.
fn load(pace: Pace, connections: usize, count: u64, signed_with: &str) -> (u64, Figures) {
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let gateway = Gateway::builder(&nobody, Homeserver::ROOM, "syt_x").source("github", "github", SECRET);
    let mut gateway = gateway.start().unwrap();
    let address = gateway.url().trim_start_matches("http://").parse().unwrap();
    let target = Target { address, path: "/hooks/matrix/build-status/github".to_owned() };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let deliveries = Deliveries::new(0..count, 20 << 10, signed_with, now.try_into().unwrap());
    let (warm_up, span) = (Duration::from_millis(100), Duration::from_secs(1));
    let figures =
        Load { target: &target, deliveries: &deliveries, connections, pace, warm_up, span }.run().unwrap();
    gateway.stop();
    (stored(&gateway.store_dir()), figures)
}

#[test]
fn what_was_accepted_is_in_the_store_and_nothing_else() {
    let (stored, figures) = load(Pace::Closed, 64, 20_000, SECRET);
    assert!(figures.is_clean(), "{figures:?}");
    assert_eq!(stored, figures.accepted);
    assert!(stored > 64, "each connection is used again: {stored}");
    assert!(figures.rate() > 0.0 && figures.percentile(50.0) <= figures.percentile(99.0));
}

#[test]
fn an_open_loop_sends_what_was_planned() {
    let (stored, figures) = load(Pace::Open { rate: 50 }, 4, 100, SECRET);
    assert!(figures.is_clean(), "{figures:?}");
    // 1.1 seconds of them.
    assert_eq!((stored, figures.accepted), (55, 55));
}

#[test]
fn what_is_refused_is_no_figure_of_speed() {
    let (stored, figures) = load(Pace::Open { rate: 50 }, 4, 20, "another-secret-of-just-that-length");
    assert_eq!((stored, figures.accepted), (0, 0));
    assert_eq!(figures.refused.values().sum::<u64>(), 20);
    assert_eq!((figures.missed, figures.rate(), figures.is_clean()), (35, 0.0, false));
}

#[test]
fn what_the_disks_floor_answered_is_in_its_file_whenever_it_is_killed() {
    let floor = Floor::start_on_disk(2 << 10);
    let target = floor.target().clone();
    let deliveries = Deliveries::new(0..20_000, 1 << 10, SECRET, 1_795_413_600);
    let (warm_up, span) = (Duration::ZERO, Duration::from_millis(500));
    let load =
        Load { target: &target, deliveries: &deliveries, connections: 64, pace: Pace::Closed, warm_up, span };
    let accepted = load.run().unwrap().accepted;
    let begun = thread::spawn(move || {
        Load { target: &target, deliveries: &deliveries, connections: 64, pace: Pace::Closed, warm_up, span }
            .run()
            .unwrap()
    });
    thread::sleep(Duration::from_millis(100));
    let recorded = floor.kill9().unwrap();
    let figures = begun.join().unwrap();
    let answered = accepted + figures.accepted;
    assert!(figures.accepted > 0 && figures.unanswered > 0, "{figures:?}");
    assert!((answered..=answered + 64).contains(&recorded), "{recorded} for {answered} answers");
}

#[test]
fn the_disks_floor_says_how_many_answers_shared_a_sync() {
    let floor = Floor::start_on_disk(2 << 10);
    let deliveries = Deliveries::new(0..200, 1 << 10, SECRET, 1_795_413_600);
    let (warm_up, span) = (Duration::ZERO, Duration::from_secs(5));
    let load = Load {
        target: floor.target(),
        deliveries: &deliveries,
        connections: 64,
        pace: Pace::Closed,
        warm_up,
        span,
    };
    let figures = load.run().unwrap();
    let Synced { records, syncs } = floor.end().unwrap();
    assert!(figures.is_clean() && figures.accepted == 200, "{figures:?}");
    assert!(records == 200 && syncs < 200, "{syncs}");
}

/// A gateway that has said some deliveries, alone and together, and was stopped.
fn gateway_that_said(count: u64) -> Gateway {
    let homeserver = Homeserver::start();
    let gateway = Gateway::builder(&homeserver.url(), Homeserver::ROOM, &homeserver.user().token);
    let gateway = gateway.source("github", "github", SECRET).line("message", "digest = { behind = \"1s\" }");
    let mut gateway = gateway.start().unwrap();
    homeserver.fail(Endpoint::Send, Fault::slow(Duration::from_millis(200)));
    let accepted = post(&gateway, 0..count);
    assert_eq!(accepted, count);
    eventually(Duration::from_secs(30), || (!owes(&gateway.store_dir())).then_some(()));
    let events = homeserver.events(Homeserver::ROOM);
    assert!(events.len() > 1 && events.iter().any(|event| event.keys().count() > 1), "{}", events.len());
    gateway.stop();
    gateway
}

fn post(gateway: &Gateway, numbers: Range<u64>) -> u64 {
    let address = gateway.url().trim_start_matches("http://").parse().unwrap();
    let target = Target { address, path: "/hooks/matrix/build-status/github".to_owned() };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let deliveries = Deliveries::new(numbers, 2 << 10, SECRET, now.try_into().unwrap());
    let (warm_up, span) = (Duration::ZERO, Duration::from_secs(30));
    let load =
        Load { target: &target, deliveries: &deliveries, connections: 8, pace: Pace::Closed, warm_up, span };
    load.run().unwrap().accepted
}

#[test]
fn a_store_that_was_filled_is_one_that_a_gateway_could_have_written() {
    let mut gateway = gateway_that_said(120);
    let file = gateway.store_dir().join("meshhook.db");
    let before = schema(&file).unwrap();
    let filled = multiply(&file, 1_000).unwrap();
    assert_eq!((filled, stored(&gateway.store_dir())), (1_080, 1_080));
    assert_eq!(schema(&file).unwrap(), before, "its indexes are back");
    let all: BTreeSet<_> = keys(&gateway.store_dir()).into_iter().collect();
    assert_eq!(all.len(), 1_080);
    gateway.restart().unwrap();
    let audit = gateway.admin_get("/deliveries/audit").ok();
    assert_eq!(
        (&audit["breaches"], &audit["looked_at"]["deliveries"]),
        (&json!([]), &json!(1_080)),
        "{audit}"
    );
}

#[test]
fn what_was_filled_expires_and_what_came_since_is_taken_out_again() {
    let mut gateway = gateway_that_said(120);
    let (folder, file) = (gateway.store_dir(), gateway.store_dir().join("meshhook.db"));
    multiply(&file, 500).unwrap();
    gateway.restart().unwrap();
    assert_eq!(post(&gateway, 1_000..1_050), 50);
    gateway.stop();
    assert_eq!((stored(&folder), owes(&folder)), (650, true));
    assert_eq!(forget_what_waits(&file).unwrap(), 50);
    assert_eq!((stored(&folder), owes(&folder)), (600, false));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap();
    assert_eq!(expire(&file, 100, now).unwrap(), 100);
    assert_eq!(keep_on(&file, now).unwrap(), 100);
    assert_eq!((expire(&file, 30, now).unwrap(), keep_on(&file, now).unwrap()), (30, 30));
    gateway.restart().unwrap();
    let audit = gateway.admin_get("/deliveries/audit").ok();
    assert_eq!(audit["breaches"], json!([]), "{audit}");
}
