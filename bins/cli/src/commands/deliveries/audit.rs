//! `meshhook deliveries audit`.

use std::time::Duration;

use clap::Args;
use serde_json::Value;

use crate::admin::AdminArgs;
use crate::failure::{Exit, Failure};
use crate::output::Output;

/// An audit reads everything that the gateway has kept.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Args)]
pub(super) struct Audit {
    /// Read the rooms, too: is each message there, and once?
    #[arg(long)]
    room: bool,
    /// Print the gateway's JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    admin: AdminArgs,
}

/// What a store counts, and what is counted in a room.
const IN_STORE: [&str; 5] = ["deliveries", "messages", "attempts", "subjects", "rooms"];
const IN_ROOM: [&str; 9] = [
    "on_record",
    "not_reached",
    "redacted",
    "events",
    "keys",
    "under_way",
    "uncertain",
    "given_up",
    "forgotten",
];

impl Audit {
    /// Fails where there is a breach, or a room that could not be read.
    pub(super) fn run(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        let path = if self.room { "/deliveries/audit?room=true" } else { "/deliveries/audit" };
        let audit = self.admin.open()?.get_within(path, PATIENCE)?;
        if self.json {
            output.json(&audit)?;
        } else {
            print(&audit, output)?;
        }
        verdict(&audit)
    }
}

fn verdict(audit: &Value) -> Result<(), Failure> {
    if !list(audit, "breaches").is_empty() {
        let hint = "keep a copy of the store's files, and report it with what is said above";
        return Err(Failure::new(Exit::NotSo, "the invariants do not hold", hint));
    }
    match list(audit, "rooms").iter().find_map(|room| room["unread"].as_str()) {
        None => Ok(()),
        Some(why) => {
            let hint = "look at the gateway's /readyz, and ask again";
            Err(Failure::new(Exit::Unreachable, format!("a room was not read to its end: {why}"), hint))
        }
    }
}

fn list<'a>(audit: &'a Value, name: &str) -> &'a [Value] {
    audit.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn print(audit: &Value, output: &mut Output<'_>) -> Result<(), Failure> {
    output.line(&format!("looked at: {}", numbers(&audit["looked_at"], &IN_STORE)))?;
    for room in list(audit, "rooms") {
        let name = room["room"].as_str().unwrap_or_default();
        output.line(&format!("room {name}: {}", numbers(room, &IN_ROOM)))?;
    }
    for breach in list(audit, "breaches") {
        let what = breach["what"].as_str().unwrap_or_default();
        output.line(&format!("invariant {}: {what}", breach["invariant"]))?;
    }
    match audit["more"].as_u64() {
        None | Some(0) => Ok(()),
        Some(more) => output.line(&format!("and {more} more")),
    }
}

fn numbers(counted: &Value, names: &[&str]) -> String {
    let number = |name: &&str| format!("{} {}", name.replace('_', " "), counted[*name].as_u64().unwrap_or(0));
    names.iter().map(number).collect::<Vec<_>>().join(", ")
}
