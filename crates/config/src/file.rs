//! Files opened once, and checked by what was opened: nothing can change between a check and its use.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, StatVfsMountFlags, statvfs};
use secrecy::zeroize::Zeroizing;

use crate::fault::Wrong;

/// Permission bits that a secret may not have: the group's to write, and every one of others.
pub(crate) const SECRET: u32 = 0o027;
/// The permission bit to write, for others.
pub(crate) const OTHERS_WRITE: u32 = 0o002;

/// So many links lead to a file at most, as many as Linux follows (path_resolution(7)).
const LINKS: u32 = 40;

/// What a file may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Permission bits it may not have.
    pub(crate) forbidden: u32,
    /// The most bytes it may hold.
    pub(crate) bytes: usize,
}

/// Which file it is, by whatever name: device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId(u64, u64);

/// A file's text.
pub(crate) struct Content {
    pub(crate) text: Zeroizing<String>,
    pub(crate) id: FileId,
}

/// Why a file is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FileError {
    #[error("it does not exist")]
    Missing,
    #[error("it cannot be read: {0}")]
    Unreadable(io::ErrorKind),
    #[error("not a regular file")]
    NotRegular,
    #[error("not a folder")]
    NotFolder,
    #[error("others may read or write it (mode {0:04o})")]
    OpenToOthers(u32),
    #[error("others may write it (mode {0:04o})")]
    WritableByOthers(u32),
    #[error("others may write the folder that it lies in (mode {0:04o})")]
    FolderWritableByOthers(u32),
    #[error("its group may write it (mode {0:04o})")]
    WritableByGroup(u32),
    #[error("longer than {0} bytes")]
    TooLong(usize),
    #[error("not UTF-8")]
    NotUtf8,
    #[error("begins with a byte order mark")]
    ByteOrderMark,
}

impl FileError {
    /// What to do about it.
    pub(crate) fn hint(self) -> &'static str {
        match self {
            Self::Missing => {
                "create it, or correct the name; a relative name is looked up in the config root"
            }
            Self::Unreadable(_) => "let the gateway's user read it, and search every folder above it",
            Self::NotRegular => "name a regular file, or a symbolic link to one",
            Self::NotFolder => "name the folder that holds gateway.toml",
            Self::OpenToOthers(_) | Self::WritableByGroup(_) => {
                "chmod 0440 or stricter; for a Kubernetes secret volume: defaultMode: 0440"
            }
            Self::WritableByOthers(_) => "chmod o-w",
            Self::FolderWritableByOthers(_) => {
                "chmod o-w that folder, or keep the file in another: who may write there can put another in its place"
            }
            Self::TooLong(_) => "is it the right file?",
            Self::NotUtf8 => "write it as UTF-8 text",
            Self::ByteOrderMark => "save it as UTF-8 without byte order mark",
        }
    }
}

impl From<FileError> for Wrong {
    fn from(error: FileError) -> Self {
        Self {
            missing: error == FileError::Missing,
            denied: error == FileError::Unreadable(io::ErrorKind::PermissionDenied),
            ..Self::new(error.to_string(), error.hint())
        }
    }
}

impl From<rustix::io::Errno> for FileError {
    fn from(errno: rustix::io::Errno) -> Self {
        Self::from(io::Error::from(errno))
    }
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            kind => Self::Unreadable(kind),
        }
    }
}

/// Reads a regular file within `limits`.
pub(crate) fn read(path: &Path, limits: Limits) -> Result<Content, FileError> {
    let file = open(path)?;
    let facts = file.metadata()?;
    if !facts.is_file() {
        return Err(FileError::NotRegular);
    }
    permitted(facts.mode(), limits.forbidden)?;
    let text = utf8(bytes(file, limits.bytes)?)?;
    Ok(Content { text, id: FileId(facts.dev(), facts.ino()) })
}

