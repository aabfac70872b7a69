//! `[appservice] registration_file`: the file that the homeserver has a copy of, with two secrets in it.

use std::path::{Path, PathBuf};

use meshhook_appservice::Registration;
use meshhook_appservice::registration::Fault as Found;

use crate::document::{Placed, Section};
use crate::fault::{Fault, Faults, Wrong};
use crate::file::{self, Content, FileError, Limits};
use crate::shared::{self, Secrets};
use crate::value::text;

/// A secret file like any other, but for its length.
const LIMITS: Limits = Limits { forbidden: file::SECRET, bytes: 16 * 1024 };
const KEY: &str = "registration_file";
const OWNER: &str = "[appservice] registration_file";

/// Reads an application service's registration, by the same rules as at the start; for use while the gateway runs.
///
/// # Errors
/// All that is wrong with the file or its content.
pub fn read_registration(path: &Path) -> Result<Registration, Faults> {
    let content = open(path).map_err(|error| Fault::new(path, None, error.into()))?;
    let read = Registration::read(&content.text).usable();
    read.map(|(registration, _)| registration).map_err(|found| {
        let faults = found.iter().map(|found| Fault::new(path, found.line(), wrong(found))).collect();
        Faults::none(faults).expect_err("what is no registration says why")
    })
}

/// The registration that a section names, and its path.
pub(crate) fn named(section: &mut Section<'_>, secrets: &Secrets<'_>) -> Option<(PathBuf, Registration)> {
    let Placed { value: file, span } = section.placed(KEY, |value| {
        let name = text(value)?;
        let path = secrets.root().join(name);
        let content = open(&path).map_err(|error| shared::named(name, error.into()))?;
        Ok((name.to_owned(), path, content))
    })?;
    let (name, path, content) = file;
    let placed = |found: &Found| {
        let line = found.line().map(|line| format!(":{line}")).unwrap_or_default();
        wrong(found).of(&format!("{name}{line}"))
    };
    let (registration, doubtful) = Registration::read(&content.text)
        .usable()
        .map_err(|found| found.iter().for_each(|found| section.fault_at(&span, KEY, placed(found))))
        .ok()?;
    doubtful.iter().for_each(|found| section.warn_at(&span, KEY, placed(found)));
    for token in [&registration.as_token, &registration.hs_token] {
        if let Err(wrong) = secrets.take(OWNER, content.id, token) {
            section.fault_at(&span, KEY, wrong.of(&name));
        }
    }
    Some((path, registration))
}

fn open(path: &Path) -> Result<Content, FileError> {
    let content = file::read(path, LIMITS)?;
    file::check_place(path)?;
    Ok(content)
}

fn wrong(found: &Found) -> Wrong {
    Wrong::new(found.message(), found.hint())
}
