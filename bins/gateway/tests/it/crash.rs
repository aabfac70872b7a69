//! Killed in the middle: nothing that was answered 202 is lost, and nothing is told twice.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use meshhook_testkit::http;

use crate::rig::{Room, build, build_headers, keys};

/// Posts until it is told to stop; gives the runs that were answered 202. What is not answered is posted again, as
/// senders do that retry.
fn post_without_end(url: &str, name: &str, stop: &AtomicBool, accepted: &Mutex<BTreeSet<String>>) {
    for n in 0.. {
        let run = format!("{name}-{n}");
        let body = build(&run, "failed").to_string();
        loop {
            let headers = build_headers(body.as_bytes());
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            match http::send("POST", url, &headers, body.as_bytes()) {
                Ok(answer) if answer.status == 202 => break,
                _ if stop.load(Ordering::Relaxed) => return,
                _ => thread::sleep(Duration::from_millis(5)),
            }
        }
        accepted.lock().unwrap().insert(run);
        if stop.load(Ordering::Relaxed) {
            return;
        }
    }
}

#[test]
fn nothing_is_lost_or_doubled_by_sigkill() {
    let room = Room::new("killed");
    let mut gateway = room.gateway().start().unwrap();
    let (stop, accepted) = (AtomicBool::new(false), Mutex::new(BTreeSet::new()));
    let url = gateway.hook_url("builds");
    thread::scope(|scope| {
        for name in ["a", "b", "c"] {
            let (url, stop, accepted) = (&url, &stop, &accepted);
            scope.spawn(move || post_without_end(url, name, stop, accepted));
        }
        for pause in [300, 150, 400, 75, 220] {
            thread::sleep(Duration::from_millis(pause));
            gateway.kill9();
            gateway.restart().unwrap();
        }
        stop.store(true, Ordering::Relaxed);
    });
    let accepted = accepted.into_inner().unwrap();
    assert!(accepted.len() > 20, "only {} were accepted", accepted.len());
    meshhook_testkit::eventually(Duration::from_secs(120), || {
        let pending = gateway.admin_get("/readyz").ok()["rooms"][0]["waiting"] == 0;
        pending.then_some(())
    });
    let told = room.said();
    let keys = keys(&told);
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "a key twice");
    let runs: BTreeSet<String> = told.iter().flat_map(|event| runs(event.content())).collect();
    let lost: Vec<_> = accepted.difference(&runs).collect();
    assert!(lost.is_empty(), "{lost:?} were answered 202 and are not in the room");
    // A 202 that its sender never saw counts as well: what was stored is told. Never more than was posted.
    assert!(keys.len() >= accepted.len() && keys.len() <= accepted.len() + 3);
}

fn runs(content: &serde_json::Value) -> Vec<String> {
    let one = content.get("com.meshmac.build_status").cloned().into_iter();
    let many = content
        .get("com.meshmac.build_statuses")
        .and_then(|all| all.as_array().cloned())
        .into_iter()
        .flatten();
    one.chain(many).map(|status| status["run_id"].as_str().unwrap().to_owned()).collect()
}
