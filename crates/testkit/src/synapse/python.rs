//! Synapse's Python, for what it and its libraries do best.

use std::process::{Command, Output};

use crate::synapse_python;

/// Runs it and returns what it printed.
///
/// # Panics
/// When it fails; the message has what it said.
pub(crate) fn run(args: &[&str]) -> String {
    let python = synapse_python();
    let Output { status, stdout, stderr } = match Command::new(&python).args(args).output() {
        Ok(output) => output,
        Err(e) => panic!("{} does not start: {e}", python.display()),
    };
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(
        status.success(),
        "{} has no working matrix-synapse (run `cargo xtask test`, or set SYNAPSE_PYTHON):\n{stderr}",
        python.display()
    );
    stdout.trim().to_owned()
}
