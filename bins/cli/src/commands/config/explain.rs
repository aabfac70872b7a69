//! `meshhook config explain`: what is to be known of a key.

use clap::Args;
use meshhook_config::reference::{Entry, Standing, entries, find, meant, wrapped};
use serde_json::{Value, json};

use crate::failure::{Exit, Failure};
use crate::output::Output;

const WIDTH: usize = 100;

/// Tell what a key of gateway.toml means, what may stand there, and what holds where nothing does
#[derive(Args)]
pub(crate) struct Explain {
    /// A key, like source.only.forks; a table, like log; a name, like room; all keys where there is none
    #[arg(value_name = "KEY")]
    key: Option<String>,
    /// Print a line of JSON for each key
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(crate) fn run(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        let Some(key) = &self.key else {
            let all = entries();
            return if self.json { self.tell(&all, output) } else { list(&all, output) };
        };
        let found = find(key);
        if found.is_empty() {
            let meant = meant(key).map(|word| format!("did you mean `{word}`? ")).unwrap_or_default();
            let hint = format!("{meant}`meshhook config explain` lists all");
            return Err(Failure::new(Exit::Usage, format!("no key of gateway.toml is called `{key}`"), hint));
        }
        self.tell(&found, output)
    }

    fn tell(&self, found: &[Entry], output: &mut Output<'_>) -> Result<(), Failure> {
        if self.json {
            return found.iter().try_for_each(|entry| output.json(&object(entry)));
        }
        output.raw(&found.iter().map(text).collect::<Vec<_>>().join("\n"))
    }
}

/// A line for each key.
fn list(all: &[Entry], output: &mut Output<'_>) -> Result<(), Failure> {
    let width = all.iter().map(|entry| entry.path.len()).max().unwrap_or_default();
    all.iter().try_for_each(|entry| {
        let line = format!("{:width$}  {}", entry.path, entry.key.about);
        output.line(line.trim_end())
    })
}

/// All of one key.
fn text(entry: &Entry) -> String {
    let key = &entry.key;
    let colon = if key.about.is_empty() { "" } else { ": " };
    let mut text = wrapped(&format!("{}{colon}{}", entry.path, key.about), WIDTH, "  ");
    text += &format!("  value    {}\n", key.kind);
    text += &format!("  default  {}\n", key.standing);
    text += &format!("  example  {}\n", example(entry));
    if !key.more.is_empty() {
        text += &format!("  {}", wrapped(&capitalized(key.more), WIDTH - 2, "  "));
    }
    text
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn example(entry: &Entry) -> String {
    format!("{} = {}", entry.key.name, entry.key.example())
}

fn object(entry: &Entry) -> Value {
    let key = &entry.key;
    let depends = match key.standing {
        Standing::Depends(_, on) => Some(on),
        _ => None,
    };
    json!({
        "key": entry.path,
        "table": entry.table,
        "value": key.kind,
        "needed": key.is_needed(),
        "default": key.default(),
        "depends": depends,
        "example": example(entry),
        "meaning": key.about,
        "more": (!key.more.is_empty()).then_some(key.more),
    })
}
