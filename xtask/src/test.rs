//! `cargo xtask test`: every test, and proof that every suite ran.

use crate::artifacts;
use crate::process;
use crate::suites::{Counts, Tally, expected};
use crate::{Outcome, Workspace, synapse};

/// The programs that tests start, by the packages' build.
const PROGRAMS: [&str; 2] = ["meshhook-gateway", "meshhook"];

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    workspace.require_tools()?;
    let expected = expected(&workspace.root)?;
    let python = synapse::python(workspace)?;
    let test = || {
        let mut cargo = workspace.cargo();
        cargo.args(["test", "--workspace"]).env("SYNAPSE_PYTHON", &python);
        cargo
    };
    // Also builds the programs, before the first test needs one.
    let messages = process::output(test().args(["--no-run", "--message-format=json-render-diagnostics"]))?;
    if let Some(program) = PROGRAMS.iter().find(|program| !workspace.built(program).exists()) {
        return Err(format!("cargo did not build {program}"));
    }
    if !arguments.is_empty() {
        return process::run(test().args(arguments));
    }
    let mut tally = Tally::new(&artifacts::read(&messages, &workspace.root));
    let ended_well = process::watch(test().arg("--no-fail-fast"), &mut |line| tally.line(line))?;
    conclude(&tally, &tally.faults(&expected), ended_well)
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
