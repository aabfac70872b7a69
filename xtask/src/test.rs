//! `cargo xtask test`: every test, and proof that every suite ran.

use crate::artifacts;
use crate::process;
use crate::suites::{Counts, Tally, expected};
use crate::{Outcome, Workspace, synapse};

/// The packages of the programs that tests start; each has its package's name.
const PROGRAMS: [&str; 2] = ["meshhook-gateway", "meshhook"];

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    workspace.require_tools()?;
    let expected = expected(&workspace.root)?;
    let python = synapse::python(workspace)?;
    let test = || {
        let mut cargo = workspace.cargo();
        cargo.arg("test").env("SYNAPSE_PYTHON", &python);
        cargo
    };
    if !arguments.is_empty() {
        build_programs(workspace)?;
        return process::run(test().args(arguments));
    }
    // Builds the programs too, before the first test needs one.
    let build = ["--workspace", "--no-run", "--message-format=json-render-diagnostics"];
    let messages = process::output(test().args(build))?;
    if let Some(program) = PROGRAMS.iter().find(|program| !workspace.built(program).exists()) {
        return Err(format!("cargo did not build {program}"));
    }
    let mut tally = Tally::new(&artifacts::read(&messages, &workspace.root));
    let all = ["--workspace", "--no-fail-fast"];
    let ended_well = process::watch(test().args(all), &mut |line| tally.line(line))?;
    conclude(&tally, &tally.faults(&expected), ended_well)
}

fn build_programs(workspace: &Workspace) -> Outcome {
    let packages = PROGRAMS.iter().flat_map(|package| ["-p", *package]);
    process::run(workspace.cargo().args(["build", "--bins"]).args(packages))?;
    // The testkit's own program, which its tests kill.
    process::run(workspace.cargo().args(["build", "-p", "meshhook-testkit", "--example", "floor"]))
}

fn conclude(tally: &Tally, faults: &[String], ended_well: bool) -> Outcome {
    let Counts { passed, failed, .. } = tally.total();
    println!("\n{}", tally.table());
    for fault in faults {
        println!("  {fault}");
    }
    println!("{passed} passed, {failed} failed");
    match faults {
        [] if ended_well && failed == 0 => Ok(()),
        [] => Err("tests failed".to_owned()),
        _ => Err(format!("{} of the suites did not run as they should", faults.len())),
    }
}
