//! What `meshhook config new` did, and what is left to do.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use meshhook_config::Draft;
use meshhook_normalize::Provider;
use meshhook_verify::Scheme;
use serde_json::{Value, json};

use super::new::{FILE, is_issued};
use crate::failure::Failure;
use crate::output::Output;
use crate::shell::{self, word};
use crate::step::{self, Step};

/// What is there now.
pub(super) struct Written<'w> {
    pub(super) root: &'w Path,
    /// Whether the other commands have to be told where.
    pub(super) named: bool,
    pub(super) draft: &'w Draft,
    pub(super) made_secret: bool,
}

impl Written<'_> {
    pub(super) fn print(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        for file in self.files() {
            output.line(&format!("wrote {}", file.display()))?;
        }
        if let Some(file) = self.kept() {
            output.line(&format!("kept  {}, which was there", file.display()))?;
        }
        step::tell(&self.steps(), output)
    }

    pub(super) fn json(&self) -> Value {
        let steps: Vec<_> = self.steps().iter().map(Step::json).collect();
        let files: Vec<_> = self.files().iter().map(|file| file.display().to_string()).collect();
        let kept = self.kept().map(|file| file.display().to_string());
        json!({ "wrote": files, "kept": kept, "next": steps })
    }

    fn files(&self) -> Vec<PathBuf> {
        let secret = self.made_secret.then(|| self.secret_file());
        [self.root.join(FILE)].into_iter().chain(secret).collect()
    }

    /// The secret that was there already.
    fn kept(&self) -> Option<PathBuf> {
        Some(self.secret_file()).filter(|file| !self.made_secret && file.exists())
    }

    fn secret_file(&self) -> PathBuf {
        self.root.join(&self.draft.secret_file)
    }

    fn steps(&self) -> Vec<Step> {
        let mut steps = vec![self.secret_step()];
        if self.draft.provider.name() == Provider::GENERIC.name() {
            let file = self.root.join(FILE);
            let text = format!("say in {} where the fields of a body are: [source.fields]", file.display());
            steps.push(Step::Words(text));
        }
        if !self.root.join(&self.draft.access_token_file).exists() {
            steps.push(self.command("meshhook login"));
        }
        if self.is_roots_alone() {
            let root = word(&self.root.display().to_string());
            let text =
                format!("chgrp -R meshhook {root}    # its group, where the gateway runs as another user");
            steps.push(Step::Command(text));
        }
        let commands = ["meshhook-gateway --check", "meshhook doctor", "meshhook-gateway"];
        steps.extend(commands.map(|command| self.command(command)));
        steps
    }

    fn command(&self, command: &str) -> Step {
        Step::Command(shell::command(command, self.named.then_some(self.root)))
    }

    /// How both sides come to the same secret.
    fn secret_step(&self) -> Step {
        let Draft { source, provider, scheme, .. } = self.draft;
        let file = self.secret_file();
        let file = file.display();
        let address = format!("https://…/hooks/matrix/build-status/{source}");
        let page = format!("docs/providers/{}.md", provider.name());
        Step::Words(match scheme {
            Scheme::PathToken => {
                format!("let it post to {address}/ and, behind that, the token in {file} ({page})")
            }
            Scheme::Travis => {
                format!("let it post to {address}; its public key belongs into {file} ({page})")
            }
            _ if is_issued(self.draft) => {
                let what = "the signing token that it shows belongs into";
                format!("let it post to {address}; {what} {file}, chmod 0440 ({page})")
            }
            _ => format!("let it post to {address}, with the secret in {file} ({page})"),
        })
    }

    /// Whether root made it, and no other group may read it.
    fn is_roots_alone(&self) -> bool {
        fs::metadata(self.root.join(FILE)).is_ok_and(|facts| facts.uid() == 0 && facts.gid() == 0)
    }
}
