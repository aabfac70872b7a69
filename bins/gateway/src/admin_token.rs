//! The admin token: from the file that is named, else made beside the store.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use meshhook_config::{Config, Fault, read_token};
use meshhook_engine::new_id;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// Why there is no admin token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum AdminTokenError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] Fault),
    /// The file cannot be made.
    #[error("cannot make the admin token's file {path}: {why}")]
    Make {
        /// Which.
        path: String,
        /// Why.
        why: std::io::Error,
    },
}

/// What an operator has to show; without one nobody can.
pub(crate) struct AdminToken(Option<SecretString>);

impl AdminToken {
    /// Reads it, or makes it at the first start. The store is open by then: its folder is there, and no other
    /// gateway makes the same file.
    pub(crate) fn of(config: &Config) -> Result<Self, AdminTokenError> {
        let Some(path) = config.admin_token_path() else { return Ok(Self(None)) };
        if config.server.admin_token_file.is_none() && !path.exists() {
            make(&path).map_err(|why| AdminTokenError::Make { path: path.display().to_string(), why })?;
        }
        Ok(Self(Some(read_token(&path)?)))
    }

    /// Whether `shown` is it, in a time that does not tell how much of it is right.
    pub(crate) fn is(&self, shown: &[u8]) -> bool {
        self.0.as_ref().is_some_and(|token| token.expose_secret().as_bytes().ct_eq(shown).into())
    }
}

/// Whole or not at all, whenever the power fails.
fn make(path: &Path) -> std::io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    writeln!(file, "{}", new_id("mha_"))?;
    file.sync_all()?;
    fs::rename(&unfinished, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_token_that_is_made_is_long_and_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("admin-token");
        make(&path).unwrap();
        let token = read_token(&path).unwrap();
        assert_eq!(token.expose_secret().len(), 30);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_the_token_is_the_token() {
        let token = AdminToken(Some("mha_1".to_owned().into()));
        assert!(token.is(b"mha_1"));
        for other in [&b""[..], b"mha_", b"mha_2", b"mha_11"] {
            assert!(!token.is(other));
        }
        assert!(!AdminToken(None).is(b""));
    }
}
