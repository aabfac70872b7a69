//! `[store]`: where deliveries are kept, and for how long.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::document::{Placed, Section, Span, Value};
use crate::fault::Wrong;
use crate::value::{duration, text};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
const DEFAULT: &str = "/var/lib/meshhook/meshhook.db";

/// `[store]`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Store {
    /// Which store.
    pub url: StoreUrl,
    /// How long a settled delivery is remembered.
    pub retention: Duration,
}

/// Which store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreUrl {
    /// `sqlite:` and the absolute path of the database file.
    Sqlite(PathBuf),
    /// `memory:`, which forgets everything when the gateway ends.
    Memory,
}

impl StoreUrl {
    /// The admin token's file where none is named: `admin-token` beside the store.
    pub(crate) fn admin_token(&self) -> Option<PathBuf> {
        match self {
            Self::Sqlite(file) => Some(file.with_file_name("admin-token")),
            Self::Memory => None,
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(file) => write!(f, "sqlite:{}", file.display()),
            Self::Memory => f.write_str("memory:"),
        }
    }
}

/// Reads the section; its url still has to be compared with the config root.
pub(crate) fn read(mut section: Section<'_>) -> (Store, Option<Span>) {
    let (url, span) = url(&mut section);
    let retention = section.get("retention", |value| duration(value, HOUR, DAY * 400)).unwrap_or(HOUR * 72);
    section.finish();
    (Store { url, retention }, span)
}

pub(crate) fn url(section: &mut Section<'_>) -> (StoreUrl, Option<Span>) {
    match section.placed("url", store_url) {
        Some(Placed { value, span }) => (value, Some(span)),
        None => (StoreUrl::Sqlite(PathBuf::from(DEFAULT)), None),
    }
}

pub(crate) fn store_url(value: &Value<'_>) -> Result<StoreUrl, Wrong> {
    let url = text(value)?;
    if url == "memory:" {
        return Ok(StoreUrl::Memory);
    }
    if url.starts_with("redis:") || url.starts_with("rediss:") {
        let hint = "this version does not have Redis yet; write \"sqlite:/var/lib/meshhook/meshhook.db\"";
        return Err(Wrong::new("unknown kind of store", hint));
    }
    let path = url.strip_prefix("sqlite:").filter(|path| is_plain(path));
    path.map(|path| StoreUrl::Sqlite(path.into())).ok_or_else(|| {
        let hint = "write \"sqlite:\" and an absolute path with one slash, without \"..\", or \"memory:\"";
        Wrong::new("not the address of a store", hint)
    })
}

/// Absolute, of a file, and without detours.
fn is_plain(path: &str) -> bool {
    path.strip_prefix('/').is_some_and(|rest| {
        rest.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.contains(char::is_control))
    })
}

/// A fault where the store would lie below `root`, by whatever links.
pub(crate) fn check_place(url: &StoreUrl, root: &Path) -> Result<(), Wrong> {
    match url {
        StoreUrl::Sqlite(file) if resolved(file, 0).starts_with(resolved(root, 0)) => {
            let hint = "nothing is written there; put it below /var/lib/meshhook";
            Err(Wrong::new("the store lies below the config root", hint))
        }
        _ => Ok(()),
    }
}

/// The path without symbolic links, also where its last parts do not exist yet.
fn resolved(path: &Path, links: u8) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return path.to_owned() };
    match path.read_link() {
        // As many links as Linux follows.
        Ok(target) if links < 40 => resolved(&folder.join(target), links + 1),
        _ => resolved(folder, links).join(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn read(text: &str) -> Option<StoreUrl> {
        store_url(&Value::String(text.into())).ok()
    }

    #[test]
    fn stores_are_files_or_memory() {
        assert_eq!(read("memory:"), Some(StoreUrl::Memory));
        assert_eq!(read("sqlite:/a/b.db"), Some(StoreUrl::Sqlite("/a/b.db".into())));
        for text in [
            "",
            "memory",
            "sqlite:",
            "sqlite:/",
            "sqlite:a.db",
            "sqlite:///a.db",
            "sqlite:/a/../b.db",
            "sqlite:/a/",
            "sqlite:/a/./b",
            "sqlite:/a/.",
            "redis://h",
            "/a.db",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn no_link_leads_below_the_root() {
        let dir = tempfile::tempdir().unwrap();
        let (root, data) = (dir.path().join("root"), dir.path().join("data"));
        std::fs::create_dir(&root).unwrap();
        std::fs::create_dir(&data).unwrap();
        symlink(&root, data.join("folder")).unwrap();
        symlink("../root/new.db", data.join("file.db")).unwrap();
        symlink("loop.db", data.join("loop.db")).unwrap();
        let allowed = |path: PathBuf| check_place(&StoreUrl::Sqlite(path), &root).is_ok();
        assert!(
            allowed(data.join("a.db"))
                && allowed(dir.path().join("rooted/a.db"))
                && allowed(data.join("loop.db"))
        );
        for path in [root.join("a.db"), root.join("x/a.db"), data.join("folder/x/a.db"), data.join("file.db")]
        {
            assert!(!allowed(path.clone()), "{}", path.display());
        }
    }

    #[test]
    fn the_root_may_be_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (root, link) = (dir.path().join("root"), dir.path().join("link"));
        std::fs::create_dir(&root).unwrap();
        symlink(&root, &link).unwrap();
        assert!(check_place(&StoreUrl::Sqlite(root.join("a.db")), &link).is_err());
    }
}
