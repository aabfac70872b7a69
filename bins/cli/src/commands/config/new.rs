//! `meshhook config new`: a first gateway.toml, and the secret of its source.

use std::io::{IsTerminal, stdin};
use std::path::{Path, PathBuf};

use clap::Args;
use meshhook_config::{Config, Draft, Faults, config_root};
use meshhook_verify::Scheme;
use zeroize::Zeroizing;

use super::answers::Answers;
use super::ask::Asker;
use super::files::Files;
use super::written::Written;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::random;

pub(super) const FILE: &str = "gateway.toml";
/// For the gateway's group to read.
const FILE_MODE: u32 = 0o640;
const SECRET_MODE: u32 = 0o440;

/// Write a first gateway.toml, and a secret for its source; asks on a terminal for what no flag says
#[derive(Args)]
pub(crate) struct New {
    /// Where to write it [default: $OPENCLAW_CONFIG_ROOT, else /etc/meshhook]
    #[arg(long, value_name = "DIR")]
    config_root: Option<PathBuf>,
    #[command(flatten)]
    answers: Answers,
    /// Replace a gateway.toml that is there; secrets that are there stay as they are
    #[arg(long)]
    force: bool,
    /// Print what was written as JSON
    #[arg(long)]
    json: bool,
}

impl New {
    pub(crate) fn run(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        let root = config_root(self.config_root.as_deref());
        self.refuse_to_replace(&root)?;
        let asks = !self.answers.are_whole() && stdin().is_terminal();
        let draft = self.answers.draft(&Asker::new(output, asks))?;
        for warning in Config::check(&root, &draft.to_string()).map_err(|faults| wrong(&faults))? {
            output.note(&format!("warning: {}", warning.message()));
            output.note(&format!("hint: {}", warning.hint()));
        }
        let made_secret = write(&root, &draft, self.force)?;
        let written = Written { root: &root, named: self.config_root.is_some(), draft: &draft, made_secret };
        if self.json { output.json(&written.json()) } else { written.print(output) }
    }

    fn refuse_to_replace(&self, root: &Path) -> Result<(), Failure> {
        let file = root.join(FILE);
        // A link that leads nowhere is in the way, too.
        if self.force || file.symlink_metadata().is_err() {
            return Ok(());
        }
        let hint = "look at it with `meshhook config show`, or replace it by --force";
        Err(Failure::new(Exit::NotSo, format!("{} is there already", file.display()), hint))
    }
}

/// The first fault of what is not written yet: the next may be its consequence.
fn wrong(faults: &Faults) -> Failure {
    let told = faults.iter().next().map(|fault| (fault.message(), fault.hint()));
    let (message, hint) = told.unwrap_or_default();
    Failure::new(Exit::Usage, message, hint)
}

/// Writes both files; a secret that is there already stays.
fn write(root: &Path, draft: &Draft, force: bool) -> Result<bool, Failure> {
    let mut files = Files::into(root)?;
    let secret = secret(draft)?.filter(|_| root.join(&draft.secret_file).symlink_metadata().is_err());
    if let Some(secret) = &secret {
        files.stage(&draft.secret_file, SECRET_MODE, secret, false)?;
    }
    files.stage(FILE, FILE_MODE, &draft.to_string(), force)?;
    files.finish()?;
    Ok(secret.is_some())
}

/// A new secret as the scheme needs it, on a line; `None` where the sender's side makes it.
fn secret(draft: &Draft) -> Result<Option<Zeroizing<String>>, Failure> {
    if is_issued(draft) {
        return Ok(None);
    }
    let secret = match draft.scheme {
        Scheme::StandardWebhooks => random::standard_secret()?,
        _ => random::hex::<32>()?,
    };
    Ok(Some(Zeroizing::new(secret + "\n")))
}

/// Whether the CI system makes the secret: Travis CI has a key of its own, GitLab issues its signing tokens.
pub(super) fn is_issued(draft: &Draft) -> bool {
    match draft.scheme {
        Scheme::Travis => true,
        Scheme::StandardWebhooks => draft.provider.name() == "gitlab",
        _ => false,
    }
}
