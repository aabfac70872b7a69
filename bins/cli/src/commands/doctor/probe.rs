//! A message that is sent and read back. Who is shadow-banned is answered 200 with an event that is none.

use std::thread;
use std::time::Duration;

use meshhook_matrix::{Client, Failure as Unanswered, FailureKind, Token};
use serde_json::json;

use super::report::Report;
use crate::failure::Failure;
use crate::random;

/// How often, and how far apart: one part of a homeserver may write what another has not read yet.
const LOOKS: u32 = 3;
const BETWEEN: Duration = Duration::from_secs(1);

const CHECK: &str = "test message";

pub(super) fn send(
    client: &Client,
    token: &Token,
    room: &str,
    report: &mut Report<'_, '_>,
) -> Result<(), Failure> {
    let content = json!({
        "msgtype": "m.notice", "body": "A test of meshhook doctor: this room can be written to.", "m.mentions": {},
    });
    let txn = format!("doctor-{}", random::hex::<12>()?);
    let event = match client.send(token, room, &txn, &content.to_string()) {
        Ok(event) => event,
        Err(failure) => return not_sent(room, &failure, report),
    };
    match look_for(client, token, room, event.as_str()) {
        Ok(true) => report.ok(CHECK, format!("{event} was sent to {room} and read back")),
        Ok(false) => report.fault(
            (CHECK, "shadow_banned"),
            format!("the homeserver answered with {event}, and {room} has no such event: the account is shadow-banned"),
            "ask the homeserver's administrator to lift that (Synapse: DELETE /_synapse/admin/v1/users/USER/shadow_ban)",
        ),
        Err(failure) => report.warning(
            (CHECK, "not_read_back"),
            format!("{event} was sent to {room}, and could not be read back: {failure}"),
            "look into the room with a client, or ask again",
        ),
    }
}

fn not_sent(room: &str, failure: &Unanswered, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    let text = format!("{room} does not take a message: {failure}");
    match failure.kind {
        FailureKind::Limited { .. } => report.warning(
            (CHECK, "limited"),
            text,
            "the homeserver's rate limit is reached: wait, or have it lifted as said above",
        ),
        _ => report.fault(
            (CHECK, "not_sent"),
            text,
            "what is said above of the room and the account may be why",
        ),
    }
}

/// Whether the event is there, looked for until it is.
fn look_for(client: &Client, token: &Token, room: &str, event: &str) -> Result<bool, Unanswered> {
    for look in 0..LOOKS {
        if look > 0 {
            thread::sleep(BETWEEN);
        }
        if client.event(token, room, event)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
