//! Data to stdout, words to stderr, and nothing from outside that a terminal would obey.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::failure::Failure;

/// Where a command writes.
pub(crate) struct Output<'w> {
    data: Box<dyn Write + 'w>,
    /// Whether data may have colours.
    pub(crate) colour: bool,
    words_colour: bool,
}

impl Output<'static> {
    /// Stdout and stderr of the process.
    pub(crate) fn of_process() -> Self {
        let stdout = io::stdout().lock();
        let colour = stdout.is_terminal() && colours_wanted();
        Self { data: Box::new(stdout), colour, words_colour: io::stderr().is_terminal() && colours_wanted() }
    }
}

/// <https://no-color.org>: any value that is not empty switches colours off.
fn colours_wanted() -> bool {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb")
}

impl Output<'_> {
    /// A line of data, made safe.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Failure> {
        self.raw(&(shown(text) + "\n"))
    }

    /// A value as one line of JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let json = serde_json::to_string(value).map_err(io::Error::from)?;
        self.raw(&(escaped_json(&json) + "\n"))
    }

    /// Text as it is.
    pub(crate) fn raw(&mut self, text: &str) -> Result<(), Failure> {
        self.data.write_all(text.as_bytes())?;
        Ok(self.data.flush()?)
    }

    /// A word to whoever watches.
    pub(crate) fn note(&self, text: &str) {
        // Without a stderr there is nobody to tell.
        let _ = writeln!(io::stderr(), "{}", shown(text));
    }

    /// A question to whoever watches, whose answer is to be on the same line.
    pub(crate) fn ask(&self, text: &str) {
        let _ = write!(io::stderr(), "{} ", shown(text));
    }

    /// What went wrong, and what to do about it.
    pub(crate) fn error(&self, message: &str, hint: &str) {
        let error = if self.words_colour { "\u{1b}[1;31merror:\u{1b}[0m" } else { "error:" };
        let _ = writeln!(io::stderr(), "{error} {}\nhint: {}", shown(message), shown(hint));
    }
}

/// `text` with every character escaped that a terminal obeys or that hides or reorders others.
pub(crate) fn shown(text: &str) -> String {
    escape(text, |out, c| write!(out, "{}", c.escape_unicode()))
}

/// The same for JSON, in which such characters stand within strings alone, and have an escape of the same meaning.
fn escaped_json(json: &str) -> String {
    escape(json, |out, c| {
        let mut units = [0; 2];
        c.encode_utf16(&mut units).iter().try_for_each(|unit| write!(out, "\\u{unit:04x}"))
    })
}

fn escape(text: &str, escape: impl Fn(&mut String, char) -> std::fmt::Result) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if !is_obeyed(c) {
            out.push(c);
        } else if escape(&mut out, c).is_err() {
            out.push(char::REPLACEMENT_CHARACTER);
        }
    }
    out
}

/// Control characters, and Unicode's marks, embeddings, overrides, isolates and separators.
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
            | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_a_terminal_obeys_is_shown() {
        assert_eq!(shown("a\u{1b}[2Jb\nc\u{202e}d\u{9b}"), "a\\u{1b}[2Jb\\u{a}c\\u{202e}d\\u{9b}");
        assert_eq!(shown("Grüße 日本 ✅"), "Grüße 日本 ✅");
    }

    #[test]
    fn json_means_the_same_escaped() {
        let text = "a\u{1b}\u{7f}\u{9b}\u{202e}\u{E0041}é\"\\";
        let json = escaped_json(&serde_json::to_string(text).unwrap());
        assert!(!json.contains(is_obeyed), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
