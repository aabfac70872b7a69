//! `cargo xtask demo`: from a signed POST to a room of a real Synapse.

use std::fs;
use std::os::unix::process::CommandExt;

use crate::process;
use crate::{Outcome, Workspace, synapse};

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    workspace.require_tools()?;
    let python = synapse::python(workspace)?;
    println!("Building the gateway …");
    let packages = ["-p", "meshhook-gateway", "-p", "meshhook-testkit"];
    process::run(workspace.cargo().args(["build", "--bins", "--example", "demo"]).args(packages))?;
    // What a killed demo leaves behind stays below the build directory.
    let scratch = workspace.target.join("tmp");
    fs::create_dir_all(&scratch).map_err(|e| format!("cannot make {}: {e}", scratch.display()))?;
    let mut demo = workspace.command(workspace.built("examples/demo"));
    let failure = demo.args(arguments).env("SYNAPSE_PYTHON", python).env("TMPDIR", scratch).exec();
    Err(format!("cannot run the demo: {failure}"))
}
