//! The token's file, replaced as a whole.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use meshhook_matrix::Token;
use tempfile::{Builder, NamedTempFile};

use crate::failure::{Exit, Failure};

/// For its owner and its group to read.
const MODE: u32 = 0o440;

/// A token's file to be, beside the one that it is to replace.
pub(super) struct TokenFile {
    target: PathBuf,
    replaces: Option<Metadata>,
    folder: Metadata,
    unfinished: NamedTempFile,
}

/// Where the token is, and what is to be done about that.
pub(super) struct Place {
    pub(super) file: PathBuf,
    pub(super) notes: Vec<String>,
}

impl TokenFile {
    /// Makes sure that `path` can be written; behind a symbolic link, what that leads to.
    pub(super) fn prepare(path: &Path) -> Result<Self, Failure> {
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let failure = |error: &io::Error| unwritable(&target, error);
        let replaces = fs::metadata(&target).ok();
        let parent = target.parent().unwrap_or(Path::new("/"));
        let folder = fs::metadata(parent).map_err(|error| failure(&error))?;
        let unfinished = Builder::new().prefix(".unfinished-token-").tempfile_in(parent);
        let unfinished = unfinished.map_err(|error| failure(&error))?;
        Ok(Self { target, replaces, folder, unfinished })
    }

    /// Puts the token there, whole at any moment, and durable.
    pub(super) fn write(mut self, token: &Token) -> Result<Place, Failure> {
        let notes = self.hand_over();
        let mode = self.replaces.as_ref().map_or(MODE, |file| file.mode() & MODE | 0o400);
        let file = self.unfinished.as_file_mut();
        let written = writeln!(file, "{}", token.expose())
            .and_then(|()| file.set_permissions(Permissions::from_mode(mode)))
            .and_then(|()| file.sync_all());
        written.map_err(|error| unwritable(&self.target, &error))?;
        self.unfinished.persist(&self.target).map_err(|error| unwritable(&self.target, &error.error))?;
        let synced =
            File::open(self.target.parent().unwrap_or(Path::new("/"))).and_then(|folder| folder.sync_all());
        synced.map_err(|error| unwritable(&self.target, &error))?;
        Ok(Place { file: self.target, notes })
    }

    /// To the owner and group of the file that is replaced, else to the folder's group, in which gateway.toml's readers
    /// are; as far as we may.
    fn hand_over(&self) -> Vec<String> {
        let (file, target) = (self.unfinished.as_file(), self.target.display());
        let owner = self.replaces.as_ref().map(MetadataExt::uid);
        let group = self.replaces.as_ref().unwrap_or(&self.folder).gid();
        let group_kept = fchown(file, None, Some(group)).is_ok();
        let owner_kept = owner.is_none_or(|owner| fchown(file, Some(owner), None).is_ok());
        if let (false, Some(owner)) = (owner_kept && group_kept, owner) {
            return vec![format!("its owner could not be kept: sudo chown {owner}:{group} {target}")];
        }
        if owner.is_none() && file.metadata().is_ok_and(|file| (file.uid(), file.gid()) == (0, 0)) {
            return vec![format!(
                "root alone may read it; where the gateway runs as another user: chgrp GROUP {target}"
            )];
        }
        Vec::new()
    }
}

fn unwritable(target: &Path, error: &io::Error) -> Failure {
    let message = format!("{}: it cannot be written: {error}", target.display());
    let hint =
        "run it as a user who may write there, such as root; access_token_file in [matrix] names the file";
    Failure::new(Exit::Configuration, message, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, token: &str) -> Place {
        TokenFile::prepare(path).unwrap().write(&Token::new(token).unwrap()).unwrap()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn a_file_is_made_and_replaced_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("matrix-token");
        write(&path, "syt_1");
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), ("syt_1\n", 0o440));
        let old = File::open(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        write(&path, "syt_2");
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), ("syt_2\n", 0o400));
        assert_eq!(io::read_to_string(old).unwrap(), "syt_1\n");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn a_link_stays_one() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("secrets"), dir.path().join("matrix-token"));
        fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(write(&link, "syt_1").file, file.canonicalize().unwrap());
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "syt_1\n");
    }

    #[test]
    fn what_is_given_up_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        drop(TokenFile::prepare(&dir.path().join("matrix-token")).unwrap());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(TokenFile::prepare(&dir.path().join("none/matrix-token")).is_err());
    }
}
