//! Text that came from outside, made harmless once, where it enters.

use std::fmt;

use serde::Serialize;
use unicode_normalization::char::is_combining_mark;

/// At most two marks are kept on a character: enough for every living script, too few to paint over other lines.
const MAX_MARKS: usize = 2;

/// Text from outside: never empty, one line, bounded, free of what a reader cannot see.
///
/// Dropped are control characters, bidirectional controls, zero-width and other invisible characters, line and
/// paragraph separators, variation and tag characters that could hide text; white space is folded to one blank.
/// Escaping for HTML and breaking of pills and links is the renderer's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Text(Box<str>);

impl Text {
    /// How many characters a text keeps.
    pub const MAX_CHARS: usize = 256;

    /// The harmless form of `raw`, cut at [`Self::MAX_CHARS`]; `None` when nothing is left of it.
    #[must_use]
    pub fn new(raw: &str) -> Option<Self> {
        Self::bounded(raw, Self::MAX_CHARS)
    }

    /// As [`Self::new`], cut at `max_chars`: the last character kept is then an ellipsis.
    #[must_use]
    pub fn bounded(raw: &str, max_chars: usize) -> Option<Self> {
        // Most of what comes is so, and a byte is looked at quicker than a character.
        if raw.len() <= max_chars && is_plain(raw.as_bytes()) {
            return Some(Self(raw.into()));
        }
        let mut clean = Cleaner::new(max_chars);
        for c in raw.chars() {
            if !clean.push(c) {
                break;
            }
        }
        clean.finish()
    }

    /// Whether anything of `raw` can be seen: if not, it becomes no text.
    #[must_use]
    pub fn shows(raw: &str) -> bool {
        let stands_alone = |c: char| !(c.is_whitespace() || is_invisible(c) || is_combining_mark(c));
        raw.chars().any(|c| c.is_ascii_graphic() || stands_alone(c))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Whether these are ASCII characters that all can be seen, with single blanks between them alone.
fn is_plain(bytes: &[u8]) -> bool {
    let blank = |bytes: Option<&u8>| bytes.is_none_or(|&byte| byte == b' ');
    bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
        && !blank(bytes.first())
        && !blank(bytes.last())
        && !bytes.windows(2).any(|pair| pair == b"  ")
}

struct Cleaner {
    out: String,
    left: usize,
    marks: usize,
    blank: bool,
    cut: bool,
}

impl Cleaner {
    fn new(max_chars: usize) -> Self {
        Self { out: String::new(), left: max_chars, marks: 0, blank: false, cut: false }
    }

    /// Takes one character; false once the bound is reached.
    fn push(&mut self, c: char) -> bool {
        if c.is_whitespace() {
            self.blank = !self.out.is_empty();
            return true;
        }
        if is_invisible(c) || !self.mark_fits(c) {
            return true;
        }
        let needed = 1 + usize::from(self.blank);
        if self.left < needed {
            self.cut = true;
            return false;
        }
        self.left -= needed;
        if std::mem::take(&mut self.blank) {
            self.out.push(' ');
        }
        self.out.push(c);
        true
    }

    /// Counts combining marks; one with no character before it, or one too many, does not fit.
    fn mark_fits(&mut self, c: char) -> bool {
        if !is_combining_mark(c) {
            self.marks = 0;
            return true;
        }
        self.marks += 1;
        self.marks <= MAX_MARKS && !self.out.is_empty() && !self.blank
    }

    fn finish(mut self) -> Option<Text> {
        if self.cut && self.out.pop().is_some() {
            self.out.push('…');
        }
        (!self.out.is_empty()).then(|| Text(self.out.into()))
    }
}

/// Characters that take no place on the screen or change the place of others.
///
/// Unicode 16: categories Cc and Cf as far as they occur, default-ignorable code points, private use and
/// noncharacters; line and paragraph separators are white space and folded before.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{06DD}' | '\u{070F}' | '\u{08E2}' |
            '\u{0600}'..='\u{0605}' | '\u{0890}'..='\u{0891}' |
            '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' |
            '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' |
            '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' |
            '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E000}'..='\u{F8FF}' |
            '\u{110BD}' | '\u{110CD}' | '\u{13430}'..='\u{1343F}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' |
            '\u{E0000}'..='\u{10FFFF}')
        || (c as u32) & 0xFFFE == 0xFFFE
        || matches!(c, '\u{FDD0}'..='\u{FDEF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clean(raw: &str) -> Option<String> {
        Text::new(raw).map(|t| t.to_string())
    }

    #[test]
    fn ordinary_text_stays_as_it_is() {
        for text in ["main", "Grüße aus Zürich", "日本語ビルド", "ci / build (macos-14, 🍎)", "a\u{0301}"]
        {
            assert_eq!(clean(text).as_deref(), Some(text));
        }
    }

    #[test]
    fn nothing_invisible_stays() {
        assert_eq!(clean("a\u{202E}b\u{200B}c\u{0}d\u{E0041}e\u{1b}[31m").as_deref(), Some("abcde[31m"));
        assert_eq!(clean("\u{FEFF}\u{2060}"), None);
    }

    #[test]
    fn blanks_of_plain_text_are_folded() {
        for (raw, text) in
            [("a b", "a b"), (" a", "a"), ("a ", "a"), ("a  b", "a b"), ("a\x7fb", "ab"), ("~", "~")]
        {
            assert_eq!(clean(raw).as_deref(), Some(text), "{raw:?}");
        }
    }

    #[test]
    fn lines_become_one() {
        assert_eq!(clean(" a\r\n\tb\u{2028}c\u{2029}d ").as_deref(), Some("a b c d"));
    }

    #[test]
    fn marks_are_few() {
        let zalgo = format!("e{}x", "\u{0301}".repeat(50));
        assert_eq!(clean(&zalgo).as_deref(), Some("e\u{0301}\u{0301}x"));
        assert_eq!(clean("\u{0301}a").as_deref(), Some("a"));
    }

    #[test]
    fn long_text_is_cut_with_a_sign() {
        let text = clean(&"x".repeat(10_000)).unwrap();
        assert_eq!(text.chars().count(), Text::MAX_CHARS);
        assert!(text.ends_with('…'));
        assert_eq!(clean(&"x".repeat(Text::MAX_CHARS)).unwrap(), "x".repeat(Text::MAX_CHARS));
    }

    proptest! {
        #[test]
        fn what_shows_becomes_a_text(
            raw in any::<String>(),
            hidden in "[\u{300}\u{200b} \t\u{0}]{0,4}",
            seen in "[a-c]?",
        ) {
            for raw in [raw, format!("{hidden}{seen}")] {
                prop_assert_eq!(Text::shows(&raw), Text::new(&raw).is_some());
            }
        }

        #[test]
        fn plain_text_is_as_any_other(raw in "[ -~\t\x7f]{0,8}", max in 0usize..8) {
            let mut clean = Cleaner::new(max);
            let _ = raw.chars().all(|c| clean.push(c));
            prop_assert_eq!(Text::bounded(&raw, max), clean.finish());
        }

        #[test]
        fn any_input_is_harmless_and_stable(raw in any::<String>(), max in 1usize..40) {
            if let Some(text) = Text::bounded(&raw, max) {
                prop_assert!(text.as_str().chars().count() <= max);
                prop_assert!(!text.as_str().contains(|c: char| c.is_control() || is_invisible(c)));
                prop_assert!(!text.as_str().starts_with(' ') && !text.as_str().ends_with(' '));
                prop_assert_eq!(Text::bounded(text.as_str(), max), Some(text.clone()));
            }
        }
    }
}
