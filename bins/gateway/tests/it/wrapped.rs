//! The gateway under limits that only a shell can set.

use std::fs;
use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};

use meshhook_testkit::{Gateway, Homeserver};

use crate::rig::scripted;

/// The program beside this test's own.
pub(crate) fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.parent().unwrap().parent().unwrap().join("meshhook-gateway")
}

/// A gateway for that homeserver, not started yet, that a shell starts after these words.
pub(crate) fn after(homeserver: &Homeserver, words: &str) -> Gateway {
    let shell = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/wrapped.sh");
    let gateway = scripted(homeserver).binary(shell).write();
    first(&gateway, words);
    gateway
}

/// Changes what the shell does first at the next start.
pub(crate) fn first(gateway: &Gateway, words: &str) {
    let file = gateway.config_root().join("../first.sh");
    fs::write(file, format!("GATEWAY='{}'\n{words}\n", program().display())).unwrap();
}

/// A gateway for that homeserver, not started yet, that file modes keep from things. They keep root from nothing: where
/// the tests run as root, it runs as nobody, on files of nobody's own.
pub(crate) fn bound_by_modes(homeserver: &Homeserver) -> Gateway {
    let gateway = after(homeserver, "");
    if rustix::process::geteuid().is_root() {
        let place = gateway.config_root().parent().unwrap().to_owned();
        fs::copy(program(), place.join("program")).unwrap();
        give_away(&place);
        let nobody = format!("setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups");
        first(&gateway, &format!("exec {nobody} \"$2/../program\" \"$@\""));
    }
    gateway
}

const NOBODY: u32 = 65534;

fn give_away(path: &Path) {
    lchown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| give_away(&entry.unwrap().path()));
    }
}