/// Whether others may put no file in the place of `path`: neither in the folder that it lies in, nor in one with a link
/// on the way there. Links are followed one by one, since each of them could be replaced.
///
/// A sticky folder such as `/tmp` is no better: others cannot replace what lies there, but whatever is missing for a
/// moment, as while it is changed, they can put there.
pub(crate) fn check_place(path: &Path) -> Result<(), FileError> {
    let (mut real, mut rest, mut links) = (PathBuf::new(), parts(&std::path::absolute(path)?), 0);
    while let Some(part) = rest.pop() {
        if part == ".." {
            real.pop();
            continue;
        }
        let here = real.join(&part);
        let is_link = here.symlink_metadata()?.is_symlink();
        if is_link || rest.is_empty() {
            check_folder(here.parent().unwrap_or(&here)).map_err(of_folder)?;
        }
        if !is_link {
            real = here;
            continue;
        }
        links += 1;
        if links > LINKS {
            return Err(rustix::io::Errno::LOOP.into());
        }
        rest.extend(parts(&here.read_link()?));
    }
    Ok(())
}

/// The same for a file that need not be there yet, nor what a link leads to.
pub(crate) fn check_place_to_be(path: &Path) -> Result<(), FileError> {
    match check_place(path) {
        Err(FileError::Missing) => {
            let path = std::path::absolute(path)?;
            check_folder(path.parent().unwrap_or(&path)).map_err(of_folder)
        }
        checked => checked,
    }
}

/// A path's names, the last one first.
fn parts(path: &Path) -> Vec<OsString> {
    path.components().rev().map(|part| part.as_os_str().to_owned()).collect()
}

fn of_folder(error: FileError) -> FileError {
    match error {
        FileError::WritableByOthers(mode) => FileError::FolderWritableByOthers(mode),
        other => other,
    }
}

/// Whether others may not put or replace files in the folder `path`.
pub(crate) fn check_folder(path: &Path) -> Result<(), FileError> {
    // Not opened: who may search a folder need not be able to list it.
    let facts = std::fs::metadata(path)?;
    if !facts.is_dir() {
        return Err(FileError::NotFolder);
    }
    // Kubernetes mounts config maps and secrets with mode 0777, but read-only.
    if statvfs(path)?.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Ok(());
    }
    permitted(facts.mode(), OTHERS_WRITE)
}

fn open(path: &Path) -> Result<File, FileError> {
    // Without NONBLOCK, opening a pipe waits for its other end.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    Ok(rustix::fs::open(path, flags, Mode::empty())?.into())
}

fn permitted(mode: u32, forbidden: u32) -> Result<(), FileError> {
    let mode = mode & 0o7777;
    match mode & forbidden {
        0 => Ok(()),
        _ if forbidden == OTHERS_WRITE => Err(FileError::WritableByOthers(mode)),
        0o020 => Err(FileError::WritableByGroup(mode)),
        _ => Err(FileError::OpenToOthers(mode)),
    }
}

fn bytes(file: File, limit: usize) -> Result<Zeroizing<Vec<u8>>, FileError> {
    // The buffer never grows, so no copy of a secret is left behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 2));
    file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > limit { Err(FileError::TooLong(limit)) } else { Ok(bytes) }
}

