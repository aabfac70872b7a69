//! `cargo xtask ci`: what a change must pass.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::{Outcome, Workspace, fuzz, instructions, process};

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    if let Some(argument) = arguments.first() {
        return Err(format!("ci takes no argument, and `{argument}` is one"));
    }
    workspace.require_tools()?;
    let mut steps: Vec<Command> = checks(workspace);
    for words in readme_commands(&workspace.root)? {
        steps.push(cargo(workspace, &words));
    }
    steps.push(cargo(workspace, "xtask demo --appservice"));
    match fuzz::smoke_all(workspace) {
        Ok(smokes) => steps.extend(smokes),
        Err(missing) => println!("No target is fuzzed: {missing}. The tests replay the corpus."),
    }
    match instructions::missing() {
        None => steps.push(cargo(workspace, "xtask instructions")),
        Some(missing) => println!("No instructions are counted: {missing}."),
    }
    let results: Vec<Step> = steps.iter_mut().map(perform).collect();
    println!();
    for step in &results {
        println!("  {:<6} {:>5} s  {}", step.word(), step.took.as_secs(), step.line);
    }
    match results.iter().filter(|step| step.fault.is_some()).count() {
        0 => Ok(()),
        failed => Err(format!("{failed} of {} steps failed", results.len())),
    }
}

struct Step {
    line: String,
    took: Duration,
    fault: Option<String>,
}

impl Step {
    fn word(&self) -> &'static str {
        if self.fault.is_some() { "FAILED" } else { "ok" }
    }
}

fn perform(command: &mut Command) -> Step {
    let line = process::line(command);
    println!("\n$ {line}");
    let start = Instant::now();
    let fault = process::run(command).err();
    if let Some(fault) = &fault {
        println!("{fault}");
    }
    Step { line, took: start.elapsed(), fault }
}

fn checks(workspace: &Workspace) -> Vec<Command> {
    let mut documentation = cargo(workspace, "doc --workspace --no-deps");
    documentation.env("RUSTDOCFLAGS", "-Dwarnings");
    vec![
        cargo(workspace, "fmt --all -- --check"),
        cargo(workspace, "clippy --workspace --all-targets -- -D warnings"),
        documentation,
    ]
}

fn cargo(workspace: &Workspace, words: &str) -> Command {
    let mut command = workspace.cargo();
    command.args(words.split_whitespace());
    command
}

/// The set-up commands of the README, without `cargo`: what it promises is what is run.
fn readme_commands(root: &Path) -> Outcome<Vec<String>> {
    let readme =
        fs::read_to_string(root.join("README.md")).map_err(|e| format!("cannot read README.md: {e}"))?;
    let commands: Vec<String> = set_up_commands(&readme).map(str::to_owned).collect();
    for promised in ["xtask demo", "xtask test"] {
        if !commands.iter().any(|command| command == promised) {
            return Err(format!("README.md does not name `cargo {promised}` on a line of its own"));
        }
    }
    Ok(commands)
}

/// Lines that are a command of ours, with the comment after it cut off.
fn set_up_commands(readme: &str) -> impl Iterator<Item = &str> {
    let lines = readme.lines().filter(|line| line.starts_with("cargo xtask "));
    lines.filter_map(|line| line.split('#').next()?.trim().strip_prefix("cargo "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_out_of_code_blocks() {
        let readme = "# x\n```sh\ncargo xtask demo   # sees it work\ncargo xtask test\ncargo install x\n```\nRun `cargo doc`.\n";
        assert_eq!(set_up_commands(readme).collect::<Vec<_>>(), ["xtask demo", "xtask test"]);
    }
}
