//! Running other programs.

use std::io::{BufRead, BufReader, Write, pipe, stdout};
use std::process::{Command, Stdio};

use crate::Outcome;

/// Runs a command with our own input and output; an error unless it succeeds.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|e| cannot_run(command, &e))?;
    if status.success() { Ok(()) } else { Err(format!("`{}` failed ({status})", line(command))) }
}

/// Runs a command and returns what it wrote to stdout; its stderr is ours.
pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let output = command.stderr(Stdio::inherit()).output().map_err(|e| cannot_run(command, &e))?;
    if !output.status.success() {
        return Err(format!("`{}` failed ({})", line(command), output.status));
    }
    String::from_utf8(output.stdout).map_err(|e| format!("`{}` printed other than UTF-8: {e}", line(command)))
}

/// Runs a command, shows each line it writes, to either stream and in order, and hands it to `seen`.
///
/// Returns whether the command succeeded.
pub(crate) fn watch(command: &mut Command, seen: &mut dyn FnMut(&str)) -> Outcome<bool> {
    let failed = |e| format!("cannot read what a command writes: {e}");
    let (reader, writer) = pipe().map_err(failed)?;
    command.stdout(writer.try_clone().map_err(failed)?).stderr(writer);
    let mut child = command.spawn().map_err(|e| cannot_run(command, &e))?;
    // The command keeps the pipe's writing end, and as long as one is open the reader waits.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut reader = BufReader::new(reader);
    let mut raw = Vec::new();
    while reader.read_until(b'\n', &mut raw).map_err(failed)? > 0 {
        stdout().write_all(&raw).map_err(failed)?;
        seen(String::from_utf8_lossy(&raw).trim_end());
        raw.clear();
    }
    let status = child.wait().map_err(|e| cannot_run(command, &e))?;
    Ok(status.success())
}

fn cannot_run(command: &Command, error: &std::io::Error) -> String {
    format!("cannot run `{}`: {error}", line(command))
}

/// The command as a person would type it.
pub(crate) fn line(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args()).map(|word| word.to_string_lossy());
    words.collect::<Vec<_>>().join(" ")
}
