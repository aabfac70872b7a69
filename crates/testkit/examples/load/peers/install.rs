//! Other programs, below the target folder and without root.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::report::folder;

/// Where they are.
pub(super) fn place() -> Result<PathBuf, String> {
    let place = folder().join("peers");
    let made = fs::create_dir_all(&place).and_then(|()| place.canonicalize());
    made.map_err(|e| format!("cannot make {}: {e}", place.display()))
}

/// Runs a command; what it printed, or what was tried and what was answered.
pub(super) fn run(command: &mut Command) -> Result<String, String> {
    const TAIL: usize = 3;
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let line = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    let output = command.output().map_err(|e| format!("`{line}` does not start: {e}"))?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    if output.status.success() {
        return Ok(said);
    }
    let lines: Vec<_> = said.lines().collect();
    let tail = lines[lines.len().saturating_sub(TAIL)..].join(" | ");
    Err(format!("`{line}` failed ({}): {tail}", output.status))
}
