//! What was found, told as it is found.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::shell;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Note,
    /// Not looked at, since something before it is wrong.
    Skipped,
    /// Works, and should be looked at.
    Warning,
    /// Keeps messages from their room, or strangers from staying out.
    Fault,
}

impl Level {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Skipped => "skipped",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }

    /// As terminals colour it (ECMA-48, "Select Graphic Rendition").
    const fn colour(self) -> &'static str {
        match self {
            Self::Ok => "32",
            Self::Note | Self::Skipped => "2",
            Self::Warning => "33",
            Self::Fault => "1;31",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    /// The cause in a word that does not change.
    code: &'static str,
    level: Level,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// All that was found.
#[derive(Serialize)]
pub(super) struct Report<'o, 'w> {
    findings: Vec<Finding>,
    /// Where each is told at once; nowhere where the whole is wanted at the end.
    #[serde(skip)]
    told: Option<&'o mut Output<'w>>,
    /// The config root as it was named, for the commands in hints.
    #[serde(skip)]
    named: Option<PathBuf>,
    /// The config root.
    #[serde(skip)]
    root: PathBuf,
}

impl<'o, 'w> Report<'o, 'w> {
    /// Tells `told` of each finding, if anybody; `root` is the config root, and `named` as it was named, if it was.
    pub(super) fn new(told: Option<&'o mut Output<'w>>, named: Option<&Path>, root: &Path) -> Self {
        Self { findings: Vec::new(), told, named: named.map(Path::to_owned), root: root.to_owned() }
    }

    /// How the doctor is run as the user whom the units in `deploy` have; sudo keeps no environment.
    pub(super) fn as_the_gateway(&self) -> String {
        shell::command("sudo -u meshhook meshhook doctor", Some(&self.root))
    }

    /// A command for a hint, about the configuration that is looked at.
    pub(super) fn command(&self, command: &str) -> String {
        shell::command(command, self.named.as_deref())
    }

    pub(super) fn ok(&mut self, check: &'static str, text: impl Into<String>) -> Result<(), Failure> {
        self.add(check, "ok", Level::Ok, text.into(), None)
    }

    pub(super) fn note(
        &mut self,
        (check, code): (&'static str, &'static str),
        text: impl Into<String>,
        hint: impl Into<String>,
    ) -> Result<(), Failure> {
        self.add(check, code, Level::Note, text.into(), Some(hint.into()))
    }

    pub(super) fn skipped(&mut self, check: &'static str, why: impl Into<String>) -> Result<(), Failure> {
        self.add(check, "skipped", Level::Skipped, why.into(), None)
    }

    pub(super) fn warning(
        &mut self,
        (check, code): (&'static str, &'static str),
        text: impl Into<String>,
        hint: impl Into<String>,
    ) -> Result<(), Failure> {
        self.add(check, code, Level::Warning, text.into(), Some(hint.into()))
    }

    pub(super) fn fault(
        &mut self,
        (check, code): (&'static str, &'static str),
        text: impl Into<String>,
        hint: impl Into<String>,
    ) -> Result<(), Failure> {
        self.add(check, code, Level::Fault, text.into(), Some(hint.into()))
    }

    fn add(
        &mut self,
        check: &'static str,
        code: &'static str,
        level: Level,
        text: String,
        hint: Option<String>,
    ) -> Result<(), Failure> {
        let finding = Finding { check, code, level, text, hint };
        if let Some(output) = &mut self.told {
            tell(&finding, output)?;
        }
        self.findings.push(finding);
        Ok(())
    }

    fn count(&self, level: Level) -> u64 {
        self.findings.iter().filter(|finding| finding.level == level).map(|_| 1).sum()
    }

    /// The causes, in the order in which they were found.
    #[cfg(test)]
    pub(super) fn codes(&self) -> Vec<&'static str> {
        self.findings.iter().map(|finding| finding.code).collect()
    }

    /// Fails where there is a fault.
    pub(super) fn verdict(&self) -> Result<(), Failure> {
        let (faults, warnings) = (self.count(Level::Fault), self.count(Level::Warning));
        if faults == 0 {
            return Ok(());
        }
        let found = format!("{}, {}", counted(faults, "fault"), counted(warnings, "warning"));
        Err(Failure::new(
            Exit::NotSo,
            found,
            "mend the first one and ask again: it may be the cause of others",
        ))
    }
}

/// `1 fault`, `2 faults`, `1 delivery`, `2 deliveries`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    match (count, noun.strip_suffix("ry")) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{count} {stem}ries"),
        (_, None) => format!("{count} {noun}s"),
    }
}

fn tell(finding: &Finding, output: &mut Output<'_>) -> Result<(), Failure> {
    let Finding { check, level, text, hint, .. } = finding;
    let word = format!("{:<8}", level.word());
    let word = if output.colour { format!("\u{1b}[{}m{word}\u{1b}[0m", level.colour()) } else { word };
    output.raw(&format!("{word} {check:<14} {}\n", crate::output::shown(text)))?;
    match hint {
        None => Ok(()),
        Some(hint) => output.raw(&format!("{:24}hint: {}\n", "", crate::output::shown(hint))),
    }
}
