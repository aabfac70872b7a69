//! A disk that answers late, or not while anybody waits: here because another program holds the database.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use meshhook_testkit::{Gateway, eventually, try_for};
use rusqlite::Connection;

use crate::ledger::{Ledger, promises_nothing};
use crate::rig::{SOON, build, build_headers, started};
use crate::wire::{connect, head};

/// Holds the gateway's database until it is dropped.
struct Held {
    _writer: Connection,
}

impl Held {
    fn begin(gateway: &Gateway) -> Self {
        let other = Connection::open(gateway.store_dir().join("meshhook.db")).unwrap();
        other.busy_timeout(Duration::from_secs(5)).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        Self { _writer: other }
    }
}

/// Posts while the database is held for so long; the status, and when it came.
fn post_while_held(ledger: &mut Ledger, gateway: &Gateway, run: &str, held: Duration) -> (u16, Duration) {
    let other = Held::begin(gateway);
    scope(|scope| {
        scope.spawn(|| {
            let other = other;
            sleep(held);
            drop(other);
        });
        let start = Instant::now();
        let answer = ledger.post(gateway, run);
        (answer.status, start.elapsed())
    })
}

#[test]
fn a_short_stall_is_waited_out() {
    let (homeserver, gateway) = started();
    let mut ledger = Ledger::default();
    ledger.take(&gateway, "first");
    let (status, took) = post_while_held(&mut ledger, &gateway, "1", Duration::from_secs(2));
    assert_eq!(status, 202);
    assert!(took >= Duration::from_millis(1500), "{took:?}");
    assert_eq!(ledger.balance(&gateway, &homeserver).len(), 2);
}

#[test]
fn a_long_stall_is_not_waited_out_and_a_redelivery_is_no_second_message() {
    let (homeserver, gateway) = started();
    let mut ledger = Ledger::default();
    ledger.take(&gateway, "first");
    // The first is given up with its answer. The second waits behind it, and is stored although its sender was told
    // that nothing is promised. The third waits for less than three seconds.
    let other = Held::begin(&gateway);
    let answers = scope(|scope| {
        let posting = [("1", 0), ("2", 1), ("3", 3)].map(|(run, pause)| {
            let gateway = &gateway;
            scope.spawn(move || {
                sleep(Duration::from_secs(pause));
                let mut ledger = Ledger::default();
                let start = Instant::now();
                let answer = ledger.post(gateway, run);
                (answer.status, start.elapsed())
            })
        });
        sleep(Duration::from_secs(5));
        drop(other);
        posting.map(|posting| posting.join().unwrap())
    });
    for (run, (status, took)) in ["1", "2", "3"].iter().zip(answers) {
        ledger.posted(run);
        let expected = if *run == "3" { 202 } else { 503 };
        assert_eq!(status, expected, "{run} after {took:?}");
        assert!(took < Duration::from_millis(4500), "{run} after {took:?}");
    }
    for run in ["1", "2", "3"] {
        ledger.take(&gateway, run);
    }
    assert_eq!(ledger.balance(&gateway, &homeserver).len(), 4);
}

/// Sends a POST and does not wait for its answer.
fn drop_off(ledger: &mut Ledger, gateway: &Gateway, run: &str) {
    let body = build(run, "failed").to_string();
    let mut headers = build_headers(body.as_bytes());
    headers.push(("Content-Length", body.len().to_string()));
    let lines: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut stream = connect(gateway);
    stream.write_all((head("builds", &lines) + &body).as_bytes()).unwrap();
    ledger.posted(run);
}

#[test]
fn no_more_wait_for_the_disk_than_the_queue_has_room_for() {
    let (homeserver, gateway) = started();
    let mut ledger = Ledger::default();
    ledger.take(&gateway, "first");
    let other = Held::begin(&gateway);
    // One batch of 256 is given up every three seconds, and 1,024 wait behind it; two senders come faster.
    let full = AtomicBool::new(false);
    let fill = |name: &str| {
        let mut ledger = Ledger::default();
        for n in (0..).take_while(|_| !full.load(Ordering::Relaxed)) {
            drop_off(&mut ledger, &gateway, &format!("{name}-{n}"));
        }
        ledger
    };
    let dropped = scope(|scope| {
        let filling = ["a", "b"].map(|name| scope.spawn(|| fill(name)));
        let seen =
            try_for(Duration::from_secs(60), || gateway.log().contains("\"queue_full\"").then_some(()));
        full.store(true, Ordering::Relaxed);
        assert!(seen.is_some(), "the queue takes whatever comes");
        filling.map(|filling| filling.join().unwrap())
    });
    dropped.into_iter().for_each(|dropped| ledger.add(dropped));
    promises_nothing(&ledger.post(&gateway, "late"));
    drop(other);
    eventually(SOON, || (gateway.admin_get("/readyz").status == 200).then_some(()));
    ledger.take(&gateway, "late");
    ledger.balance(&gateway, &homeserver);
}
