//! `meshhook registration`: the file by which a homeserver and the gateway know each other.

mod check;
mod new;

use clap::{Args, Subcommand};

use crate::failure::Failure;
use crate::output::Output;

/// Write the registration of an application service, and look at the copies of one
#[derive(Args)]
pub(crate) struct Registration {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    New(new::New),
    Check(check::Check),
}

impl Registration {
    pub(crate) fn run(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        match &self.action {
            Action::New(command) => command.run(output),
            Action::Check(command) => command.run(output),
        }
    }
}
