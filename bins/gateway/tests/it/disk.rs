//! A disk that is full: by a limit on the size of files, which needs no other rights and can be lifted again.

use std::time::Duration;

use meshhook_testkit::{Gateway, Homeserver, eventually};

use crate::ledger::{Ledger, promises_nothing};
use crate::rig::{SOON, build, post_build};
use crate::wrapped::{after, first};

/// Posts until nothing is taken any more.
#[track_caller]
fn fill(ledger: &mut Ledger, gateway: &Gateway, name: &str) {
    let mut refused = 0;
    for n in 0..2000 {
        let answer = ledger.post(gateway, &format!("{name}-{n}"));
        refused = if answer.status == 503 { refused + 1 } else { 0 };
        if refused == 10 {
            return;
        }
    }
    panic!("the disk does not get full");
}

#[track_caller]
fn is_not_ready(gateway: &Gateway) {
    let ready = gateway.admin_get("/readyz");
    assert_eq!((ready.status, &ready.json()["ready"]), (503, &false.into()));
    let why = ready.json()["why"].as_str().unwrap().to_owned();
    assert!(why.contains("the store is full"), "{why}");
    assert_eq!(gateway.admin_get("/livez").status, 200);
    assert!(gateway.admin_get("/metrics").text().contains("meshhook_accepting 0"));
}

#[test]
fn a_full_disk_ends_neither_the_gateway_nor_what_it_took() {
    for signal in ["", "trap '' XFSZ"] {
        let homeserver = Homeserver::start();
        let mut gateway = after(&homeserver, &format!("{signal}\nulimit -f 1000"));
        gateway.restart().unwrap();
        let mut ledger = Ledger::default();
        fill(&mut ledger, &gateway, "full");
        is_not_ready(&gateway);
        assert!(ledger.promised() > 50, "the log is written from its start again: {}", ledger.promised());
        assert_eq!(gateway.stop().unwrap().code(), Some(0));
        first(&gateway, "");
        gateway.restart().unwrap();
        ledger.redeliver(&gateway);
        ledger.balance(&gateway, &homeserver);
    }
}

#[test]
fn a_start_on_a_full_disk_says_so_and_the_next_one_works() {
    let homeserver = Homeserver::start();
    let mut gateway = after(&homeserver, "ulimit -f 64");
    let failure = gateway.restart().unwrap_err();
    assert_eq!(failure.code(), Some(1), "{failure}");
    for words in ["the store is full (", "meshhook.db: ", "\nhint: make room on the disk"] {
        assert!(failure.said.contains(words), "{failure}");
    }
    first(&gateway, "");
    gateway.restart().unwrap();
    assert_eq!(post_build(&gateway, &build("1", "failed")).status, 202);
}

/// On Linux a limit can be changed while the gateway runs.
#[cfg(target_os = "linux")]
mod while_it_runs {
    use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

    use super::*;
    use crate::rig::{said, started};
    use meshhook_testkit::{Endpoint, Fault};

    /// From now on no file of the gateway can be written beyond so many bytes.
    fn limit(gateway: &Gateway, bytes: Option<u64>) {
        let pid = Pid::from_raw(gateway.pid().try_into().unwrap());
        let maximum = getrlimit(Resource::Fsize).maximum;
        prlimit(pid, Resource::Fsize, Rlimit { current: bytes.or(maximum), maximum }).unwrap();
    }

    fn failures(gateway: &Gateway, doing: &str) -> bool {
        let name = format!("meshhook_store_failures_total{{doing=\"{doing}\"}}");
        gateway.admin_get("/metrics").text().contains(&name)
    }

    #[test]
    fn once_there_is_room_again_it_goes_on_by_itself() {
        let (homeserver, gateway) = started();
        let mut ledger = Ledger::default();
        limit(&gateway, Some(600_000));
        fill(&mut ledger, &gateway, "full");
        is_not_ready(&gateway);
        limit(&gateway, None);
        // Nobody has to post for it to notice.
        assert_eq!(gateway.admin_get("/readyz").status, 200);
        ledger.redeliver(&gateway);
        ledger.balance(&gateway, &homeserver);
    }

