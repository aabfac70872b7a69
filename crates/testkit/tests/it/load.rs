//! The load, on the real gateway: what it says was accepted is in the store.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use meshhook_testkit::load::{Deliveries, Figures, Floor, Load, Pace, Synced, Target, stored};
use meshhook_testkit::{Gateway, Homeserver, free_port};

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
