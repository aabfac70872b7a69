//! Another configuration for a gateway that runs.

use std::fs;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use meshhook_model::Timestamp;
use meshhook_testkit::http::Answer;
use meshhook_testkit::{Endpoint, Fault, Gateway, Homeserver, eventually, http, signed};
use serde_json::{Value, json};

use crate::ledger::Ledger;
use crate::life::{program, text};
use crate::rig::{SOON, accepted, build, build_headers, now, post_build, post_github, said, started};
use crate::wire;

const MAC: &str = "whsec_YW5vdGhlciBzZWNyZXQgb2YgdGhlc2UgYnVpbGRz";

fn reload(gateway: &Gateway) -> Answer {
    gateway.admin_post("/reload", &json!({}))
}

/// A document without what differs from run to run.
fn shown(gateway: &Gateway, answer: &Answer) -> Value {
    let text = answer.text().replace(gateway.config_root().to_str().unwrap(), "ROOT");
    let mut document: Value = serde_json::from_str(&text).unwrap();
    document.as_object_mut().unwrap().remove("request_id");
    document
}

fn metric(gateway: &Gateway, line: &str) -> bool {
    http::get(&(gateway.admin_url() + "/metrics"), &[]).unwrap().text().lines().any(|have| have == line)
}

fn post_mac(gateway: &Gateway, run: &str) -> Answer {
    let body = build(run, "failed").to_string();
    gateway.post(
        "mac",
        &signed::standard(MAC, &format!("msg_{run}"), now(), body.as_bytes()),
        body.as_bytes(),
    )
}

#[test]
fn what_is_wrong_leaves_everything_as_it_was() {
    let (_homeserver, mut gateway) = started();
    gateway.edit("provider = \"github\"", "provider = \"hudson\"");
    gateway.edit("name = \"builds\"", "name = \"other\"");
    gateway.write_secret("builds-secret-1", "two words");
    let answer = reload(&gateway);
    assert_eq!(answer.status, 422);
    insta::assert_json_snapshot!("faults", shown(&gateway, &answer));
    accepted(&post_build(&gateway, &build("1", "failed")));
    let log = gateway.log();
    for word in ["hudson", "blanks", "configuration not reloaded"] {
        assert!(log.contains(word), "{word} is not in\n{log}");
    }
    assert!(metric(&gateway, "meshhook_config_reloads_total{result=\"faults\"} 1"));
    // A signal leads to the same.
    gateway.hang_up();
    let again = "meshhook_config_reloads_total{result=\"faults\"} 2";
    eventually(SOON, || metric(&gateway, again).then_some(()));
    accepted(&post_build(&gateway, &build("2", "failed")));
}

#[test]
fn nothing_is_taken_over_where_a_key_needs_a_restart() {
    let (_homeserver, gateway) = started();
    gateway.edit("[server]", "[server]\npath = \"/other\"");
    gateway.edit(&gateway.url().replace("http://", ""), "127.0.0.1:1");
    gateway.edit("meshhook.db", "other.db");
    let answer = reload(&gateway);
    assert_eq!(answer.status, 409);
    let document = answer.json();
    let what: Vec<_> =
        document["changes"].as_array().unwrap().iter().map(|one| one["what"].as_str()).collect();
    assert_eq!(document["code"], "needs_restart");
    assert_eq!(what, [Some("[server] listen"), Some("[store] url")]);
    accepted(&post_build(&gateway, &build("1", "failed")));
    assert!(metric(&gateway, "meshhook_config_reloads_total{result=\"needs_restart\"} 1"));
}

#[test]
fn a_source_comes_and_another_goes_and_what_it_owes_is_sent() {
    let (homeserver, mut gateway) = started();
    homeserver.fail(Endpoint::Send, Fault::html(502));
    let owed = accepted(&post_build(&gateway, &build("1", "failed")))["delivery"].clone();
    gateway.write_secret("mac-secret", MAC);
    gateway.edit("name = \"builds\"", "name = \"mac\"");
    gateway.edit("builds-secret-1", "mac-secret");
    let answer = reload(&gateway);
    assert_eq!(answer.status, 200, "{answer:?}");
    insta::assert_json_snapshot!("changes", shown(&gateway, &answer));
    assert_eq!(post_build(&gateway, &build("2", "failed")).status, 401);
    accepted(&post_mac(&gateway, "3"));
    homeserver.mend(Endpoint::Send);
    eventually(SOON, || (said(homeserver.events(Homeserver::ROOM)).len() == 2).then_some(()));
    let life = gateway.admin_get(&format!("/deliveries/{}", owed.as_str().unwrap())).ok();
    assert_eq!((&life["source"], &life["status"]), (&json!("builds"), &json!("sent")));
    let log = gateway.log();
    assert!(log.contains("[[source]] builds: removed") && log.contains("[[source]] mac: added"), "{log}");
    assert!(metric(&gateway, "meshhook_config_reloads_total{result=\"done\"} 1"));
}

