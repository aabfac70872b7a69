//! What is asked for on the command line.

use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) const USAGE: &str = "usage: cargo xtask soak [--kills N] [--minutes N] [--seed N] [--only WORDS]";

/// How much is to go wrong.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// SIGKILLs of the gateway in the first scenario; the second has as many as belong to that.
    pub(crate) kills: u32,
    /// After so many nothing more is begun.
    pub(crate) minutes: u64,
    /// The chance behind everything.
    pub(crate) seed: u64,
    /// What is in the names of the scenarios that are played.
    pub(crate) only: String,
}

impl Arguments {
    /// 500 kills, an hour, and a seed of now, where nothing else is said.
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self { kills: 500, minutes: 60, seed: seed_of_now(), only: String::new() };
        while let Some(name) = words.next() {
            let value = words.next().ok_or_else(|| format!("{name} wants a value"))?;
            let number = || format!("{name} wants a number, and {value} is none that it takes");
            match name.as_str() {
                "--kills" => arguments.kills = value.parse().map_err(|_| number())?,
                "--minutes" => arguments.minutes = value.parse().map_err(|_| number())?,
                "--seed" => arguments.seed = value.parse().map_err(|_| number())?,
                "--only" => arguments.only = value,
                _ => return Err(format!("{name} is unknown")),
            }
        }
        Ok(arguments)
    }
}

/// Short enough to be typed.
fn seed_of_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.as_secs() % 1_000_000)
}
