//! The homeserver of the tests: a real Synapse in a virtual environment below the build directory.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Outcome, Workspace};

const REQUIREMENT: &str = "matrix-synapse==1.163.2";

/// The Python that has Synapse: what `SYNAPSE_PYTHON` names, else one that is installed here when it is not there
/// yet.
pub(crate) fn python(workspace: &Workspace) -> Outcome<PathBuf> {
    if let Some(python) = std::env::var_os("SYNAPSE_PYTHON").filter(|value| !value.is_empty()) {
        return named(python.into());
    }
    let venv = workspace.target.join("synapse-venv");
    let _lock = lock(&venv.with_extension("lock"))?;
    let python = venv.join("bin/python");
    let marker = venv.join("installed.txt");
    if fs::read_to_string(&marker).is_ok_and(|installed| installed == REQUIREMENT) && works(&python) {
        return Ok(python);
    }
    install(&venv)?;
    fs::write(&marker, REQUIREMENT).map_err(|e| format!("cannot write {}: {e}", marker.display()))?;
    Ok(python)
}

fn named(python: PathBuf) -> Outcome<PathBuf> {
    // Tests run elsewhere than this program does.
    let python = std::path::absolute(&python).map_err(|e| format!("SYNAPSE_PYTHON: {e}"))?;
    if works(&python) {
        return Ok(python);
    }
    Err(format!("SYNAPSE_PYTHON is {}, which cannot import synapse", python.display()))
}

fn works(python: &Path) -> bool {
    let import = Command::new(python).args(["-c", "import synapse"]).output();
    import.is_ok_and(|output| output.status.success())
}

/// Waits until no other xtask installs.
fn lock(path: &Path) -> Outcome<File> {
    let failed = |e| format!("cannot lock {}: {e}", path.display());
    let file = File::create(path).map_err(failed)?;
    file.lock().map_err(failed)?;
    Ok(file)
}

fn install(venv: &Path) -> Outcome {
    println!("Installing {REQUIREMENT} below the build directory, once …");
    if cfg!(target_os = "macos") {
        println!("(On macOS it is built from source, which takes some minutes.)");
    }
    if venv.exists() {
        fs::remove_dir_all(venv).map_err(|e| format!("cannot remove {}: {e}", venv.display()))?;
    }
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    quietly(Command::new(python).args(["-m", "venv"]).arg(venv))?;
    let pip = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", REQUIREMENT];
    quietly(Command::new(venv.join("bin/python")).args(pip))
}

/// Runs a command that is only of interest when it fails: then the end of what it said is in the error.
fn quietly(command: &mut Command) -> Outcome {
    const TAIL: usize = 20;
    let output = command.output().map_err(|e| format!("cannot run {:?}: {e}", command.get_program()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said.lines().collect();
    let tail = lines[lines.len().saturating_sub(TAIL)..].join("\n");
    Err(format!(
        "cannot install Synapse: `{}` failed ({}). It ended with\n\n{tail}\n\n\
         hint: it needs the Python package index; SYNAPSE_PYTHON=/path/to/python takes a Synapse that is there already",
        crate::process::line(command),
        output.status,
    ))
}
