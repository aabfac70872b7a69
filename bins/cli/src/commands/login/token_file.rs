//! The token's file, replaced as a whole.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use meshhook_config::check_secret_place;
use meshhook_matrix::Token;
use rustix::process::geteuid;

use crate::failure::{Exit, Failure};
use crate::shell::word;
use crate::whole_file::{self, WholeFile, folder_of};

/// For its owner and its group to read.
const MODE: u32 = 0o440;

/// A token's file to be, beside the one that it is to replace.
pub(super) struct TokenFile {
    replaces: Option<Metadata>,
    folder: Metadata,
    unfinished: WholeFile,
}

/// Where the token is, and what is to be done about that.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) file: PathBuf,
    pub(super) notes: Vec<String>,
}

impl TokenFile {
    /// Makes sure that `path` can be written, and that the token is nobody else's then; behind a symbolic link, what
    /// that leads to. The `gateway` is the user that it runs as, where that is known.
    pub(super) fn prepare(path: &Path, gateway: Option<u32>) -> Result<Self, Failure> {
        let named = folder_of(path);
        let failure = |error: &io::Error| unwritable(path, error);
        let named_folder = fs::metadata(named).map_err(|error| failure(&error))?;
        let target = target(path).map_err(|error| failure(&error))?;
        check_secret_place(path)?;
        let replaces = fs::metadata(&target).ok();
        let folder = fs::metadata(folder_of(&target)).map_err(|error| failure(&error))?;
        let known = [Some(0), Some(geteuid().as_raw()), Some(named_folder.uid()), gateway];
        refuse_strangers(&folder, folder_of(&target), &known)?;
        replaces.as_ref().map_or(Ok(()), |file| refuse_strangers(file, &target, &known))?;
        let unfinished = WholeFile::beside(&target).map_err(|error| failure(&error))?;
        if unfinished.is_on_a_mount_point() {
            Err(mounted(&target))
        } else {
            Ok(Self { replaces, folder, unfinished })
        }
    }

    /// Puts the token there, whole at any moment, and durable. Where that fails it is kept beside its place: it cannot
    /// be had again, and another homeserver than Synapse may have ended the one before.
    pub(super) fn write(mut self, token: &Token) -> Result<Place, Failure> {
        let target = self.unfinished.target().to_owned();
        let mode = self.replaces.as_ref().map_or(MODE, |file| file.mode() & MODE | 0o400);
        let note = self.hand_over();
        let filled = self.unfinished.fill(format_args!("{}\n", token.expose()), mode);
        filled.map_err(|error| unwritable(&target, &error))?;
        if let Err(stuck) = self.unfinished.put(true) {
            let error = stuck.error.to_string();
            let kept = stuck.keep().map_err(|error| unwritable(&target, &error))?;
            return Err(kept_beside(&kept, &target, &error));
        }
        let unsynced = whole_file::sync(folder_of(&target)).err();
        let unsynced = unsynced.map(|error| format!("warning: it may not outlive a power failure: {error}"));
        Ok(Place { file: target, notes: note.into_iter().chain(unsynced).collect() })
    }

    /// To the owner and group of the file that is replaced, else to the folder's group, in which gateway.toml's readers
    /// are; as far as we may. What is left to do about it.
    fn hand_over(&self) -> Option<String> {
        let owner = self.replaces.as_ref().map(MetadataExt::uid);
        let group = self.replaces.as_ref().unwrap_or(&self.folder).gid();
        let is = self.unfinished.give(owner, group).ok()?;
        left_to_do((owner, group), is, self.unfinished.target())
    }
}

/// What is replaced: behind a link, what that leads to.
fn target(path: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(path).or_else(|_| {
        let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
        Ok(fs::canonicalize(folder_of(path))?.join(name))
    })
}

/// Ends where a file or folder is of somebody who has no business with the token, and could get at it: a link may lead
/// anywhere. Who owns the folder that is named can put there whatever is read.
fn refuse_strangers(facts: &Metadata, place: &Path, known: &[Option<u32>]) -> Result<(), Failure> {
    if known.contains(&Some(facts.uid())) {
        return Ok(());
    }
    let place = place.display().to_string();
    let message = format!("{place}: it belongs to the user {}, who could read the token", facts.uid());
    let hint = format!(
        "where that is the gateway's user: sudo chown root {}, and let its group read it; else correct \
         access_token_file in [matrix]",
        word(&place)
    );
    Err(Failure::new(Exit::Configuration, message, hint))
}

/// What whoever may do more has to do: owner and group as they were to be, and as they are.
fn left_to_do(wanted: (Option<u32>, u32), is: (u32, u32), target: &Path) -> Option<String> {
    let target = word(&target.display().to_string());
    match wanted {
        (Some(owner), group) if is != (owner, group) => {
            Some(format!("its owner could not be kept: sudo chown {owner}:{group} {target}"))
        }
        (None, group) if is.1 != group => Some(format!(
            "its group could not be set, so that the gateway may not be able to read it: sudo chgrp {group} {target}"
        )),
        (None, _) if is == (0, 0) => Some(format!(
            "root alone may read it; where the gateway runs as another user: chgrp GROUP {target}"
        )),
        _ => None,
    }
}

