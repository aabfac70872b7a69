//! Is a room's id written, or an alias, which may come to mean another room?

use meshhook_matrix::{Client, Token};

use super::report::Report;
use crate::failure::Failure;

/// The room's id: what is written, or what an alias stands for, which is a fault all the same.
pub(super) fn resolve(
    client: &Client,
    token: Option<&Token>,
    written: &str,
    report: &mut Report<'_, '_>,
) -> Result<Option<String>, Failure> {
    if !written.starts_with('#') {
        return Ok(Some(written.to_owned()));
    }
    let (text, room) = match client.resolve_alias(token, written) {
        Ok(Some(room)) => (
            format!("{written} is an alias, which may come to mean another room; now it is {room}"),
            Some(room),
        ),
        Ok(None) => (format!("{written} is an alias, and stands for no room"), None),
        Err(failure) => {
            (format!("{written} is an alias, and the homeserver does not tell what for: {failure}"), None)
        }
    };
    let hint = match &room {
        Some(room) => format!("write room = \"{room}\" in gateway.toml"),
        None => "write the room's id (\"!…\"): a client's room settings show it".to_owned(),
    };
    report.fault(("room", "alias"), text, hint)?;
    Ok(room)
}
