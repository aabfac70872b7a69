#![doc = include_str!("../README.md")]

mod admin;
mod admin_token;
mod answer;
mod appservice;
mod ask;
mod assemble;
mod crowd;
mod ingress;
mod log;
mod metrics;
mod noise;
mod observe;
mod open_files;
mod pages;
mod parts;
mod patient;
mod problem;
mod refusals;
mod reload;
mod request_id;
mod run;
mod server;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use meshhook_config::{Config, Fault, Faults, Loaded, config_root};

use crate::pages::Pages;
use crate::run::StartError;

/// A configuration that cannot be used (`EX_CONFIG` of sysexits.h).
const EX_CONFIG: u8 = 78;

const EXIT_CODES: &str = "\
Exit codes:
  0   stopped by SIGTERM or SIGINT; --check: the configuration is fine; reload: it is in force
  1   it cannot run: the store is in use or unusable, an address is taken; reload: needs a restart
  2   wrong usage
  3   reload: no gateway can be reached
  4   reload: the gateway refused
  78  a wrong configuration or secret file";

/// Takes signed build-status POSTs and writes each, once, into a Matrix room.
#[derive(Parser)]
#[command(name = "meshhook-gateway", version, about, after_help = EXIT_CODES, max_term_width = 110)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Where gateway.toml lies [default: $OPENCLAW_CONFIG_ROOT, else /etc/meshhook]
    #[arg(long, value_name = "DIR")]
    config_root: Option<PathBuf>,
    /// Check the configuration and the files that it names, print every fault, and exit
    #[arg(long)]
    check: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Have the gateway that runs take over its configuration as it is now, all of it or nothing
    Reload {
        /// Where gateway.toml lies [default: $OPENCLAW_CONFIG_ROOT, else /etc/meshhook]
        #[arg(long, value_name = "DIR")]
        config_root: Option<PathBuf>,
    },
    #[command(flatten)]
    Pages(Pages),
}

fn main() -> ExitCode {
    let args = Args::parse();
    match &args.command {
        Some(Command::Reload { config_root: root }) => return reload(&config_root(root.as_deref())),
        Some(Command::Pages(pages)) => return made(pages.make(Args::command())),
        None => {}
    }
    match Config::load(&config_root(args.config_root.as_deref())) {
        Err(faults) => wrong(&faults),
        Ok(loaded) if args.check => fine(&loaded),
        Ok(loaded) => match run::run(loaded) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&error),
        },
    }
}

fn reload(root: &Path) -> ExitCode {
    match ask::reload(root) {
        Ok(lines) => {
            lines.iter().for_each(|line| say(line));
            say("configuration reloaded");
            ExitCode::SUCCESS
        }
        Err(why) => {
            say(&why.to_string());
            why.hint().into_iter().for_each(|hint| say(&format!("hint: {hint}")));
            ExitCode::from(why.code())
        }
    }
}

fn wrong(faults: &Faults) -> ExitCode {
    say(&faults.to_string());
    ExitCode::from(EX_CONFIG)
}

fn fine(loaded: &Loaded) -> ExitCode {
    loaded.warnings.iter().map(Fault::to_string).for_each(|warning| say(&format!("warning: {warning}")));
    say("configuration is fine");
    ExitCode::SUCCESS
}

fn made(pages: io::Result<()>) -> ExitCode {
    match pages {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            say(&format!("cannot write: {why}\nhint: name a folder that you may write into"));
            ExitCode::FAILURE
        }
    }
}

fn failed(error: &StartError) -> ExitCode {
    say(&format!("{error}\nhint: {}", error.hint()));
    if error.is_configuration() { ExitCode::from(EX_CONFIG) } else { ExitCode::FAILURE }
}

/// Words go to stderr; when nobody listens there, the exit code still speaks.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
