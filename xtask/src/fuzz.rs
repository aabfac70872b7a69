//! `cargo xtask fuzz`: every fuzz target for some seconds, where there are a nightly compiler and cargo-fuzz.

use std::fs;
use std::process::Command;

use crate::{Outcome, Workspace, process};

/// As listed in `fuzz/Cargo.toml`, each with a program.
const TARGETS: [&str; 5] = ["headers", "provider", "render", "generic", "push"];

const SECONDS: u32 = 10;

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    let seconds = seconds(arguments)?;
    if let Some(missing) = missing(workspace) {
        return Err(format!("{missing}. The tests replay the corpus with any compiler."));
    }
    smokes(workspace, seconds)?.iter_mut().try_for_each(process::run)
}

/// A command for each target, or the words that say why there is none.
pub(crate) fn smoke_all(workspace: &Workspace) -> Result<Vec<Command>, String> {
    missing(workspace).map_or_else(|| smokes(workspace, SECONDS), Err)
}

fn smokes(workspace: &Workspace, seconds: u32) -> Outcome<Vec<Command>> {
    TARGETS.iter().map(|target| smoke(workspace, target, seconds)).collect()
}

/// What it finds on its way is kept below the build directory, and is no part of the corpus.
fn smoke(workspace: &Workspace, target: &str, seconds: u32) -> Outcome<Command> {
    let found = workspace.target.join("fuzz").join(target);
    fs::create_dir_all(&found).map_err(|e| format!("cannot make {}: {e}", found.display()))?;
    let mut command = workspace.command("cargo");
    command.args(["+nightly", "fuzz", "run", "--features", "libfuzzer", target]);
    command.arg(found).arg(workspace.root.join("fuzz/corpus").join(target)).arg("--");
    command.arg(format!("-max_total_time={seconds}")).arg("-max_len=16384");
    Ok(command)
}

fn missing(workspace: &Workspace) -> Option<String> {
    let runs = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    if !runs(workspace.command("cargo").args(["+nightly", "--version"])) {
        return Some("there is no nightly compiler: rustup toolchain install nightly".to_owned());
    }
    if !runs(workspace.command("cargo").args(["fuzz", "--version"])) {
        return Some("there is no cargo-fuzz: cargo install cargo-fuzz".to_owned());
    }
    None
}

fn seconds(arguments: &[String]) -> Outcome<u32> {
    match arguments {
        [] => Ok(SECONDS),
        [flag, number] if flag == "--seconds" => {
            number.parse().map_err(|_| format!("--seconds takes a whole number, and `{number}` is none"))
        }
        _ => Err("fuzz takes --seconds N and nothing else".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_run() {
        let manifest = include_str!("../../fuzz/Cargo.toml");
        let listed = manifest.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
        assert_eq!(listed.skip(1).collect::<Vec<_>>(), TARGETS);
    }
}