fn unwritable(target: &Path, error: &io::Error) -> Failure {
    let message = format!("{}: it cannot be written: {error}", target.display());
    let hint = match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => MOUNTED,
        _ => {
            "run it as a user who may write there, such as root; access_token_file in [matrix] names the file"
        }
    };
    Failure::new(Exit::Configuration, message, hint)
}

const MOUNTED: &str = "mount its folder instead, for writing, and let access_token_file in [matrix] name the file in it; \
                       or log in where the mount comes from";

fn mounted(target: &Path) -> Failure {
    let message = format!("{}: it is a mount of its own, and cannot be replaced", target.display());
    Failure::new(Exit::Configuration, message, MOUNTED)
}

fn kept_beside(kept: &Path, target: &Path, error: &str) -> Failure {
    let message = format!("{}: it cannot be replaced: {error}", target.display());
    let [kept, target] = [kept, target].map(|path| word(&path.display().to_string()));
    Failure::new(
        Exit::Configuration,
        message,
        format!("the token is in {kept}: move away what is in its place, then: sudo mv {kept} {target}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{File, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn prepare(path: &Path) -> Result<TokenFile, Failure> {
        TokenFile::prepare(path, None)
    }

    fn write(path: &Path, token: &str) -> Place {
        prepare(path).unwrap().write(&Token::new(token).unwrap()).unwrap()
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
        symlink(&file, &link).unwrap();
        assert_eq!(write(&link, "syt_1").file, file.canonicalize().unwrap());
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "syt_1\n");
    }

    #[test]
    fn what_is_given_up_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        drop(prepare(&dir.path().join("matrix-token")).unwrap());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(prepare(&dir.path().join("none/matrix-token")).is_err());
    }

    #[test]
    fn no_token_goes_where_others_may_write() {
        let dir = tempfile::tempdir().unwrap();
        let (open, link) = (dir.path().join("open"), dir.path().join("link"));
        fs::create_dir(&open).unwrap();
        fs::write(open.join("there"), "").unwrap();
        symlink(open.join("there"), &link).unwrap();
        fs::set_permissions(&open, Permissions::from_mode(0o1777)).unwrap();
        for path in [open.join("there"), open.join("new"), link] {
            let refused = prepare(&path).err().unwrap().message();
            assert!(refused.contains("others may write the folder"), "{refused}");
        }
        assert_eq!(fs::read_dir(&open).unwrap().count(), 1);
    }

    #[test]
    fn no_token_becomes_a_strangers() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("matrix-token");
        fs::write(&path, "").unwrap();
        let (file, own) = (fs::metadata(&path).unwrap(), geteuid().as_raw());
        assert!(refuse_strangers(&file, &path, &[None, Some(own + 1)]).is_err());
        assert!(refuse_strangers(&file, &path, &[Some(own)]).is_ok());
        // Only root may make the file another's.
        if own == 0 {
            std::os::unix::fs::chown(&path, Some(4321), None).unwrap();
            let refused = prepare(&path).err().unwrap().message();
            assert!(refused.contains("belongs to the user 4321"), "{refused}");
            TokenFile::prepare(&path, Some(4321)).unwrap().write(&Token::new("syt_1").unwrap()).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().uid(), 4321, "the gateway's stays the gateway's");
            std::os::unix::fs::chown(dir.path(), Some(4321), None).unwrap();
            assert!(prepare(&path).is_ok(), "who owns the folder may put anything there");
            let other = tempfile::tempdir().unwrap();
            symlink(&path, other.path().join("link")).unwrap();
            fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
            std::os::unix::fs::chown(&path, Some(0), None).unwrap();
            assert!(prepare(&other.path().join("link")).is_err(), "nor into a stranger's folder");
        }
    }

    #[test]
    fn what_could_not_be_kept_is_said() {
        let said = |wanted, is| left_to_do(wanted, is, Path::new("/a b")).unwrap_or_default();
        assert!(said((Some(7), 8), (0, 8)).ends_with("sudo chown 7:8 '/a b'"));
        assert!(said((Some(7), 8), (7, 0)).ends_with("sudo chown 7:8 '/a b'"));
        assert!(said((None, 8), (1000, 1000)).ends_with("sudo chgrp 8 '/a b'"));
        assert!(said((None, 0), (0, 0)).ends_with("chgrp GROUP '/a b'"));
        for (wanted, is) in
            [((Some(7), 8), (7, 8)), ((None, 8), (0, 8)), ((None, 8), (1000, 8)), ((Some(0), 0), (0, 0))]
        {
            assert_eq!(said(wanted, is), "");
        }
    }

    #[test]
    fn a_token_that_cannot_be_placed_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("matrix-token");
        let file = prepare(&path).unwrap();
        // In the way only now, as whatever could not be foreseen.
        fs::create_dir(&path).unwrap();
        let Failure::Told { hint, .. } = file.write(&Token::new("syt_1").unwrap()).unwrap_err() else {
            panic!()
        };
        let kept = hint.strip_prefix("the token is in ").unwrap().split_once(": move away").unwrap().0;
        assert_eq!((fs::read_to_string(kept).unwrap().as_str(), mode(Path::new(kept))), ("syt_1\n", 0o440));
    }
}
