//! Where things lie: the target folder and Synapse's virtual environment below it.

use std::env;
use std::path::{Path, PathBuf};

/// The folder of the workspace's Cargo.toml.
pub(crate) fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Cargo's target folder: `CARGO_TARGET_DIR`, else `target` in the workspace.
#[must_use]
pub fn target_dir() -> PathBuf {
    // A relative one is meant from where cargo was called: the workspace's root.
    let named = env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty());
    workspace_root().join(named.unwrap_or_else(|| "target".into()))
}

/// Synapse's virtual environment: below [`target_dir`], or below the workspace's own target folder when only that
/// has one.
#[must_use]
pub fn venv_dir() -> PathBuf {
    let ours = target_dir().join("synapse-venv");
    let workspaces = workspace_root().join("target/synapse-venv");
    if !has_python(&ours) && has_python(&workspaces) { workspaces } else { ours }
}

/// The Python that has Synapse: `SYNAPSE_PYTHON`, else that of [`venv_dir`].
///
/// # Panics
/// When there is neither.
#[must_use]
pub fn synapse_python() -> PathBuf {
    if let Some(named) = env::var_os("SYNAPSE_PYTHON").filter(|path| !path.is_empty()) {
        return named.into();
    }
    let venv = venv_dir();
    assert!(
        has_python(&venv),
        "no Synapse to test against in {}: run `cargo xtask test`, which installs one there, \
         or set SYNAPSE_PYTHON to a Python that has matrix-synapse",
        venv.display()
    );
    python_of(&venv)
}

fn python_of(venv: &Path) -> PathBuf {
    venv.join("bin/python")
}

fn has_python(venv: &Path) -> bool {
    python_of(venv).exists()
}

/// A program of that package, built beside this test's own, which lies in `deps` or `examples` below the build's folder.
///
/// # Panics
/// When it is not built.
#[must_use]
pub fn built(program: &str, package: &str) -> PathBuf {
    let own = env::current_exe().expect("the path of this program");
    let folder = own.parent().expect("a program lies in a folder");
    let inner = folder.ends_with("deps") || folder.ends_with("examples");
    let folder = if inner { folder.parent().expect("below the target folder") } else { folder };
    let binary = folder.join(program);
    assert!(
        binary.exists(),
        "no {program} at {}: run `cargo build -p {package}` (with the profile of the tests) first",
        binary.display()
    );
    binary
}
