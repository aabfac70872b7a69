//! The chores of the workspace: `cargo xtask demo`, `cargo xtask test`, `cargo xtask soak`, `cargo xtask fuzz`,
//! `cargo xtask load`, `cargo xtask instructions`, `cargo xtask ci`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it speaks to the person who ran it")]

mod artifacts;
mod ci;
mod example;
mod fuzz;
mod instructions;
mod load;
mod process;
mod suites;
mod synapse;
mod test;
mod workspace;

use std::process::ExitCode;

use workspace::Workspace;

/// What a chore comes to: done, or the line that says why not.
type Outcome<T = ()> = Result<T, String>;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  demo [--appservice] [--keep]
                      build status from a signed POST to a room of a real Synapse, checked at every step; with
                      --appservice every machine is a user; --keep leaves it all running and says where to look
  test [-- ARGUMENT…] every test, suite by suite; or `cargo test ARGUMENT…` with what the tests need
  soak [--kills N] [--minutes N] [--seed N] [--only WORDS]
                      the gateway and a homeserver killed again and again, with every fault on, and what is in the
                      rooms counted against what was accepted: 500 kills and an hour at most
  fuzz [--seconds N]  every fuzz target for N seconds each, 10 where none are named; needs a nightly compiler and
                      cargo-fuzz
  load [accept|known|drain|idle|latency|peers] [--quick] [ARGUMENT…]
                      how much is accepted a second and how fast, beside doors that do less; the same with millions on
                      record, after an outage, with nothing to do, up to the room, and beside other programs; --help
                      says more
  instructions [--write]
                      instructions of verify and admit, by callgrind, compared with benches/instructions.txt
  ci                  format, lints, documentation, and the README's commands
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((command, rest)) = arguments.split_first() else { return usage() };
    let rest = rest.strip_prefix(&["--".to_owned()]).unwrap_or(rest);
    let chore = match command.as_str() {
        "demo" => example::demo,
        "soak" => example::soak,
        "test" => test::run,
        "fuzz" => fuzz::run,
        "load" => load::run,
        "instructions" => instructions::run,
        "ci" => ci::run,
        _ => return usage(),
    };
    match Workspace::find().and_then(|workspace| chore(&workspace, rest)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprint!("{USAGE}");
    ExitCode::from(2)
}
