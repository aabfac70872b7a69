//! `meshhook config`: a first gateway.toml, what holds, and what each key means.

mod answers;
mod ask;
mod explain;
mod files;
mod new;
mod show;
mod written;

use clap::{Args, Subcommand};

use crate::failure::Failure;
use crate::output::Output;

/// Write a first configuration, show what holds, and explain a key
#[derive(Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    New(Box<new::New>),
    Show(show::Show),
    Explain(explain::Explain),
}

impl Config {
    pub(crate) fn run(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        match &self.action {
            Action::New(command) => command.run(output),
            Action::Show(command) => command.run(output),
            Action::Explain(command) => command.run(output),
        }
    }
}
