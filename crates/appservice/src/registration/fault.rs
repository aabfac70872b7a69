//! What is not right about a registration.

use std::fmt;

/// How bad a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// It works, but not as it should, or lets in more than it should.
    Doubtful,
    /// Synapse does not start with it, the gateway cannot work with it, or people's own users are taken.
    Wrong,
}

impl Severity {
    /// Its word in data.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Doubtful => "doubtful",
            Self::Wrong => "wrong",
        }
    }
}

/// One fault, with what to do about it. No token is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    severity: Severity,
    line: Option<usize>,
    message: String,
    hint: String,
}

impl Fault {
    pub(super) fn wrong(line: Option<usize>, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { severity: Severity::Wrong, line, message: message.into(), hint: hint.into() }
    }

    pub(super) fn doubtful(line: Option<usize>, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { severity: Severity::Doubtful, line, message: message.into(), hint: hint.into() }
    }

    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Whether nothing works with it.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        self.severity == Severity::Wrong
    }

    /// The line that it stands in, from 1; `None` for what is missing, or follows from several.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// What is wrong, in one sentence without an end.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
