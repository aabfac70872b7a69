//! `meshhook normalize`: what a body says, in the vocabulary.

use std::collections::BTreeMap;
use std::io;

use clap::Args;
use meshhook_model::{BuildStatus, Details};
use meshhook_normalize::Explanation;
use serde::Serialize;
use serde_json::Value;

use crate::failure::Failure;
use crate::output::Output;
use crate::reading::{ReadArgs, Understood};

/// Print what a body says, as one line of JSON
///
/// `reading` is event, ignored or unreadable, the latter two with a `reason`; `status` holds the vocabulary's fields,
/// absent ones left out.
#[derive(Args)]
pub(crate) struct Normalize {
    #[command(flatten)]
    read: ReadArgs,
    /// Print a table that tells which place of the body gave which field, as JSON pointers
    #[arg(long)]
    explain: bool,
    /// Print JSON, as is done anyway; with --explain, the pointers as `from`
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Printed<'s> {
    reading: &'s str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'s str>,
    status: Status<'s>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<BTreeMap<&'s str, &'s [String]>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Status<'s> {
    Whole(&'s BuildStatus),
    Details(&'s Details),
}

impl Normalize {
    pub(crate) fn run(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        if !self.explain {
            return output.json(&printed(&self.read.understood()?, None));
        }
        let (understood, explanation) = self.read.explained()?;
        let printed = printed(&understood, Some(&explanation));
        if self.json { output.json(&printed) } else { table(&printed, &explanation, output) }
    }
}

fn printed<'s>(understood: &'s Understood, explanation: Option<&'s Explanation>) -> Printed<'s> {
    let from = explanation.map(|explanation| explanation.fields().collect());
    match understood {
        Understood::Event(status) => {
            Printed { reading: "event", reason: None, status: Status::Whole(status), from }
        }
        Understood::Silent { reading, reason, details } => {
            Printed { reading, reason: Some(reason), status: Status::Details(details), from }
        }
    }
}

/// A line a field: its name, its value, and the places of the body that gave it.
fn table(printed: &Printed<'_>, explanation: &Explanation, output: &mut Output<'_>) -> Result<(), Failure> {
    let reason = printed.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    let mut rows = vec![("reading", format!("{}{reason}", printed.reading), explanation.of("event"))];
    let status = serde_json::to_value(&printed.status).map_err(io::Error::from)?;
    for field in Explanation::FIELDS {
        rows.extend(status.get(field).map(|value| (*field, text(value), explanation.of(field))));
    }
    let widest = rows.iter().map(|(_, value, _)| value.chars().count()).max().unwrap_or(0).min(WIDEST);
    rows.iter().try_for_each(|(field, value, pointers)| {
        let from = if explanation.is_constant(field) { "(constant)" } else { &pointers.join("  ") };
        let line = format!("{field:<14}  {value:<widest$}  {from}");
        output.line(line.trim_end())
    })
}

/// How wide the column of the values gets.
const WIDEST: usize = 48;

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
