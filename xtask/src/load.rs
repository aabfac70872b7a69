//! `cargo xtask load`: the testkit's example that loads the gateway, built as it is released.

use std::fs;
use std::os::unix::process::CommandExt;

use crate::process;
use crate::{Outcome, Workspace, synapse};

/// What is measured beside a real homeserver.
const WITH_SYNAPSE: [&str; 2] = ["latency", "peers"];

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    workspace.require_tools()?;
    println!("Building the gateway as it is released …");
    let packages = ["-p", "meshhook-gateway", "-p", "meshhook-testkit"];
    let targets = ["--bin", "meshhook-gateway", "--example", "load", "--example", "floor"];
    process::run(workspace.cargo().args(["build", "--release"]).args(targets).args(packages))?;
    // Stores are to be on a real disk, which a system's temporary folder need not be.
    let scratch = workspace.target.join("tmp");
    fs::create_dir_all(&scratch).map_err(|e| format!("cannot make {}: {e}", scratch.display()))?;
    let mut program = workspace.command(workspace.target.join("release/examples/load"));
    if arguments.first().is_some_and(|measured| WITH_SYNAPSE.contains(&measured.as_str())) {
        program.env("SYNAPSE_PYTHON", synapse::python(workspace)?);
    }
    let failure = program.args(arguments).env("TMPDIR", scratch).exec();
    Err(format!("cannot run the load: {failure}"))
}
