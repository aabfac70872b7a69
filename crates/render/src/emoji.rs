//! The sign that begins every message: exactly one emoji.

use std::fmt;
use std::str::{Chars, FromStr};

/// Why a text is no [`Emoji`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum EmojiError {
    /// Nothing, more than one, or something else than an emoji.
    #[error("not exactly one emoji")]
    NotOne,
    /// Joined of more than [`Emoji::MAX_JOINED`] emoji.
    #[error("joined of more than four emoji")]
    TooLong,
}

/// One emoji, as one glyph on the screen.
///
/// Known are signs of Unicode's emoji blocks, with a variation selector or a skin tone, joined by U+200D, and
/// flags of two regional indicators. Keycaps and flags of regions are not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Emoji(Box<str>);

impl Emoji {
    /// How many emoji may be joined to one by U+200D.
    pub const MAX_JOINED: usize = 4;

    /// Checks that `text` is one emoji.
    ///
    /// # Errors
    /// When it is not, or too long a one.
    pub fn new(text: &str) -> Result<Self, EmojiError> {
        if !is_flag(text) {
            check_sequence(text)?;
        }
        Ok(Self(text.into()))
    }

    /// The emoji.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Emoji {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Emoji {
    type Err = EmojiError;

    fn from_str(text: &str) -> Result<Self, EmojiError> {
        Self::new(text)
    }
}

fn is_flag(text: &str) -> bool {
    text.chars().count() == 2 && text.chars().all(|c| matches!(c, '\u{1F1E6}'..='\u{1F1FF}'))
}

fn check_sequence(text: &str) -> Result<(), EmojiError> {
    if !text.split('\u{200D}').all(|part| is_element(part.chars())) {
        return Err(EmojiError::NotOne);
    }
    if text.split('\u{200D}').count() > Emoji::MAX_JOINED { Err(EmojiError::TooLong) } else { Ok(()) }
}

/// A base with at most one modifier: the emoji presentation or a skin tone.
fn is_element(mut chars: Chars<'_>) -> bool {
    let modifier = |c| matches!(c, '\u{FE0F}' | '\u{1F3FB}'..='\u{1F3FF}');
    chars.next().is_some_and(is_base) && chars.next().is_none_or(modifier) && chars.next().is_none()
}

/// A sign of the emoji blocks that stands for itself (Unicode 16, emoji-data.txt; the blocks are wider than it).
fn is_base(c: char) -> bool {
    matches!(c,
        '\u{2139}' | '\u{231A}'..='\u{231B}' | '\u{23E9}'..='\u{23F3}' | '\u{23F8}'..='\u{23FA}' |
        '\u{25AA}'..='\u{25AB}' | '\u{25B6}' | '\u{25C0}' | '\u{25FB}'..='\u{25FE}' |
        '\u{2600}'..='\u{27BF}' | '\u{2B05}'..='\u{2B07}' | '\u{2B1B}'..='\u{2B1C}' | '\u{2B50}' | '\u{2B55}' |
        '\u{1F191}'..='\u{1F19A}' | '\u{1F300}'..='\u{1F3FA}' | '\u{1F400}'..='\u{1F64F}' | '\u{1F680}'..='\u{1F6FC}' |
        '\u{1F7E0}'..='\u{1F7EB}' | '\u{1F90C}'..='\u{1F9FF}' | '\u{1FA70}'..='\u{1FAFF}')
}

/// The emoji of each state, and of a success with warnings.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EmojiSet {
    /// Known, not started.
    pub queued: Emoji,
    /// Started.
    pub running: Emoji,
    /// Finished well.
    pub succeeded: Emoji,
    /// Finished badly.
    pub failed: Emoji,
    /// Finished well, with a word like `UNSTABLE`.
    pub warned: Emoji,
}

impl Default for EmojiSet {
    /// 🕓 🔨 ✅ ❌ ⚠️
    fn default() -> Self {
        let emoji = |text: &str| Emoji(text.into());
        Self {
            queued: emoji("🕓"),
            running: emoji("🔨"),
            succeeded: emoji("✅"),
            failed: emoji("❌"),
            warned: emoji("⚠️"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_emoji_is_one_emoji() {
        for text in
            ["🕓", "🔨", "✅", "❌", "⚠️", "⚠", "🟢", "👷🏽", "🇩🇪", "👩‍💻", "👷🏽‍♀️", "🏴‍☠️", "⏳", "⭐", "ℹ️", "🆗"]
        {
            assert_eq!(Emoji::new(text).map(|e| e.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "",
            " ",
            "x",
            "ok",
            "!",
            "✅✅",
            "✅ ",
            " ✅",
            "✅x",
            "x✅",
            "✅\n",
            "\u{FE0F}",
            "\u{1F3FD}",
            "\u{200D}",
            "✅\u{200D}",
            "\u{200D}✅",
            "⚠\u{FE0E}",
            "⚠\u{FE0F}\u{FE0F}",
            "🇩",
            "🇩🇪🇫🇷",
            "1️⃣",
            "<b>",
            "&#9989;",
            "日",
            "\u{202E}✅",
        ] {
            assert_eq!(Emoji::new(text), Err(EmojiError::NotOne), "{text:?}");
        }
        let long = ["👩"; 5].join("\u{200D}");
        assert_eq!(Emoji::new(&long), Err(EmojiError::TooLong));
    }

    #[test]
    fn the_default_set_passes_its_own_check() {
        let EmojiSet { queued, running, succeeded, failed, warned } = EmojiSet::default();
        for emoji in [queued, running, succeeded, failed, warned] {
            assert_eq!(Emoji::new(emoji.as_str()), Ok(emoji));
        }
    }
}
