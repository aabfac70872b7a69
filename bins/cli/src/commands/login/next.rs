//! The commands that words and hints name, told what this one was told.

use std::path::Path;

use crate::shell;

/// What was said of where.
pub(super) struct Next<'l> {
    pub(super) config_root: Option<&'l Path>,
    pub(super) room: Option<&'l str>,
}

impl Next<'_> {
    /// Any command, such as `meshhook doctor`.
    pub(super) fn command(&self, words: &str) -> String {
        shell::command(words, self.config_root)
    }

    /// The one that joins the room.
    pub(super) fn join(&self) -> String {
        let room = self.room.map(|room| format!(" --room {}", shell::word(room)));
        self.command(&format!("meshhook login --join{}", room.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_repeated() {
        let next = Next { config_root: None, room: None };
        assert_eq!(next.join(), "meshhook login --join");
        let next = Next { config_root: Some(Path::new("/srv/a")), room: Some("!id") };
        assert_eq!(next.join(), "meshhook login --join --room '!id' --config-root /srv/a");
        assert_eq!(next.command("meshhook doctor"), "meshhook doctor --config-root /srv/a");
    }
}