fn utf8(mut bytes: Zeroizing<Vec<u8>>) -> Result<Zeroizing<String>, FileError> {
    let text = String::from_utf8(std::mem::take(&mut *bytes)).map_err(|error| {
        drop(Zeroizing::new(error.into_bytes()));
        FileError::NotUtf8
    })?;
    if text.starts_with('\u{FEFF}') { Err(FileError::ByteOrderMark) } else { Ok(Zeroizing::new(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    const LIMITS: Limits = Limits { forbidden: SECRET, bytes: 8 };

    fn write(path: &Path, content: &[u8], mode: u32) {
        std::fs::write(path, content).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_file_is_what_was_opened() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("f"), dir.path().join("l"));
        write(&file, b"12345678", 0o440);
        symlink(&file, &link).unwrap();
        let (a, b) = (read(&file, LIMITS).unwrap(), read(&link, LIMITS).unwrap());
        assert_eq!((a.text.as_str(), a.id), ("12345678", b.id));
    }

    #[test]
    fn what_is_no_file_to_read_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        write(&at("long"), b"123456789", 0o400);
        write(&at("latin"), b"\xe4", 0o400);
        write(&at("bom"), b"\xef\xbb\xbfa", 0o400);
        write(&at("open"), b"a", 0o444);
        write(&at("group"), b"a", 0o660);
        let made = std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap();
        assert!(made.success());
        for (name, error) in [
            ("long", FileError::TooLong(8)),
            ("latin", FileError::NotUtf8),
            ("bom", FileError::ByteOrderMark),
            ("open", FileError::OpenToOthers(0o444)),
            ("group", FileError::WritableByGroup(0o660)),
            ("pipe", FileError::NotRegular),
            ("", FileError::NotRegular),
            ("none", FileError::Missing),
            ("long/below", FileError::Unreadable(io::ErrorKind::NotADirectory)),
        ] {
            assert_eq!(read(&at(name), LIMITS).err(), Some(error), "{name}");
        }
    }

    #[test]
    fn a_file_is_replaced_by_nobody_else() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let chmod = |name: &str, mode| {
            std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(mode)).unwrap();
        };
        std::fs::create_dir(at("open")).unwrap();
        write(&at("open/f"), b"a", 0o400);
        symlink("open/f", at("link")).unwrap();
        for (mode, answer) in [
            (0o755, Ok(())),
            (0o311, Ok(())),
            (0o777, Err(FileError::FolderWritableByOthers(0o777))),
            (0o1777, Err(FileError::FolderWritableByOthers(0o1777))),
        ] {
            chmod("open", mode);
            for name in ["open/f", "link"] {
                assert_eq!(check_place(&at(name)), answer, "{name} {mode:o}");
            }
            for name in ["open/f", "link", "open/none"] {
                assert_eq!(check_place_to_be(&at(name)), answer, "{name} {mode:o}");
            }
        }
        chmod("open", 0o755);
        chmod("", 0o777);
        assert_eq!(check_place(&at("link")), Err(FileError::FolderWritableByOthers(0o777)));
        assert_eq!(check_place(&at("open/f")), Ok(()));
    }

    #[test]
    fn each_link_on_the_way_is_replaced_by_nobody_else() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for folder in ["open", "own", "own/below"] {
            std::fs::create_dir(at(folder)).unwrap();
        }
        write(&at("own/below/f"), b"a", 0o400);
        symlink("../own/below/f", at("open/middle")).unwrap();
        symlink("open/middle", at("link")).unwrap();
        symlink(at("own"), at("open/folder")).unwrap();
        let names = ["link", "open/folder/below/f", "open/../own/below/../below/f"];
        let checked = || names.map(|name| check_place(&at(name)));
        assert_eq!(checked(), [Ok(()); 3]);
        std::fs::set_permissions(at("open"), std::fs::Permissions::from_mode(0o777)).unwrap();
        let open = Err(FileError::FolderWritableByOthers(0o777));
        assert_eq!(checked(), [open, open, Ok(())]);
    }

    #[test]
    fn links_without_end_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        symlink("round", at("round")).unwrap();
        symlink("nowhere", at("link")).unwrap();
        assert_eq!(check_place(&at("link")), Err(FileError::Missing));
        assert!(matches!(check_place(&at("round")), Err(FileError::Unreadable(_))));
    }

    #[test]
    fn a_folder_is_not_open_to_others() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(check_folder(dir.path()), Ok(()));
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(check_folder(dir.path()), Err(FileError::WritableByOthers(0o777)));
        write(&dir.path().join("f"), b"", 0o400);
        assert_eq!(check_folder(&dir.path().join("f")), Err(FileError::NotFolder));
    }
}
