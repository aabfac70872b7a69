//! Whether a room may be written to: an encrypted one and a dead one answer 200 as well.

use meshhook_matrix::{Client, Failure, Token};

/// What to do with an encrypted room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encrypted {
    /// Nothing is written into it.
    #[default]
    Hold,
    /// What is written is not encrypted, knowingly.
    Plain,
}

/// Why nothing may be written into a room; nothing when it may.
///
/// # Errors
/// The homeserver did not tell.
pub(crate) fn objection(
    client: &Client,
    token: &Token,
    room: &str,
    encrypted: Encrypted,
) -> Result<Option<String>, Failure> {
    if let Some(tombstone) = client.state(token, room, "m.room.tombstone")? {
        let replacement = tombstone["replacement_room"].as_str().unwrap_or("an unnamed one");
        return Ok(Some(format!("the room was upgraded; its replacement is {replacement}")));
    }
    if encrypted == Encrypted::Hold && client.state(token, room, "m.room.encryption")?.is_some() {
        return Ok(Some(
            "the room is encrypted; encrypted_room = \"plain\" writes into it unencrypted".to_owned(),
        ));
    }
    Ok(None)
}
