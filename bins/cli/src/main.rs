//! `meshhook`: post, sign, verify, read and preview build statuses, and follow each delivery to its Matrix event.

mod admin;
mod args;
mod clock;
mod commands;
mod failure;
mod http;
mod input;
mod output;
mod prompt;
mod random;
mod reading;
mod refusals;
mod sample;
mod scheme;
mod secrets;
mod shell;
mod step;
mod table;
mod tls;
mod whole_file;

use std::process::ExitCode;

use clap::Parser;

use crate::commands::Command;
use crate::output::Output;

const EXIT_CODES: &str = "\
Exit codes:
  0   done
  1   the thing asked for is not so: wrong signature, no event, not sent, a fault was found
  2   wrong usage, or an input that cannot be read
  3   the gateway or the homeserver cannot be reached
  4   the gateway or the homeserver refused
  78  a wrong configuration or secret file";

/// Build statuses on their way into a Matrix room.
#[derive(Parser)]
#[command(name = "meshhook", version, about, after_help = EXIT_CODES, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut output = Output::of_process();
    match cli.command.run(&mut output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(&output),
    }
}
