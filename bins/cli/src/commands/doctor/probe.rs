//! A message that is sent and read back. Who is shadow-banned is answered 200 with an event that is none.

use std::thread;
use std::time::Duration;

use meshhook_matrix::{Client, FailureKind, Token};
use serde_json::json;

use super::report::Report;
use crate::failure::Failure;
use crate::random;

/// How often, and how far apart: one part of a homeserver may write what another has not read yet.
const LOOKS: u32 = 3;
const BETWEEN: Duration = Duration::from_secs(1);

pub(super) fn send(
    client: &Client,
    token: &Token,
    room: &str,
    report: &mut Report<'_, '_>,
) -> Result<(), Failure> {
    const CHECK: &str = "test message";
    let content = json!({
        "msgtype": "m.notice", "body": "A test of meshhook doctor: this room can be written to.", "m.mentions": {},
    });
    let txn = format!("doctor-{}", random::hex::<12>()?);
    let event = match client.send(token, room, &txn, &content.to_string()) {
        Ok(event) => event,
        Err(failure) => {
            let text = format!("{room} does not take a message: {failure}");
            return match failure.kind {
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
            };
        }
    };
    if is_there(client, token, room, event.as_str()) {
        return report.ok(CHECK, format!("{event} was sent to {room} and read back"));
    }
    report.fault(
        (CHECK, "shadow_banned"),
        format!("the homeserver answered with {event}, and {room} has no such event: the account is shadow-banned"),
        "ask the homeserver's administrator to lift that (Synapse: DELETE /_synapse/admin/v1/users/USER/shadow_ban)",
    )
}

/// Only a homeserver that knows nothing of an event says so; one that does not answer is believed.
fn is_there(client: &Client, token: &Token, room: &str, event: &str) -> bool {
    (0..LOOKS).any(|look| {
        if look > 0 {
            thread::sleep(BETWEEN);
        }
        !matches!(client.event(token, room, event), Ok(None))
    })
}
