//! What an operator chooses about the look of a message.

use meshhook_model::State;

use crate::EmojiSet;

/// Which bodies a message has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// A plain body, and a formatted one in HTML.
    #[default]
    Html,
    /// A plain body alone.
    Plain,
}

/// How messages look and which of them notify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Style {
    /// Which bodies a message has.
    pub format: Format,
    /// The sign at the beginning of a message.
    pub emoji: EmojiSet,
    /// The states whose messages are `m.text`; all others are `m.notice`, which never notifies.
    pub notify_on: Vec<State>,
    /// Outcomes that never notify, whatever their state. Case and separators do not count: `timed_out` also
    /// stands for `TimedOut`, and `cancelled` for `canceled`.
    pub quiet_outcomes: Vec<String>,
}

impl Default for Style {
    /// HTML; a failure notifies, but no cancelled or skipped build.
    fn default() -> Self {
        Self {
            format: Format::default(),
            emoji: EmojiSet::default(),
            notify_on: vec![State::Failed],
            quiet_outcomes: vec!["cancelled".into(), "skipped".into()],
        }
    }
}
