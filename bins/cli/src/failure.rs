//! How a command ends that does not end well.

use std::io;
use std::process::ExitCode;

use meshhook_config::{Fault, Faults};

use crate::output::Output;

/// Why a command could not do what was asked; each has its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The thing asked for is not so.
    NotSo = 1,
    /// Wrong usage.
    Usage = 2,
    /// The gateway cannot be reached.
    Unreachable = 3,
    /// The gateway refused.
    Refused = 4,
    /// A wrong configuration or secret file (`EX_CONFIG` of sysexits.h).
    Configuration = 78,
}

/// What is said about it.
#[derive(Debug)]
pub(crate) enum Failure {
    /// One fault, with what to do about it.
    Told { exit: Exit, message: String, hint: String },
    /// The faults of a configuration.
    Configuration(Faults),
    /// Whoever read the output has gone, and nobody is left to be told.
    ReaderGone,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Told { exit, message: message.into(), hint: hint.into() }
    }

    /// What is wrong, in one line.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Told { message, .. } => message.clone(),
            Self::Configuration(faults) => faults.iter().map(place).collect::<Vec<_>>().join("; "),
            Self::ReaderGone => String::new(),
        }
    }

    /// What to do about it, in one line.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Told { hint, .. } => hint.clone(),
            Self::Configuration(faults) => faults.iter().next().map_or("", Fault::hint).to_owned(),
            Self::ReaderGone => String::new(),
        }
    }

    /// The exit code that it leads to.
    pub(crate) fn exit(&self) -> Option<Exit> {
        match self {
            Self::Told { exit, .. } => Some(*exit),
            Self::Configuration(_) => Some(Exit::Configuration),
            Self::ReaderGone => None,
        }
    }

    /// Says it on stderr; answers with the exit code.
    pub(crate) fn report(&self, output: &Output<'_>) -> ExitCode {
        let exit = match self {
            Self::ReaderGone => return ExitCode::SUCCESS,
            Self::Told { exit, message, hint } => {
                output.error(message, hint);
                *exit
            }
            Self::Configuration(faults) => {
                for fault in faults {
                    output.error(&place(fault), fault.hint());
                }
                Exit::Configuration
            }
        };
        ExitCode::from(exit as u8)
    }
}

/// A fault's file, line and message.
pub(crate) fn place(fault: &Fault) -> String {
    let file = fault.file().display();
    let line = fault.line().map(|line| format!(":{line}")).unwrap_or_default();
    format!("{file}{line}: {}", fault.message())
}

impl From<Faults> for Failure {
    fn from(faults: Faults) -> Self {
        Self::Configuration(faults)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Configuration(fault.into())
    }
}

/// Of writing the output: whatever else is read or written says more about it.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderGone,
            kind => Self::new(
                Exit::NotSo,
                format!("the output could not be written: {kind}"),
                "is the disk full?",
            ),
        }
    }
}