/// Its head came before the reload, its body after it.
#[test]
fn a_request_in_hand_ends_by_what_it_began_with() {
    let (_homeserver, gateway) = started();
    let body = build("1", "failed").to_string();
    let mut headers = build_headers(body.as_bytes());
    headers.extend([("Content-Length", body.len().to_string()), ("Expect", "100-continue".to_owned())]);
    let lines: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut stream = wire::connect(&gateway);
    stream.write_all(wire::head("builds", &lines).as_bytes()).unwrap();
    let mut go_on = [0; 25];
    std::io::Read::read_exact(&mut stream, &mut go_on).unwrap();
    gateway.edit("name = \"builds\"", "name = \"other\"");
    assert_eq!(reload(&gateway).status, 200);
    stream.write_all(body.as_bytes()).unwrap();
    let answer = wire::rest(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    // Who is gone has no silence to wake anybody for, whatever it began before.
    let silent = |source| format!("meshhook_source_silent_since_timestamp_seconds{{source=\"{source}\"}}");
    let numbers = gateway.admin_get("/metrics").text();
    assert!(numbers.contains(&silent("other")) && !numbers.contains(&silent("builds")), "{numbers}");
    assert_eq!(post_build(&gateway, &build("2", "failed")).status, 401);
}

#[test]
fn rooms_limits_names_and_the_log_are_taken_over() {
    let (homeserver, gateway) = started();
    homeserver.add_room("!another");
    gateway.edit("[server]", "[server]\nadmin_hosts = [\"gateway.example.org\"]\nmax_body_bytes = 1024");
    gateway.edit("provider = \"standard\"", "provider = \"standard\"\nroom = \"!another\"");
    gateway.edit(
        "[store]",
        "[log]\nformat = \"json\"\nlevel = \"debug\"\n\n[message]\nformat = \"plain\"\n\n[store]",
    );
    assert_eq!(reload(&gateway).status, 200);
    let named = http::get(&(gateway.admin_url() + "/livez"), &[("Host", "gateway.example.org")]).unwrap();
    assert_eq!(named.status, 200);
    assert_eq!(gateway.post("builds", &build_headers(&[b'x'; 2000]), &[b'x'; 2000]).status, 413);
    accepted(&post_build(&gateway, &build("1", "failed")));
    let told = eventually(SOON, || said(homeserver.events("!another")).pop());
    assert!(told.content()["formatted_body"].is_null(), "{told:?}");
    let committed = eventually(SOON, || {
        let log = gateway.log();
        log.lines().find(|line| line.contains("committed")).map(str::to_owned)
    });
    assert_eq!(serde_json::from_str::<Value>(&committed).unwrap()["message"], "committed");
}

/// It is told by whichever of both levels says more.
#[test]
fn a_level_does_not_hide_that_it_was_changed() {
    let (_homeserver, gateway) = started();
    gateway.edit("[store]", "[log]\nlevel = \"error\"\n\n[store]");
    for (from, to) in [("error", "error"), ("error", "warn"), ("warn", "info")] {
        gateway.edit(&format!("level = \"{from}\""), &format!("level = \"{to}\""));
        assert_eq!(reload(&gateway).status, 200);
    }
    let log = gateway.log();
    assert!(log.contains("[log] level: \\\"error\\\" instead of"), "{log}");
    assert!(log.contains("[log] level: \\\"info\\\" instead of"), "{log}");
    assert!(!log.contains("[log] level: \\\"warn\\\" instead of"), "{log}");
}

/// What changed in a file later is not in force.
#[test]
fn it_is_told_since_when_the_configuration_is_in_force() {
    let (_homeserver, mut gateway) = started();
    let since = |gateway: &Gateway| {
        let told = gateway.admin_get("/sources").ok()["configured_since"].clone();
        Timestamp::parse_rfc3339(told.as_str().unwrap()).unwrap().unix()
    };
    let started = since(&gateway);
    let told = format!("meshhook_config_last_reload_success_timestamp_seconds {started}");
    assert!((now() - 60..=now()).contains(&started) && metric(&gateway, &told));
    eventually(SOON, || (now() > started).then_some(()));
    gateway.edit("provider = \"github\"", "provider = \"hudson\"");
    assert_eq!((reload(&gateway).status, since(&gateway)), (422, started));
    gateway.edit("provider = \"hudson\"", "provider = \"github\"");
    assert_eq!(reload(&gateway).status, 200);
    let reloaded = since(&gateway);
    assert!((started + 1..=now()).contains(&reloaded), "{reloaded} after {started}");
    eventually(SOON, || (now() > reloaded).then_some(()));
    gateway.restart().unwrap();
    assert!(since(&gateway) > reloaded);
}

#[test]
fn the_admin_token_is_read_again() {
    let (_homeserver, gateway) = started();
    let old = format!("Bearer {}", gateway.admin_token());
    let ask = |bearer: &str| {
        let headers = [("Authorization", bearer), ("Content-Type", "application/json")];
        http::send("POST", &(gateway.admin_url() + "/reload"), &headers, b"{}").unwrap().status
    };
    fs::write(gateway.store_dir().join("admin-token"), "the-token-that-takes-its-place").unwrap();
    let new = format!("Bearer {}", gateway.admin_token());
    assert_eq!((ask(&new), ask(&old)), (401, 200));
    assert_eq!((ask(&new), ask(&old)), (200, 401));
}

#[test]
fn the_command_tells_what_came_of_it() {
    let (_homeserver, mut gateway) = started();
    let run = |gateway: &Gateway| {
        let output = program().args(["reload", "--config-root"]).arg(gateway.config_root()).output().unwrap();
        let said = text(&output).replace(gateway.config_root().to_str().unwrap(), "ROOT");
        format!(
            "exit code {}\n{}\n",
            output.status.code().unwrap(),
            portable(&said).replace(&gateway.admin_url()["http://".len()..], "ADMIN")
        )
    };
    let mut told = run(&gateway);
    gateway.edit("[server]", "[server]\nmax_body_bytes = 2048");
    told += &run(&gateway);
    gateway.edit("max_body_bytes", "max_body_byte");
    told += &run(&gateway);
    gateway.edit("max_body_byte", "max_body_bytes");
    gateway.edit("meshhook.db", "other.db");
    told += &run(&gateway).replace(gateway.store_dir().to_str().unwrap(), "STORE");
    gateway.stop();
    told += &run(&gateway);
    insta::assert_snapshot!(told);
    let both = program().args(["--check", "reload"]).output().unwrap();
    assert_eq!(both.status.code(), Some(2));
}

/// Without the numbers that systems give their errors.
fn portable(said: &str) -> String {
    let mut parts = said.split(" (os error ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |told, part| {
        told + part.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches(')')
    })
}

