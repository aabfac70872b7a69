//! `POST /reload`.

use hyper::StatusCode;
use meshhook_config::{Change, ChangeKind, Fault};
use serde::Serialize;
use serde_json::json;

use super::{Admin, Answered};
use crate::answer::json;
use crate::problem::{self, Problem};
use crate::reload::{ReloadError, Reloaded};

impl Admin {
    /// Takes the configuration over as it is on the disk, or says why not.
    pub(super) fn reload(&self) -> Answered {
        let Reloaded { changes, warnings, .. } = self.reloader.reload().map_err(|why| refused(&why))?;
        let changes: Vec<_> = changes.iter().map(Differing::from).collect();
        let warnings: Vec<_> = warnings.iter().map(Wrong::from).collect();
        Ok(json(StatusCode::OK, &json!({ "changes": changes, "warnings": warnings })))
    }
}

fn refused(why: &ReloadError) -> Problem {
    match why {
        ReloadError::Faults(faults) => {
            let faults: Vec<_> = faults.iter().map(Wrong::from).collect();
            Problem::new(&problem::CONFIGURATION_FAULTS, "Nothing of it is in force.", "faults")
                .with_members(json!({ "faults": faults }))
        }
        ReloadError::NeedsRestart(changes) => {
            let changes: Vec<_> = changes.iter().map(Differing::from).collect();
            Problem::new(&problem::NEEDS_RESTART, "Nothing of it is in force.", "needs_restart")
                .with_members(json!({ "changes": changes }))
        }
        why => Problem::unavailable("reload_failed").because(why.to_string()),
    }
}

/// What differs.
#[derive(Serialize)]
struct Differing<'a> {
    what: &'a str,
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    was: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is: Option<&'a str>,
}

impl<'a> From<&'a Change> for Differing<'a> {
    fn from(change: &'a Change) -> Self {
        let (word, values) = match &change.kind {
            ChangeKind::Added => ("added", None),
            ChangeKind::Removed => ("removed", None),
            ChangeKind::Value { was, is } => ("changed", Some((was.as_str(), is.as_str()))),
            _ => ("changed", None),
        };
        let (was, is) = values.unzip();
        Self { what: &change.what, change: word, was, is }
    }
}

/// What is wrong, or should be looked at.
#[derive(Serialize)]
struct Wrong<'a> {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    message: &'a str,
    hint: &'a str,
}

impl<'a> From<&'a Fault> for Wrong<'a> {
    fn from(fault: &'a Fault) -> Self {
        let file = fault.file().display().to_string();
        Self { file, line: fault.line(), message: fault.message(), hint: fault.hint() }
    }
}
