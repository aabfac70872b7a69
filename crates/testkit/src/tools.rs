//! What a machine may have to look at a file with: where it has not, this says so, and looks as far as it can.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a man page shows.
///
/// # Panics
/// When it is none, or a reader of man pages complains.
#[must_use]
pub fn man(page: &Path) -> String {
    let text = std::fs::read_to_string(page).unwrap_or_else(|e| panic!("{}: {e}", page.display()));
    assert!(text.contains(".TH ") && text.contains(".SH NAME"), "no man page:\n{text}");
    if has("mandoc") {
        let said = run(Command::new("mandoc").args(["-T", "lint", "-W", "error"]).arg(page), b"");
        assert!(said.is_empty(), "{said}");
        return plain(&run(Command::new("mandoc").args(["-T", "ascii"]).arg(page), b""));
    }
    if has("man") {
        return run(Command::new("man").arg("-l").arg(page).env("LC_ALL", "C").env("MANWIDTH", "200"), b"");
    }
    say("no mandoc and no man here: the page is looked at as text");
    text.replace("\\-", "-")
}

/// A text without its bold letters: those are each struck over themselves.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        if c == '\u{8}' {
            plain.pop();
        } else {
            plain.push(c);
        }
    }
    plain
}

/// Has a shell read a script without running it.
///
/// # Panics
/// When it cannot.
pub fn parses(shell: &str, script: &[u8]) {
    assert!(script.len() > 100, "an empty script for {shell}");
    if has(shell) {
        let flag = if shell == "fish" { "--no-execute" } else { "-n" };
        run(Command::new(shell).arg(flag).stdin(Stdio::piped()), script);
    } else {
        say(&format!("no {shell} here: its script is looked at by nobody"));
    }
}

fn has(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(tool).exists())
}

/// What a tool says to this, which has to be content.
fn run(command: &mut Command, input: &[u8]) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    // It may end before it has read all.
    let _ = child.stdin.take().expect("it is piped").write_all(input);
    let output = child.wait_with_output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Past the test harness, which keeps what is printed to itself: whoever runs the tests is to know what they left out.
fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}