/// Each is read and taken over, or one that comes later in its place; requests notice nothing.
#[test]
fn a_storm_of_signals_loses_nothing() {
    let (homeserver, mut gateway) = started();
    let (done, taken) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut ledger = Ledger::default();
    let pid = gateway.pid();
    thread::scope(|scope| {
        let storm = scope.spawn(|| {
            let mut n = 0;
            while n < 50 || (n < 1000 && taken.load(Ordering::Relaxed) <= 10) {
                gateway.edit("[server]", &format!("[server]\n# {n}"));
                hang_up(pid);
                n += 1;
                thread::sleep(Duration::from_millis(20));
            }
            done.store(true, Ordering::Relaxed);
        });
        let mut run = 0;
        while !done.load(Ordering::Relaxed) {
            run += 1;
            ledger.take(&gateway, &run.to_string());
            taken.store(ledger.promised(), Ordering::Relaxed);
        }
        storm.join().unwrap();
    });
    assert!(ledger.promised() > 10);
    ledger.balance(&gateway, &homeserver);
    // The last one counts, whatever became of those before.
    gateway.edit("name = \"github\"", "name = \"last\"");
    gateway.hang_up();
    eventually(SOON, || (gateway.admin_get("/sources").ok()["sources"][0]["name"] == "last").then_some(()));
    assert_eq!(post_github(&gateway, "ping", b"{}").status, 401);
    gateway.stop();
}

fn hang_up(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
}
