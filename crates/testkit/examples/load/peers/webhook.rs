//! webhook by adnanh, from Debian: it runs a command.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use meshhook_testkit::load::Target;
use serde_json::json;

use super::Peer;
use super::install::{place, run};
use super::server::Server;
use crate::measure::SECRET;

const PACKAGE: &str = "webhook";

pub(super) struct Webhook {
    program: PathBuf,
    version: String,
    server: Server,
    hooks: PathBuf,
    /// A line for each execution.
    executed: PathBuf,
}

impl Webhook {
    pub(super) fn install<'p>() -> Result<Box<dyn Peer + 'p>, String> {
        let place = place()?;
        let program = installed(&place)?;
        let version = run(Command::new(&program).arg("-version"))?;
        let [hooks, executed] = ["hooks.json", "executed"].map(|name| place.join(name));
        write(&place, &hooks, &executed).map_err(|e| format!("cannot set webhook up: {e}"))?;
        let server = Server::new(place.join("webhook.log"));
        Ok(Box::new(Self { program, version, server, hooks, executed }))
    }
}

/// Debian's program, out of its package.
fn installed(place: &Path) -> Result<PathBuf, String> {
    let root = place.join("debian");
    let program = root.join("usr/bin/webhook");
    if !program.exists() {
        println!("Getting {PACKAGE}, once …");
        let packages = || {
            let found = fs::read_dir(place).into_iter().flatten().filter_map(|file| Some(file.ok()?.path()));
            found.filter(|file| file.extension().is_some_and(|extension| extension == "deb"))
        };
        if packages().next().is_none() {
            run(Command::new("apt-get").args(["download", PACKAGE]).current_dir(place))?;
        }
        let package = packages().next().ok_or("`apt-get download webhook` left no package")?;
        run(Command::new("dpkg").arg("-x").arg(package).arg(&root))?;
    }
    Ok(program)
}

/// The hook as its documentation has it for GitHub's signature ("Hook examples"), and a command that shows.
fn write(place: &Path, hooks: &Path, executed: &Path) -> std::io::Result<()> {
    let command = place.join("execute.sh");
    fs::write(executed, "")?;
    fs::write(&command, format!("#!/bin/sh\necho run >> '{}'\n", executed.display()))?;
    fs::set_permissions(&command, fs::Permissions::from_mode(0o755))?;
    let signature = json!({ "source": "header", "name": "X-Hub-Signature-256" });
    let rule = json!({ "type": "payload-hmac-sha256", "secret": SECRET, "parameter": signature });
    let hook = json!({ "id": "github", "execute-command": command, "trigger-rule": { "match": rule } });
    fs::write(hooks, json!([hook]).to_string())
}

impl Peer for Webhook {
    fn name(&self) -> &'static str {
        PACKAGE
    }

    fn version(&self) -> String {
        format!("{}, with a command that writes a line", self.version)
    }

    fn effect(&self) -> &'static str {
        "executions"
    }

    fn start(&mut self) -> Result<(), String> {
        let mut command = Command::new(&self.program);
        command.args(["-ip", "127.0.0.1", "-port", &self.server.port(), "-hooks"]).arg(&self.hooks);
        self.server.start(&mut command)
    }

    fn target(&self) -> Result<Target, String> {
        Ok(self.server.target("/hooks/github"))
    }

    fn pid(&self) -> u32 {
        self.server.pid()
    }

    fn kill9(&mut self) {
        self.server.kill9();
    }

    fn shown(&self) -> u64 {
        fs::read_to_string(&self.executed).unwrap_or_default().lines().count() as u64
    }
}
