//! What is wrong with a configuration, where, and how to put it right.

use std::fmt;
use std::path::{Path, PathBuf};

/// One thing to put right: a file, a line where there is one, what is wrong, and one hint.
///
/// It never holds a secret: values of keys that name secrets are not repeated, and of a file's content nothing is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {message}\nhint: {hint}", file.display(), Line(*line))]
pub struct Fault {
    file: PathBuf,
    line: Option<usize>,
    message: String,
    hint: String,
    missing: bool,
    denied: bool,
}

impl Fault {
    pub(crate) fn new(file: &Path, line: Option<usize>, wrong: Wrong) -> Self {
        let Wrong { message, hint, missing, denied } = wrong;
        Self { file: file.to_owned(), line, message, hint, missing, denied }
    }

    /// Whether nothing is wrong but that a file which gateway.toml names is not there.
    pub(crate) const fn is_missing_file(&self) -> bool {
        self.missing
    }

    /// The file that has to be changed.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Whether a file could not be looked at for want of a permission: another user may find it right.
    #[must_use]
    pub const fn is_denied(&self) -> bool {
        self.denied
    }

    /// The line in it, from 1; `None` where the fault is that something is missing, or the file itself.
    #[must_use]
    pub const fn line(&self) -> Option<usize> {
        self.line
    }

    /// What is wrong, in one line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it, in one line.
    #[must_use]
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

struct Line(Option<usize>);

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}

/// Every fault of a configuration, in the order of its lines; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// `Ok` where there is no fault.
    pub(crate) fn none(mut faults: Vec<Fault>) -> Result<(), Self> {
        if faults.is_empty() {
            return Ok(());
        }
        faults.sort_by_key(|fault| fault.line);
        Err(Self(faults))
    }

    /// The faults.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.0.iter()
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl<'f> IntoIterator for &'f Faults {
    type Item = &'f Fault;
    type IntoIter = std::slice::Iter<'f, Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.0.iter().enumerate() {
            write!(f, "{}{fault}", if i == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// A fault before it is known where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) message: String,
    pub(crate) hint: String,
    /// Whether nothing is wrong but that a file is not there.
    pub(crate) missing: bool,
    /// Whether nothing is wrong but that this process may not read a file.
    pub(crate) denied: bool,
}

impl Wrong {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into(), missing: false, denied: false }
    }

    /// The same with another hint.
    pub(crate) fn hinted(self, hint: &str) -> Self {
        Self { hint: hint.to_owned(), ..self }
    }

    /// The same, said of `what`.
    pub(crate) fn of(self, what: &str) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }
}
