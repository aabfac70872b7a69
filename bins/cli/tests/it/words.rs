//! A run of the program, and what it said.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin_cmd;

/// A secret of GitHub's scheme, and one of Standard Webhooks'.
pub(crate) const GITHUB: &str = "7d38cdd689735b008b3c702edd92eea23791c5f6";
pub(crate) const STANDARD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The program, with nothing in its environment that it looks at.
pub(crate) fn meshhook() -> Command {
    let mut command = cargo_bin_cmd!("meshhook");
    for name in [
        "MESHHOOK_URL",
        "MESHHOOK_SECRET",
        "MESHHOOK_SECRET_FILE",
        "MESHHOOK_ADMIN_URL",
        "MESH_NODE_ID",
        "OPENCLAW_CONFIG_ROOT",
    ] {
        command.env_remove(name);
    }
    command.current_dir(fixtures());
    command
}

/// This project's own payloads.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures")).canonicalize().unwrap()
}

/// A folder with a secret of each scheme.
pub(crate) struct Secrets(tempfile::TempDir);

impl Secrets {
    pub(crate) fn new() -> Self {
        let secrets = Self(tempfile::tempdir().unwrap());
        secrets.write("github", &format!("{GITHUB}\n"));
        secrets.write("standard", STANDARD);
        secrets
    }

    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What the program says to `line`, in which `@name` stands for a secret's file.
    pub(crate) fn said(&self, line: &str) -> String {
        let dir = self.0.path().display().to_string();
        let args = split(line).into_iter().map(|arg| match arg.strip_prefix('@') {
            Some(name) => self.path(name).display().to_string(),
            None => arg,
        });
        let text = said(meshhook().args(args)).replace(&dir, "DIR");
        for secret in [GITHUB, STANDARD, &STANDARD[6..]] {
            assert!(!text.contains(secret), "{text}");
        }
        format!("$ meshhook {line}\n{text}")
    }
}

/// Words between blanks; what stands in single quotes is one.
pub(crate) fn split(line: &str) -> Vec<String> {
    let halves = line.split('\'').enumerate();
    let words = halves.flat_map(|(i, part)| match i % 2 {
        1 => vec![part.to_owned()],
        _ => part.split_whitespace().map(ToOwned::to_owned).collect(),
    });
    words.collect()
}

/// Exit code, stdout and stderr.
pub(crate) fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let mut text = String::from_utf8(output.stdout).unwrap();
    for line in String::from_utf8(output.stderr).unwrap().lines() {
        writeln!(text, "2> {line}").unwrap();
    }
    writeln!(text, "=> {}", output.status.code().unwrap()).unwrap();
    text
}

/// What each line gets for an answer.
pub(crate) fn all_said(secrets: &Secrets, lines: &[&str]) -> String {
    lines.iter().map(|line| secrets.said(line)).collect::<Vec<_>>().join("\n")
}
