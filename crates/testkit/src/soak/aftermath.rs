//! The end of every scenario: nothing more goes wrong, and what is owed is waited for.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::load::Load;
use super::report::Report;
use super::speakers::Speakers;
use super::us::Us;
use super::verdict::Count;
use crate::homeserver::Request;
use crate::{Event, Gateway, target_dir, try_for};

/// A machine's user that is given up after a minute, a backoff of a minute, then what has piled up.
const SETTLED_WITHIN: Duration = Duration::from_secs(360);

/// Waits until nothing is owed, counts what `said` tells of the rooms, and writes all of it into the report; where
/// something is wrong, evidence is kept.
pub(super) fn conclude(
    report: &mut Report,
    gateway: &mut Gateway,
    load: &Load,
    us: &Us,
    said: impl FnOnce() -> Vec<Vec<Event>>,
    requests: impl FnOnce() -> Vec<Request>,
) {
    let start = Instant::now();
    let settled = settle(gateway);
    report.must("seconds until nothing was owed", start.elapsed().as_secs(), settled);
    let (book, rooms) = (&load.ledger.book(), &said()[..]);
    Count { book, rooms, deliveries: &deliveries(gateway) }.report(report);
    Speakers { us, book, rooms }.report(report);
    let audit = gateway.admin_get("/deliveries/audit").ok();
    let breaches = audit["breaches"].as_array().expect("an audit lists breaches");
    report.none("breaches that the gateway finds itself", breaches.iter().map(Value::to_string));
    if !report.is_sound() {
        keep_evidence(report, gateway, &requests());
    }
}

/// Waits until the gateway owes nothing; parked deliveries are retried, as an operator would. False when something is
/// left.
fn settle(gateway: &Gateway) -> bool {
    let settled = try_for(SETTLED_WITHIN, || {
        let readiness = gateway.admin_get("/readyz").json();
        if readiness["parked"] != 0 {
            retry_parked(gateway);
        }
        let rooms = readiness["rooms"].as_array().expect("the rooms are listed");
        let owes = readiness["parked"] != 0 || rooms.iter().any(|room| room["waiting"] != 0);
        (!owes).then_some(())
    });
    settled.is_some()
}

fn retry_parked(gateway: &Gateway) {
    for delivery in list(gateway, "&status=parked") {
        let id = delivery["id"].as_str().expect("a delivery has an id");
        // One that a sender has revived in the meantime is none to retry: 409.
        let _ = gateway.admin_post(&format!("/deliveries/{id}/retry"), &json!({}));
    }
}

/// Every delivery as the operator is shown it, the newest first.
fn deliveries(gateway: &Gateway) -> Vec<Value> {
    list(gateway, "")
}

fn list(gateway: &Gateway, filter: &str) -> Vec<Value> {
    let (mut all, mut before) = (Vec::new(), String::new());
    loop {
        let page = gateway.admin_get(&format!("/deliveries?limit=500{filter}{before}")).ok();
        all.extend(page["deliveries"].as_array().expect("a page of deliveries").iter().cloned());
        match page["next"].as_str() {
            Some(next) => before = format!("&before={next}"),
            None => return all,
        }
    }
}

/// Keeps what is needed to find out why figures are wrong: the report, the gateway's log and store, and the
/// homeserver's requests where it recorded them. It lies below the target folder.
fn keep_evidence(report: &mut Report, gateway: &mut Gateway, requests: &[Request]) {
    gateway.stop();
    let folder = target_dir().join(format!("soak/{}-{}", std::process::id(), report.slug()));
    let kept = copy_all(&gateway.store_dir(), &folder)
        .and_then(|()| fs::copy(gateway.log_path(), folder.join("gateway.log")))
        .and_then(|_| fs::write(folder.join("requests.txt"), lines(requests)))
        .and_then(|()| fs::write(folder.join("report.txt"), report.to_string()));
    report.tell("evidence", kept.map_or_else(|e| e.to_string(), |()| folder.display().to_string()));
}

fn copy_all(from: &Path, to: &PathBuf) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// A line a request: when, what, what was done with it, and of a message the keys of its deliveries.
fn lines(requests: &[Request]) -> String {
    requests.iter().fold(String::new(), |mut text, request| {
        let at = OffsetDateTime::from(request.at).format(&Rfc3339).expect("a time of our days");
        let Request { method, target, fate, connection, .. } = request;
        let message = &request.json()["com.meshmac.message"];
        writeln!(text, "{at} #{connection} {method} {target} → {fate} {}", message["keys"])
            .expect("a String takes everything");
        text
    })
}
