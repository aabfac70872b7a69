//! Files that are there together, or not at all.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::failure::{Exit, Failure};
use crate::whole_file::{self, WholeFile};

/// For the gateway's group to read and search.
const FOLDER: u32 = 0o750;

/// A folder, and the files that are to be in it together.
///
/// What was put there goes away again, unless [`Self::finish`] is reached.
pub(super) struct Files {
    folder: PathBuf,
    made_folder: bool,
    staged: Vec<Staged>,
    placed: Vec<PathBuf>,
    done: bool,
}

/// A file that is written.
struct Staged {
    file: WholeFile,
    /// Whether it may take another's place.
    replaces: bool,
}

impl Files {
    /// Into `folder`, which is made where it is not there, though nothing above it.
    pub(super) fn into(folder: &Path) -> Result<Self, Failure> {
        let made_folder = match DirBuilder::new().mode(FOLDER).create(folder) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => false,
            Err(error) => return Err(failure(folder, &error)),
        };
        let files = Self {
            folder: folder.to_owned(),
            made_folder,
            staged: Vec::new(),
            placed: Vec::new(),
            done: false,
        };
        if made_folder {
            // Root's umask may leave the group out.
            let set = fs::set_permissions(folder, Permissions::from_mode(FOLDER));
            set.map_err(|error| failure(folder, &error))?;
        }
        Ok(files)
    }

    /// Writes a file of that name, mode and content, durably, which is not there before [`Self::finish`].
    pub(super) fn stage(
        &mut self,
        name: &str,
        mode: u32,
        content: &str,
        replaces: bool,
    ) -> Result<(), Failure> {
        let target = self.folder.join(name);
        let file = write(&self.folder, &target, mode, content).map_err(|error| failure(&target, &error))?;
        self.staged.push(Staged { file, replaces });
        Ok(())
    }

    /// Puts every file in its place, in the order in which they were staged: one that replaces another belongs at the
    /// end, since nothing brings that back.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        for Staged { file, replaces } in std::mem::take(&mut self.staged) {
            let target = file.target().to_owned();
            file.put(replaces).map_err(|stuck| failure(&target, &stuck.error))?;
            self.placed.push(target);
        }
        self.done = true;
        whole_file::sync(&self.folder).map_err(|error| failure(&self.folder, &error))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.staged.clear();
        if !self.done {
            // Whatever cannot be removed is told of by what failed before.
            self.placed.iter().for_each(|file| drop(fs::remove_file(file)));
            if self.made_folder {
                let _ = fs::remove_dir(&self.folder);
            }
        }
    }
}

fn write(folder: &Path, target: &Path, mode: u32, content: &str) -> io::Result<WholeFile> {
    let mut file = WholeFile::beside(target)?;
    // Where that may not be, whose group it has is told afterwards.
    file.give(None, fs::metadata(folder)?.gid())?;
    file.fill(format_args!("{content}"), mode)?;
    Ok(file)
}

fn failure(path: &Path, error: &io::Error) -> Failure {
    let hint = match error.kind() {
        io::ErrorKind::AlreadyExists => "somebody else made it meanwhile: look at it, and run this again",
        io::ErrorKind::NotFound => "make the folder above it, or name another by --config-root",
        io::ErrorKind::PermissionDenied => {
            "run as root, or as who may write there; or name another by --config-root"
        }
        _ => "is the disk full, or the folder read-only?",
    };
    Failure::new(Exit::NotSo, format!("{}: {error}", path.display()), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn all_files_are_there_at_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("root");
        let mut files = Files::into(&folder).unwrap();
        files.stage("secret", 0o440, "s", false).unwrap();
        files.stage("gateway.toml", 0o640, "g", false).unwrap();
        assert!(names(&folder).iter().all(|name| name.starts_with('.')));
        files.finish().unwrap();
        assert_eq!(names(&folder), ["gateway.toml", "secret"]);
        for (name, mode) in [("", 0o750), ("gateway.toml", 0o640), ("secret", 0o440)] {
            assert_eq!(fs::metadata(folder.join(name)).unwrap().mode() & 0o777, mode, "{name}");
        }
    }

    #[test]
    fn what_fails_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("root");
        let mut files = Files::into(&folder).unwrap();
        files.stage("secret", 0o440, "s", false).unwrap();
        assert!(files.stage("no/such", 0o440, "s", false).is_err());
        drop(files);
        assert!(!folder.exists());

        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("gateway.toml"), "mine").unwrap();
        let mut files = Files::into(&folder).unwrap();
        files.stage("secret", 0o440, "s", false).unwrap();
        files.stage("gateway.toml", 0o640, "g", false).unwrap();
        assert!(files.finish().is_err());
        assert_eq!(names(&folder), ["gateway.toml"]);
        assert_eq!(fs::read_to_string(folder.join("gateway.toml")).unwrap(), "mine");
    }

    #[test]
    fn another_is_replaced_by_force() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("gateway.toml"), "mine").unwrap();
        let mut files = Files::into(dir.path()).unwrap();
        files.stage("gateway.toml", 0o640, "g", true).unwrap();
        files.finish().unwrap();
        assert_eq!(names(dir.path()), ["gateway.toml"]);
        assert_eq!(fs::read_to_string(dir.path().join("gateway.toml")).unwrap(), "g");
    }
}
