//! `[log]`: how the gateway speaks to its operator.

use crate::document::Section;
use crate::value::word;

/// `[log]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Log {
    /// How a line looks.
    pub format: LogFormat,
    /// From which level on lines are written.
    pub level: Level,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// From which level on lines are written. There is no trace: libraries would write what they carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Level {
    /// What failed.
    Error,
    /// And what may come to fail.
    Warn,
    /// And what happens.
    #[default]
    Info,
    /// And how.
    Debug,
}

const FORMATS: [(&str, LogFormat); 2] = [("text", LogFormat::Text), ("json", LogFormat::Json)];
const LEVELS: [(&str, Level); 4] =
    [("error", Level::Error), ("warn", Level::Warn), ("info", Level::Info), ("debug", Level::Debug)];

impl LogFormat {
    /// Its word in gateway.toml.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

impl Level {
    /// Its word in gateway.toml.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

pub(crate) fn read(mut section: Section<'_>) -> Log {
    let log = Log {
        format: section.get("format", |value| word(value, &FORMATS)).unwrap_or_default(),
        level: section.get("level", |value| word(value, &LEVELS)).unwrap_or_default(),
    };
    section.finish();
    log
}
