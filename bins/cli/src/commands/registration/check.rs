//! `meshhook registration check`: one copy, or both beside each other.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use meshhook_appservice::Registration;
use meshhook_appservice::registration::{Difference, Fault, LONGEST, Reading, compare};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::failure::{Exit, Failure};
use crate::output::Output;

/// Whose users are tried where nobody says on which homeserver.
const ANY: &str = "example.org";

const AFTER: &str = "\
A fault is `wrong` where Synapse does not start with it, the gateway cannot work with it, or people's users are taken; \
`doubtful` where it works, but not as it should. No token is shown.

Exit codes: 0 sound, and the same · 1 a fault or a difference was found · 2 a file cannot be read";

/// Look at a registration as Synapse reads it, and compare the homeserver's copy with ours
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Check {
    /// The gateway's copy, `-` for stdin
    #[arg(value_name = "OURS")]
    ours: PathBuf,
    /// The homeserver's copy, `-` for stdin
    #[arg(value_name = "THEIRS")]
    theirs: Option<PathBuf>,
    /// The homeserver's name [default: as a pattern tells it]
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// A copy, and what is not right about it.
struct Copy<'c> {
    file: &'c Path,
    reading: Reading,
    of_users: Vec<Fault>,
}

impl Check {
    pub(crate) fn run(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        let is_stdin = |file: &Path| file == Path::new("-");
        if is_stdin(&self.ours) && self.theirs.as_deref().is_some_and(is_stdin) {
            let hint = "name one of them";
            return Err(Failure::new(Exit::Usage, "both copies cannot be on stdin", hint));
        }
        let files = std::iter::once(&self.ours).chain(&self.theirs);
        let mut copies = files.map(|file| Copy::read(file)).collect::<Result<Vec<_>, _>>()?;
        self.look_at_users(&mut copies, output);
        let differences = differences(&copies);
        if self.json {
            output.json(&report(&copies, differences.as_deref()))?;
        } else {
            tell(&copies, differences.as_deref(), output)?;
        }
        verdict(&copies, differences.as_deref())
    }

    fn look_at_users(&self, copies: &mut [Copy<'_>], output: &Output<'_>) {
        let mut names = copies.iter().filter_map(|copy| copy.reading.server_name());
        let name = self.server_name.clone().or_else(|| names.next());
        if name.is_none() && copies.iter().any(|copy| copy.reading.registration().is_some()) {
            output.note(&format!(
                "no pattern tells the homeserver's name, so {ANY} is tried; tell it by --server-name"
            ));
        }
        let name = name.as_deref().unwrap_or(ANY);
        for copy in copies {
            copy.of_users = copy.reading.look_at_users(name);
        }
    }
}

impl<'c> Copy<'c> {
    fn read(file: &'c Path) -> Result<Self, Failure> {
        let text = text(file).map_err(|error| {
            let hint = "name the registration's file, or - for stdin";
            Failure::new(Exit::Usage, format!("{}: {error}", file.display()), hint)
        })?;
        Ok(Self { file, reading: Registration::read(&text), of_users: Vec::new() })
    }

    fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.reading.faults().iter().chain(&self.of_users)
    }

    fn json(&self) -> Value {
        let faults = self.faults().map(|fault| {
            json!({
                "severity": fault.severity().as_str(),
                "line": fault.line(),
                "message": fault.message(),
                "hint": fault.hint(),
            })
        });
        json!({ "file": self.file.display().to_string(), "faults": faults.collect::<Vec<_>>() })
    }
}

/// A file's text, though no more than one that is too long. Bytes that are no UTF-8 are as wrong as any control
/// character.
fn text(file: &Path) -> io::Result<Zeroizing<String>> {
    let limit = LONGEST + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit));
    if file == Path::new("-") {
        io::stdin().lock().take(limit as u64).read_to_end(&mut bytes)?;
    } else {
        File::open(file)?.take(limit as u64).read_to_end(&mut bytes)?;
    }
    Ok(Zeroizing::new(match std::str::from_utf8(&bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => String::from_utf8_lossy(&bytes).replace(char::REPLACEMENT_CHARACTER, "\0"),
    }))
}

/// `None` where there are no two to be compared.
fn differences(copies: &[Copy<'_>]) -> Option<Vec<Difference>> {
    let [ours, theirs] = copies else { return None };
    Some(compare(ours.reading.registration()?, theirs.reading.registration()?))
}

fn report(copies: &[Copy<'_>], differences: Option<&[Difference]>) -> Value {
    let differences = differences.map(|differences| {
        differences.iter().map(|is| json!({ "key": is.key(), "message": is.message() })).collect::<Vec<_>>()
    });
    json!({
        "ours": copies.first().map(Copy::json),
        "theirs": copies.get(1).map(Copy::json),
        "differences": differences,
    })
}

fn tell(
    copies: &[Copy<'_>],
    differences: Option<&[Difference]>,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    for copy in copies {
        for fault in copy.faults() {
            let line = fault.line().map(|line| format!(":{line}")).unwrap_or_default();
            let severity = fault.severity().as_str();
            output.line(&format!("{}{line}: {severity}: {fault}", copy.file.display()))?;
            output.line(&format!("  hint: {}", fault.hint()))?;
        }
    }
    for difference in differences.unwrap_or_default() {
        output.line(&format!("difference: {difference}"))?;
    }
    if copies.len() == 2 && differences.is_none() {
        output.line("not compared: one of them is no whole registration")?;
    }
    if found(copies, differences) == (0, 0) {
        output.line(if copies.len() == 2 { "sound, and both the same" } else { "sound" })?;
    }
    Ok(())
}

/// How many faults and how many differences there are.
fn found(copies: &[Copy<'_>], differences: Option<&[Difference]>) -> (usize, usize) {
    (copies.iter().map(|copy| copy.faults().count()).sum(), differences.map_or(0, <[_]>::len))
}

/// Nothing found is fine.
fn verdict(copies: &[Copy<'_>], differences: Option<&[Difference]>) -> Result<(), Failure> {
    let count = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    let message = match found(copies, differences) {
        (0, 0) => return Ok(()),
        (faults, 0) => count(faults, "fault"),
        (0, differences) => count(differences, "difference"),
        (faults, differences) => {
            format!("{} and {}", count(faults, "fault"), count(differences, "difference"))
        }
    };
    let hint = "mend it in both copies, and restart both Synapse and the gateway";
    Err(Failure::new(Exit::NotSo, message, hint))
}
