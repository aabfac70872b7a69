//! `meshhook config show`: the effective configuration.

use std::path::PathBuf;

use clap::Args;
use meshhook_config::{Config, config_root};
use serde_json::Value;

use crate::failure::{Exit, Failure, place};
use crate::output::Output;

/// Print the configuration that holds, defaults included, as a gateway.toml; secrets stay in their files
#[derive(Args)]
pub(crate) struct Show {
    /// Where gateway.toml lies [default: $OPENCLAW_CONFIG_ROOT, else /etc/meshhook]
    #[arg(long, value_name = "DIR")]
    config_root: Option<PathBuf>,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(crate) fn run(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        let loaded = Config::load(&config_root(self.config_root.as_deref()))?;
        for warning in &loaded.warnings {
            output.note(&format!("warning: {}", place(warning)));
            output.note(&format!("hint: {}", warning.hint()));
        }
        let toml = loaded.config.to_string();
        if self.json { output.json(&json(&toml)?) } else { lines(&toml, output) }
    }
}

fn json(toml: &str) -> Result<Value, Failure> {
    toml::from_str(toml).map_err(|error| {
        Failure::new(
            Exit::NotSo,
            format!("not to be written as JSON: {}", error.message()),
            "leave --json out",
        )
    })
}

fn lines(toml: &str, output: &mut Output<'_>) -> Result<(), Failure> {
    toml.lines().try_for_each(|line| output.line(line))
}
