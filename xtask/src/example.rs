//! The testkit's examples, which run the gateway: `cargo xtask demo`, from a signed POST to a room of a real Synapse,
//! and `cargo xtask soak`, where everything goes wrong.

use std::fs;
use std::os::unix::process::CommandExt;

use crate::process;
use crate::{Outcome, Workspace, synapse};

pub(crate) fn demo(workspace: &Workspace, arguments: &[String]) -> Outcome {
    run(workspace, "demo", arguments)
}

pub(crate) fn soak(workspace: &Workspace, arguments: &[String]) -> Outcome {
    run(workspace, "soak", arguments)
}

fn run(workspace: &Workspace, example: &str, arguments: &[String]) -> Outcome {
    workspace.require_tools()?;
    let python = synapse::python(workspace)?;
    println!("Building the programs …");
    let packages = ["-p", "meshhook-gateway", "-p", "meshhook", "-p", "meshhook-testkit"];
    process::run(workspace.cargo().args(["build", "--bins", "--example", example]).args(packages))?;
    // What a killed one leaves behind stays below the build directory.
    let scratch = workspace.target.join("tmp");
    fs::create_dir_all(&scratch).map_err(|e| format!("cannot make {}: {e}", scratch.display()))?;
    let mut program = workspace.command(workspace.built(&format!("examples/{example}")));
    let failure = program.args(arguments).env("SYNAPSE_PYTHON", python).env("TMPDIR", scratch).exec();
    Err(format!("cannot run the {example}: {failure}"))
}
