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
    /// Print the gateway's JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    admin: AdminArgs,
}

impl Audit {
    /// Fails where there is a breach.
    pub(super) fn run(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        let audit = self.admin.open()?.get_within("/deliveries/audit", PATIENCE)?;
        if self.json {
            output.json(&audit)?;
        } else {
            print(&audit, output)?;
        }
        match breaches(&audit).len() {
            0 => Ok(()),
            _ => Err(Failure::new(
                Exit::NotSo,
                "what is on record does not keep to the invariants",
                "this is a fault of the gateway or of its disk: keep a copy of the store's files and report it",
            )),
        }
    }
}

fn breaches(audit: &Value) -> &[Value] {
    audit.get("breaches").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn print(audit: &Value, output: &mut Output<'_>) -> Result<(), Failure> {
    output.line(&format!("looked at: {}", numbers(&audit["looked_at"])))?;
    for breach in breaches(audit) {
        let what = breach["what"].as_str().unwrap_or_default();
        output.line(&format!("invariant {}: {what}", breach["invariant"]))?;
    }
    match audit["more"].as_u64() {
        None | Some(0) => Ok(()),
        Some(more) => output.line(&format!("and {more} more")),
    }
}

fn numbers(counted: &Value) -> String {
    let order = ["deliveries", "messages", "attempts", "subjects", "rooms"];
    order.map(|what| format!("{what} {}", counted[what].as_u64().unwrap_or(0))).join(", ")
}
