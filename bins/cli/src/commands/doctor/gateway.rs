//! What the gateway itself says, while it runs.

use serde_json::Value;

use super::report::{Report, counted};
use crate::admin::{Admin, AdminArgs};
use crate::failure::{Exit, Failure};

const CHECK: &str = "gateway";

/// The gateway, as far as it was found.
#[derive(Default)]
pub(super) struct Gateway {
    /// Whether it runs.
    pub(super) runs: bool,
    /// What it tells whoever has the admin token.
    pub(super) heard: Option<Heard>,
    /// The right to ask it for more.
    pub(super) admin: Option<Admin>,
}

/// What the admin listener tells whoever has the token.
pub(super) struct Heard {
    pub(super) sources: Value,
    pub(super) nodes: Value,
}

/// Asks the gateway. That it does not run is a finding, and no reason to stop.
pub(super) fn look(admin: &AdminArgs, report: &mut Report<'_, '_>) -> Result<Gateway, Failure> {
    match admin.readiness() {
        Ok(ready) => readiness(&ready, report)?,
        Err(failure) => return not_asked(&failure, report).map(|()| Gateway::default()),
    }
    let told = admin.open().and_then(|admin| Ok((Told::by(&admin)?, admin)));
    match told {
        Ok((Told { heard, unreadable, stale }, admin)) => {
            not_understood(&unreadable, report)?;
            too_old(&stale, report)?;
            Ok(Gateway { runs: true, heard: Some(heard), admin: Some(admin) })
        }
        Err(failure) => {
            let text = format!("of its sources and deliveries it tells nothing: {}", failure.message());
            report.warning((CHECK, "not_asked"), text, failure.hint())?;
            Ok(Gateway { runs: true, ..Gateway::default() })
        }
    }
}

/// What it takes the admin token to be told.
struct Told {
    heard: Heard,
    unreadable: Value,
    stale: Value,
}

impl Told {
    fn by(admin: &Admin) -> Result<Self, Failure> {
        Ok(Self {
            heard: Heard { sources: admin.get("/sources")?, nodes: admin.get_list("/nodes")? },
            unreadable: admin.get("/deliveries?status=unreadable&limit=1")?,
            stale: admin.get("/deliveries?status=stale&limit=1")?,
        })
    }
}

fn not_asked(failure: &Failure, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    if failure.exit() == Some(Exit::Unreachable) {
        let text = format!("it does not run, or not there: {}", failure.message());
        let hint = "systemctl status meshhook-gateway; else name its admin_listen: --admin-url or MESHHOOK_ADMIN_URL";
        return report.warning((CHECK, "not_running"), text, hint);
    }
    report.warning(
        (CHECK, "not_asked"),
        failure.message(),
        "--admin-url has to be the gateway's admin_listen",
    )
}

fn readiness(ready: &Value, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    match ready["why"].as_str() {
        None => report.ok(CHECK, "it runs, and accepts deliveries")?,
        Some(why) => report.fault(
            (CHECK, "not_accepting"),
            format!("it accepts nothing, and answers 503: {why}"),
            "make room on the store's disk, or mend what is named; the gateway goes on by itself",
        )?,
    }
    if ready["durable"] == false {
        report.warning(
            (CHECK, "not_durable"),
            "what it has accepted and not yet sent is lost when it ends",
            "write [store] url = \"sqlite:/var/lib/meshhook/meshhook.db\"",
        )?;
    }
    if let Some(why) = ready["sending"]["stopped"].as_str() {
        report.fault((CHECK, "not_sending"), format!("it sends nothing: {why}"), "see account, below")?;
    }
    for room in items(&ready["rooms"]) {
        held(room, report)?;
    }
    undecided(ready, "parked", "that the homeserver refused", "retry", report)?;
    undecided(ready, "uncertain", "of which nobody knows whether the room has it", "retry --force", report)
}

fn held(room: &Value, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    let name = room["room"].as_str().unwrap_or_default();
    let waiting = room["waiting"].as_u64().unwrap_or(0);
    match room["hold"].as_str() {
        Some(why) => report.fault(
            (CHECK, "room_held"),
            format!("{name} is held, and {} for it: {why}", wait(waiting)),
            "nothing is lost: they are sent once that is mended. See room, below",
        ),
        None if waiting > 0 => report.note(
            (CHECK, "room_waiting"),
            format!(
                "{} for {name}, the oldest since {}",
                wait(waiting),
                room["oldest"].as_str().unwrap_or("?")
            ),
            "a few seconds are usual; more where the homeserver limits its users",
        ),
        None => Ok(()),
    }
}

fn wait(count: u64) -> String {
    format!("{} wait{}", counted(count, "delivery"), if count == 1 { "s" } else { "" })
}

fn undecided(
    ready: &Value,
    status: &'static str,
    why: &str,
    order: &str,
    report: &mut Report<'_, '_>,
) -> Result<(), Failure> {
    let list = report.command(&format!("meshhook deliveries list --status {status}"));
    let again = report.command(&format!("meshhook deliveries {order} ID"));
    match ready[status].as_u64() {
        None | Some(0) => Ok(()),
        Some(count) => report.fault(
            (CHECK, status),
            format!("{status}: {} {why}", counted(count, "delivery")),
            format!("{list}, then for each: {again}, or drop in place of {order}"),
        ),
    }
}

fn not_understood(page: &Value, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    let Some(newest) = items(&page["deliveries"]).first() else { return Ok(()) };
    let text = |key: &str| newest[key].as_str().unwrap_or("?").to_owned();
    let [show, retry] =
        ["show", "retry"].map(|order| report.command(&format!("meshhook deliveries {order} {}", text("id"))));
    report.warning(
        (CHECK, "unreadable"),
        format!(
            "a body of {} was not understood, last at {}: {}",
            text("source"),
            text("received_at"),
            text("reason")
        ),
        format!("{show}; a newer version may read it: {retry}"),
    )
}

fn too_old(page: &Value, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    let Some(newest) = items(&page["deliveries"]).first() else { return Ok(()) };
    let text = |key: &str| newest[key].as_str().unwrap_or("?").to_owned();
    let retry = report.command(&format!("meshhook deliveries retry {}", text("id")));
    report.warning(
        (CHECK, "stale"),
        format!(
            "{} sent what is older than the retention, last at {}: answered 202 as ignored, and not said",
            text("source"),
            text("received_at")
        ),
        format!("its clock may be wrong, or an old event was sent again; to say it all the same: {retry}"),
    )
}

/// The items of a list; none where it is no list.
pub(super) fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
