//! 2,000 connections that never finish a request, and the ones in between that do.

use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use meshhook_testkit::{Gateway, Homeserver, eventually};

use super::siege::Siege;
use crate::rig::{SOON, accepted, build, post_build};
use crate::wrapped::after;

const COUNT: usize = 2000;
/// The gateway gives up a head that drips after so long: who had to wait for that would take as long.
const STALLED: Duration = Duration::from_secs(10);
const LOCALHOST: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// One siege at a time: together they would need more open files than the machine may have.
static ALONE: Mutex<()> = Mutex::new(());

/// A gateway with the soft limit that systems give, under one more line for [server].
fn ordinary(homeserver: &Homeserver, limit: &str, line: &str) -> Gateway {
    let mut gateway = after(homeserver, limit);
    let file = gateway.config_root().join("gateway.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("[server]\n", &format!("[server]\n{line}\n"), 1)).unwrap();
    gateway.restart().unwrap();
    gateway
}

/// Signed requests for some seconds: each is taken at once. Gives the gateway's numbers afterwards.
#[track_caller]
fn is_taken_all_the_same(gateway: &Gateway, from: &[Ipv4Addr]) -> (usize, String) {
    let siege = Siege::lay(gateway, from, COUNT);
    let mut slowest = Duration::ZERO;
    for run in 0..40 {
        let start = Instant::now();
        accepted(&post_build(gateway, &build(&run.to_string(), "running")));
        slowest = slowest.max(start.elapsed());
        sleep(Duration::from_millis(100));
    }
    assert_eq!(gateway.admin_get("/readyz").status, 200);
    let numbers = gateway.admin_get("/metrics").text();
    let came_again = siege.lift();
    assert!(slowest < STALLED, "a genuine request took {slowest:?}");
    (came_again, numbers)
}

/// How many were sent away to make room.
fn sent_away(numbers: &str) -> usize {
    let series = "meshhook_connections_failed_total{reason=\"sent_away\"} ";
    numbers.lines().find_map(|line| line.strip_prefix(series)).unwrap().parse().unwrap()
}

#[test]
fn behind_one_proxy_with_few_open_files() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let homeserver = Homeserver::start();
    // Soft and hard: 768 connections in all.
    let gateway = ordinary(&homeserver, "ulimit -n 1024", "");
    assert!(gateway.log().contains("connections=768"), "{}", gateway.log());
    let (came_again, numbers) = is_taken_all_the_same(&gateway, &[LOCALHOST]);
    assert!(came_again > COUNT - 768, "{came_again}");
    assert!(sent_away(&numbers) > 0);
    // Whoever had to go left nothing behind.
    eventually(SOON, || (open_connections(&gateway) < 10).then_some(()));
}

#[test]
fn of_one_address() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let homeserver = Homeserver::start();
    let gateway = ordinary(&homeserver, "ulimit -S -n 1024", "trusted_proxies = []");
    let (came_again, numbers) = is_taken_all_the_same(&gateway, &[LOCALHOST]);
    // There would be room for all of them, but not for so many of one address.
    assert!(came_again > COUNT / 4, "{came_again}");
    assert!(sent_away(&numbers) > 0);
}

/// Only Linux has all of 127.0.0.0/8 on loopback without being told.
#[cfg(target_os = "linux")]
#[test]
fn of_many_addresses() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let homeserver = Homeserver::start();
    let gateway = ordinary(&homeserver, "ulimit -S -n 1024", "");
    let from: Vec<_> = (2..12).map(|n| Ipv4Addr::new(127, 0, 0, n)).collect();
    let (_, numbers) = is_taken_all_the_same(&gateway, &from);
    assert_eq!(sent_away(&numbers), 0, "there is room for all of these");
}

/// Those to the door for CI systems that are open or wait to be closed.
fn open_connections(gateway: &Gateway) -> usize {
    let fds = std::fs::read_dir(format!("/proc/{}/fd", gateway.pid()));
    let sockets = fds.map(|fds| {
        fds.filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok())
            .filter(|to| to.to_string_lossy().starts_with("socket:"))
            .count()
    });
    // Where there is no /proc, what was said of it has to do.
    sockets.unwrap_or(0)
}
