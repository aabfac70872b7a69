//! How fast is the gateway, beside what does the least there is to do?
//!
//! `cargo xtask load` builds the programs as they are released and runs this. All of it is on loopback, ends by itself,
//! and ends what it started.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it speaks to the person who ran it")]

mod accept;
mod drain;
mod idle;
mod known;
mod latency;
mod measure;
mod peers;
mod report;
mod rows;
mod usage;
mod words;

use std::process::ExitCode;

use usage::{Task, USAGE};

fn main() -> ExitCode {
    let task = match Task::read(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(task) => task,
        Err(why) => {
            eprintln!("{why}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match task.run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("load: ✗ {why}");
            ExitCode::FAILURE
        }
    }
}
