//! Where things lie, and whether the machine has what they need.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, exit};

use crate::Outcome;

/// The checkout and its build directory.
pub(crate) struct Workspace {
    /// The folder of the root `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Where cargo builds: `target`, or what `CARGO_TARGET_DIR` says.
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// Finds both from the way cargo runs this program.
    pub(crate) fn find() -> Outcome<Self> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR").ok_or("run me as `cargo xtask`")?;
        let root = Path::new(&manifest).parent().ok_or("CARGO_MANIFEST_DIR has no parent")?;
        // It lies at target/debug/xtask.
        let program = std::env::current_exe().map_err(|e| format!("where am I? {e}"))?;
        let target = program.ancestors().nth(2).ok_or("this program lies outside a build directory")?;
        Ok(Self { root: root.to_owned(), target: target.to_owned() })
    }

    /// Ends the program, after the one list of what is missing, unless everything is there.
    ///
    /// Nothing may be printed or built before.
    pub(crate) fn require_tools(&self) -> Outcome {
        let status = Command::new("sh")
            .arg(self.root.join("xtask/preflight"))
            .arg("--check")
            .status()
            .map_err(|e| format!("cannot run sh: {e}"))?;
        if !status.success() {
            exit(1);
        }
        Ok(())
    }

    /// A program of the workspace, once it is built.
    pub(crate) fn built(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(name)
    }

    /// A command that runs at the root and builds into the same directory as this program was built in.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        command
    }

    /// Cargo, the one that runs us.
    pub(crate) fn cargo(&self) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        self.command(cargo)
    }
}
