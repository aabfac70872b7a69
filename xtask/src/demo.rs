//! `cargo xtask demo`: from a signed POST to a room of a real Synapse.

use crate::process;
use crate::{Outcome, Workspace, synapse};

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    workspace.require_tools()?;
    let python = synapse::python(workspace)?;
    println!("Building the gateway …");
    let packages = ["-p", "meshhook-gateway", "-p", "meshhook-testkit"];
    process::run(workspace.cargo().args(["build", "--quiet", "--bins", "--example", "demo"]).args(packages))?;
    let demo = workspace.built("examples/demo");
    process::run(workspace.command(demo).args(arguments).env("SYNAPSE_PYTHON", python))
}
