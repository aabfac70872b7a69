//! The commands, one file each.

mod config;
mod deliveries;
mod doctor;
mod login;
mod normalize;
mod pages;
mod post;
mod registration;
mod render;
mod sign;
mod sources;
mod verify;

use clap::Subcommand;

use crate::failure::Failure;
use crate::output::Output;

#[derive(Subcommand)]
pub(crate) enum Command {
    Config(config::Config),
    Login(login::Login),
    Registration(registration::Registration),
    Doctor(doctor::Doctor),
    Post(Box<post::Post>),
    Sign(sign::Sign),
    Verify(verify::Verify),
    Normalize(normalize::Normalize),
    Render(render::Render),
    Deliveries(deliveries::Deliveries),
    Sources(sources::Sources),
    #[command(hide = true)]
    Completions(pages::Completions),
    #[command(hide = true)]
    Man(pages::Man),
}

impl Command {
    pub(crate) fn run(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        match self {
            Self::Config(command) => command.run(output),
            Self::Login(command) => command.run(output),
            Self::Registration(command) => command.run(output),
            Self::Doctor(command) => command.run(output),
            Self::Post(command) => command.run(output),
            Self::Sign(command) => command.run(output),
            Self::Verify(command) => command.run(output),
            Self::Normalize(command) => command.run(output),
            Self::Render(command) => command.run(output),
            Self::Deliveries(command) => command.run(output),
            Self::Sources(command) => command.run(output),
            Self::Completions(command) => command.run(output),
            Self::Man(command) => command.run(),
        }
    }
}
