//! `meshhook normalize`: what a body says, in the vocabulary.

use clap::Args;
use serde::Serialize;

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
    /// Print JSON, as is done anyway
    #[arg(long = "json")]
    _json: bool,
}

#[derive(Serialize)]
struct Printed<'s, S> {
    reading: &'s str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'s str>,
    status: S,
}

impl Normalize {
    pub(crate) fn run(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        match self.read.understood()? {
            Understood::Event(status) => output.json(&Printed { reading: "event", reason: None, status }),
            Understood::Silent { reading, reason, details } => {
                output.json(&Printed { reading, reason: Some(reason), status: details })
            }
        }
    }
}