    /// Wherever in a transaction or in moving the log the disk is full: nothing of it stays, and the next one works.
    #[test]
    fn no_write_that_fails_is_in_the_way_of_the_next() {
        let (homeserver, gateway) = started();
        let mut ledger = Ledger::default();
        let mut refused = 0;
        for step in 0..80 {
            limit(&gateway, Some(step * 1700));
            refused += u32::from(ledger.post(&gateway, &format!("a-{step}")).status == 503);
            limit(&gateway, None);
            ledger.take(&gateway, &format!("b-{step}"));
        }
        assert!(refused > 10, "only {refused} writes failed");
        ledger.balance(&gateway, &homeserver);
    }

    /// Posts one whose event is in the room, while what the homeserver answers cannot be recorded.
    fn unrecorded(ledger: &mut Ledger, homeserver: &Homeserver, gateway: &Gateway) {
        homeserver.fail_once(Endpoint::Send, Fault::slow(Duration::from_secs(1)));
        ledger.take(gateway, "1");
        eventually(SOON, || (!homeserver.requests_for(Endpoint::Send).is_empty()).then_some(()));
        limit(gateway, Some(0));
        eventually(SOON, || failures(gateway, "deliver").then_some(()));
        assert_eq!(said(homeserver.events(Homeserver::ROOM)).len(), 1);
        promises_nothing(&ledger.post(gateway, "2"));
        is_not_ready(gateway);
    }

    #[test]
    fn an_answer_that_cannot_be_recorded_is_no_second_message() {
        let (homeserver, gateway) = started();
        let mut ledger = Ledger::default();
        unrecorded(&mut ledger, &homeserver, &gateway);
        limit(&gateway, None);
        ledger.balance(&gateway, &homeserver);
        let sends = homeserver.requests_for(Endpoint::Send);
        assert!(sends.iter().all(|send| send.target == sends[0].target), "{sends:?}");
    }

    #[test]
    fn an_answer_that_could_not_be_recorded_is_found_by_the_next_process() {
        let (homeserver, mut gateway) = started();
        let mut ledger = Ledger::default();
        unrecorded(&mut ledger, &homeserver, &gateway);
        gateway.kill9();
        gateway.restart().unwrap();
        ledger.balance(&gateway, &homeserver);
        let sent = gateway.admin_get("/deliveries?status=sent").ok();
        let life =
            gateway.admin_get(&format!("/deliveries/{}", sent["deliveries"][0]["id"].as_str().unwrap()));
        let attempts = life.ok()["message"]["attempts"].clone();
        assert_eq!(attempts.as_array().unwrap().last().unwrap()["result"], "found", "{attempts}");
    }

    /// Who reads for long, such as a backup, keeps the log from being emptied. What it grew by is room again.
    #[test]
    fn a_log_that_a_long_reader_let_grow_does_not_fill_the_disk_for_ever() {
        let (homeserver, gateway) = started();
        let mut ledger = Ledger::default();
        ledger.take(&gateway, "first");
        let database = gateway.store_dir().join("meshhook.db");
        let reader = rusqlite::Connection::open(&database).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM delivery").unwrap();
        reader.query_row("SELECT count(*) FROM delivery", [], |_| Ok(())).unwrap();
        limit(&gateway, Some(500_000));
        fill(&mut ledger, &gateway, "full");
        is_not_ready(&gateway);
        let length = || std::fs::metadata(database.with_extension("db-wal")).unwrap().len();
        assert!(length() > 450_000, "it is the log that is full: {}", length());
        reader.execute_batch("COMMIT").unwrap();
        eventually(SOON, || (gateway.admin_get("/readyz").status == 200).then_some(()));
        ledger.redeliver(&gateway);
        ledger.balance(&gateway, &homeserver);
    }

    #[test]
    fn a_log_of_words_that_takes_nothing_ends_nothing() {
        let homeserver = Homeserver::start();
        let mut gateway = after(&homeserver, "exec 2>/dev/full");
        gateway.restart().unwrap();
        let mut ledger = Ledger::default();
        ledger.take(&gateway, "1");
        assert_eq!(gateway.post("builds", &[], b"{}").status, 401);
        ledger.balance(&gateway, &homeserver);
        assert_eq!(gateway.stop().unwrap().code(), Some(0));
    }
}
