//! Files that are there whole, or not at all.

use std::fmt;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// A file under a name for the time being, beside the place that it is to have; it goes away unless it is put there.
pub(crate) struct WholeFile {
    unfinished: NamedTempFile,
    target: PathBuf,
}

/// A file that could not be put in its place.
pub(crate) struct Stuck {
    pub(crate) error: io::Error,
    unfinished: NamedTempFile,
}

impl WholeFile {
    /// Empty, and for nobody else to read.
    pub(crate) fn beside(target: &Path) -> io::Result<Self> {
        let unfinished = Builder::new().prefix(".unfinished-").tempfile_in(folder_of(target))?;
        Ok(Self { unfinished, target: target.to_owned() })
    }

    /// The place that it is to have.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Gives it to that owner and group, as far as we may; whose it is then.
    pub(crate) fn give(&self, owner: Option<u32>, group: u32) -> io::Result<(u32, u32)> {
        let file = self.unfinished.as_file();
        // One after the other: who may not give it away may be in the group. What failed shows in whose it is.
        let _ = fchown(file, None, Some(group));
        let _ = fchown(file, owner, None);
        file.metadata().map(|is| (is.uid(), is.gid()))
    }

    /// Writes its content, durably, and gives it its mode.
    pub(crate) fn fill(&mut self, content: fmt::Arguments<'_>, mode: u32) -> io::Result<()> {
        let file = self.unfinished.as_file_mut();
        file.write_fmt(content)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()
    }

    /// Puts it in its place, where it may take another's if `replaces`; durable once [`sync`] is done.
    pub(crate) fn put(self, replaces: bool) -> Result<(), Stuck> {
        let Self { unfinished, target } = self;
        let put = if replaces { unfinished.persist(target) } else { unfinished.persist_noclobber(target) };
        put.map(drop).map_err(|stuck| Stuck { error: stuck.error, unfinished: stuck.file })
    }

    /// Whether something is mounted on the very place, as Docker and Kubernetes mount single files: nothing can be put
    /// there (`EBUSY`). A hard link then leads out of the mount (`EXDEV`), and is made by nobody but this question.
    pub(crate) fn is_on_a_mount_point(&self) -> bool {
        let link = self.unfinished.path().with_extension("link");
        let linked = fs::hard_link(&self.target, &link);
        if linked.is_ok() {
            let _ = fs::remove_file(link);
        }
        linked.is_err_and(|error| error.kind() == io::ErrorKind::CrossesDevices)
    }
}

impl Stuck {
    /// Lets it stay under the name that it has.
    pub(crate) fn keep(self) -> io::Result<PathBuf> {
        self.unfinished.keep().map(|(_, path)| path).map_err(|stuck| stuck.error)
    }
}

/// Makes durable what was put into a folder.
pub(crate) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The folder of a file: of a name alone, the current one.
pub(crate) fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(target: &Path) -> WholeFile {
        let mut file = WholeFile::beside(target).unwrap();
        file.fill(format_args!("new"), 0o440).unwrap();
        file
    }

    fn count(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn another_is_replaced_only_where_that_is_wanted() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("f");
        fs::write(&target, "old").unwrap();
        let stuck = filled(&target).put(false).err().unwrap();
        assert_eq!(stuck.error.kind(), io::ErrorKind::AlreadyExists);
        drop(stuck);
        assert_eq!((count(dir.path()), fs::read_to_string(&target).unwrap().as_str()), (1, "old"));
        filled(&target).put(true).ok().unwrap();
        assert_eq!((count(dir.path()), fs::read_to_string(&target).unwrap().as_str()), (1, "new"));
        assert_eq!(fs::metadata(&target).unwrap().mode() & 0o7777, 0o440);
    }

    #[test]
    fn what_is_stuck_can_be_kept() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("f");
        fs::create_dir(&target).unwrap();
        let kept = filled(&target).put(true).err().unwrap().keep().unwrap();
        assert_eq!(fs::read_to_string(kept).unwrap(), "new");
    }

    #[test]
    fn asking_for_a_mount_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("f");
        fs::write(&target, "old").unwrap();
        assert!(!filled(&target).is_on_a_mount_point());
        assert_eq!(count(dir.path()), 1);
    }
}
