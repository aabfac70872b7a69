//! `meshhook sign`: the headers that make a body a signed one.

use std::path::PathBuf;

use clap::Args;
use meshhook_model::Timestamp;
use meshhook_verify::SignError;
use serde_json::{Map, Value};

use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::scheme::FormArgs;
use crate::secrets::SecretFile;
use crate::{args, clock, input, random, scheme};

/// Print the headers that make a body a signed one
#[derive(Args)]
pub(crate) struct Sign {
    /// How to sign
    #[arg(long, value_parser = scheme::name())]
    scheme: &'static str,
    #[command(flatten)]
    form: FormArgs,
    #[command(flatten)]
    secret: SecretFile,
    /// The message's id, where the scheme signs one [default: a new one]
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// The time to sign at, where the scheme signs it [default: now]
    #[arg(long, value_name = "RFC 3339", value_parser = args::time)]
    now: Option<Timestamp>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
    /// The body's file, `-` for stdin
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
}

impl Sign {
    pub(crate) fn run(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        let key = self.secret.key(self.form.scheme(self.scheme)?)?;
        let id = self.id.clone().map_or_else(random::message_id, Ok)?;
        let now = self.now.unwrap_or_else(clock::now).unix();
        let headers = meshhook_verify::sign(&key, &id, now, &input::read(&self.file)?)
            .map_err(|error| Failure::new(Exit::Usage, error.to_string(), hint(error)))?;
        if self.json {
            let object: Map<_, _> =
                headers.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
            return output.json(&object);
        }
        headers.iter().try_for_each(|(name, value)| output.line(&format!("{name}: {value}")))
    }
}

const fn hint(error: SignError) -> &'static str {
    match error {
        SignError::OnlyTheSender => "verify with it instead: meshhook verify",
        _ => "correct --id or --now",
    }
}
