//! From a signed POST to a room of a real Synapse: the builds of three machines, repeats, a forgery and a SIGKILL.
//!
//! `cargo xtask demo` builds the gateway and runs this, with `--appservice` as an application service. It ends with exit
//! code 1 when a check fails.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a demo shows what it does")]

mod bot;
mod builds;
mod ci;
mod keep;
mod report;
mod room;
mod service;
mod steps;

use std::process::ExitCode;

use report::Report;

const USAGE: &str = "usage: cargo xtask demo [--appservice] [--keep]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_known = |argument: &String| ["--appservice", "--keep"].contains(&argument.as_str());
    if !arguments.iter().all(is_known) {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let perform = if has("--appservice") { service::perform } else { bot::perform };
    let mut report = Report::default();
    match perform(&mut report, has("--keep")) {
        Ok(()) => report.verdict(),
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
