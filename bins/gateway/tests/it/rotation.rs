//! The webhook's secret and the Matrix token are both replaced while builds are told of: nobody is refused, nothing is
//! told twice.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use meshhook_testkit::{Gateway, eventually, http, signed, try_for};
use serde_json::{Value, json};

use crate::rig::{BUILDS, Room, SOON, build, keys, now};

const NEXT: &str = "whsec_dGhlIHNlY3JldCB0aGF0IHRha2VzIGl0cyBwbGFjZQ==";
const SENDERS: usize = 3;

/// How long a room may take for some hundred builds on a busy machine.
const SETTLED: Duration = Duration::from_secs(90);

/// Builds that are posted all the time.
struct Load {
    url: String,
    /// Whether senders sign by the new secret.
    switched: AtomicBool,
    /// Which of them have.
    have_switched: [AtomicBool; SENDERS],
    stop: AtomicBool,
    posted: AtomicUsize,
}

impl Load {
    fn new(gateway: &Gateway) -> Self {
        let url = gateway.hook_url("builds");
        Self {
            url,
            switched: AtomicBool::new(false),
            have_switched: [const { AtomicBool::new(false) }; SENDERS],
            stop: AtomicBool::new(false),
            posted: AtomicUsize::new(0),
        }
    }

    /// Posts one build after the other; each has to be taken. Who is not answered at all sends the same again.
    fn run(&self, sender: usize) {
        for number in 0.. {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let run = format!("{sender}-{number}");
            let new = self.switched.load(Ordering::Relaxed);
            let secret = if new { NEXT } else { BUILDS };
            let answer = eventually(SOON, || post(&self.url, secret, &run).ok());
            assert_eq!(answer.status, 202, "{run}: {answer:?}");
            self.have_switched[sender].store(new, Ordering::Relaxed);
            self.posted.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn posted(&self) -> usize {
        self.posted.load(Ordering::Relaxed)
    }

    /// Waits until so many more were taken.
    fn go_on(&self, more: usize) {
        let before = self.posted();
        eventually(SOON, || (self.posted() >= before + more).then_some(()));
    }
}

fn post(url: &str, secret: &str, run: &str) -> std::io::Result<http::Answer> {
    let body = build(run, "failed").to_string();
    let headers = signed::standard(secret, &format!("msg_{run}"), now(), body.as_bytes());
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    http::send("POST", url, &headers, body.as_bytes())
}

#[track_caller]
fn reload(gateway: &Gateway) {
    let answer = gateway.admin_post("/reload", &json!({}));
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// When that key was last used.
fn last_used(gateway: &Gateway, key: &str) -> Option<String> {
    let told = gateway.admin_get("/sources").ok();
    let keys = told["sources"][1]["keys"].as_array().unwrap().clone();
    let key = keys.into_iter().find(|one| one["name"] == key)?;
    key["last_used"].as_str().map(str::to_owned)
}

fn signed_in(gateway: &Gateway) -> usize {
    gateway.log().lines().filter(|line| line.contains("signed in")).count()
}

/// The new secret beside the old one, then the senders, then the old one goes.
fn rotate_the_secret(gateway: &mut Gateway, load: &Load) {
    let (old, both) =
        (r#"secret_files = ["builds-secret-1"]"#, r#"secret_files = ["builds-secret-1", "next"]"#);
    gateway.write_secret("next", NEXT);
    gateway.edit(old, both);
    reload(gateway);
    load.go_on(20);
    assert_eq!(last_used(gateway, "next"), None);
    load.switched.store(true, Ordering::Relaxed);
    let all = || load.have_switched.iter().all(|sender| sender.load(Ordering::Relaxed));
    eventually(SOON, || all().then_some(()));
    let last = last_used(gateway, "builds-secret-1").unwrap();
    thread::sleep(Duration::from_millis(1100));
    load.go_on(20);
    assert_eq!(last_used(gateway, "builds-secret-1"), Some(last.clone()), "nobody uses it any more");
    assert!(last_used(gateway, "next").unwrap() > last);
    gateway.edit(both, r#"secret_files = ["next"]"#);
    reload(gateway);
    assert_eq!(post(&load.url, BUILDS, "late").unwrap().status, 401);
    let told = gateway.admin_get("/sources").ok();
    let earlier = json!({ "name": "builds-secret-1", "configured": false, "last_used": last });
    assert_eq!(told["sources"][1]["keys"][1], earlier);
}

/// Another token of the same device; the one before is not logged out, since its transaction ids would go with it.
fn rotate_the_token(gateway: &mut Gateway, room: &Room, localpart: &str, kill: bool) {
    let again = room.synapse.login(localpart, Some(&room.bot.device));
    assert!(again.device == room.bot.device && again.token != room.bot.token);
    let before = signed_in(gateway);
    gateway.write_token(&again.token);
    if kill {
        gateway.kill9();
        gateway.restart().unwrap();
    }
    // By itself, or told to: it is looked at every few seconds.
    eventually(SOON, || (signed_in(gateway) > before).then_some(()));
    let ready = gateway.admin_get("/readyz").ok();
    assert_eq!(ready["sending"], json!({ "user": room.bot.id, "device": room.bot.device }));
}

fn rotate_both_under_load(localpart: &str, kill: bool) {
    let room = Room::new(localpart);
    let mut gateway = room.gateway().start().unwrap();
    let load = Load::new(&gateway);
    thread::scope(|scope| {
        for sender in 0..SENDERS {
            let load = &load;
            scope.spawn(move || load.run(sender));
        }
        let stop = Stop(&load.stop);
        load.go_on(20);
        rotate_the_secret(&mut gateway, &load);
        rotate_the_token(&mut gateway, &room, localpart, kill);
        load.go_on(20);
        drop(stop);
    });
    let settled = try_for(SETTLED, || Some(keys(&room.said())).filter(|keys| keys.len() >= load.posted()));
    let keys = settled.unwrap_or_else(|| keys(&room.said()));
    let once: BTreeSet<_> = keys.iter().collect();
    assert_eq!((keys.len(), once.len()), (load.posted(), load.posted()), "each once; {}", waiting(&gateway));
}

fn waiting(gateway: &Gateway) -> Value {
    gateway.admin_get("/readyz").json()
}

/// Ends the load, also where an assertion fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_secret_and_the_token_are_rotated_under_load() {
    rotate_both_under_load("rotated", false);
}

#[test]
fn the_same_with_a_kill_in_the_middle() {
    rotate_both_under_load("rotated-and-killed", true);
}
