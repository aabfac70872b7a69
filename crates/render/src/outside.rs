//! Text from outside, bounded and unable to become anything but text.

use std::borrow::Cow;

/// U+2060, word joiner: takes no place, and no client's search for addresses and ids reaches across it.
const JOINER: char = '\u{2060}';

/// U+2068 and U+2069: what stands between them has its own direction and does not move its neighbours.
const ISOLATE: char = '\u{2068}';
const END_ISOLATE: char = '\u{2069}';

/// A field's text, cut to what a message has room for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outside(String);

impl Outside {
    /// Cuts `text` so that neither of its forms is longer than `budget` bytes, the isolates not counted.
    pub(crate) fn new(text: &str, budget: usize) -> Self {
        Self(shorten(text, budget, cost).into_owned())
    }

    /// As it came, for where nothing looks for addresses.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Isolated, with every address and id broken.
    pub(crate) fn plain(&self) -> String {
        format!("{ISOLATE}{}{END_ISOLATE}", defuse(&self.0))
    }

    /// As [`Self::plain`], escaped for HTML.
    pub(crate) fn html(&self) -> String {
        escape(&self.plain())
    }
}

/// The longest beginning of `text` whose characters cost no more than `budget`, and an ellipsis where it is cut.
pub(crate) fn shorten(text: &str, budget: usize, cost: fn(char) -> usize) -> Cow<'_, str> {
    if text.chars().map(cost).sum::<usize>() <= budget {
        return text.into();
    }
    let mut left = budget.saturating_sub('…'.len_utf8());
    let fits = |c: &char| left.checked_sub(cost(*c)).map(|rest| left = rest).is_some();
    let kept: String = text.chars().take_while(fits).collect();
    format!("{}…", kept.trim_end()).into()
}

/// At most how many bytes a character takes in the JSON of either form.
fn cost(c: char) -> usize {
    match c {
        '"' => "&quot;".len(),
        '&' | '\'' => "&amp;".len(),
        '<' | '>' => "&lt;".len(),
        '\\' => "\\\\".len(),
        '@' | '#' | '!' | '$' | '+' | ':' | '.' => 1 + 2 * JOINER.len_utf8(),
        _ => c.len_utf8(),
    }
}

/// Escapes for HTML text and double-quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| b"&<>\"'".contains(&byte)) {
        out.push_str(&rest[..at]);
        out.push_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => "&#39;",
        });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out
}

/// Puts a joiner on both sides of every sign that makes an address or an id of what surrounds it.
///
/// On both sides, since some clients' searches take a joiner for a letter of a host (Nheko, Android) and others for
/// one of a path (linkifyjs): a scheme has to be parted from its colon, a top-level domain from its dot.
fn defuse(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if joins(&text[..at], c, &text[at + c.len_utf8()..]) {
            out.extend([JOINER, c, JOINER]);
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether `c` could make an address or an id of its neighbours: a Matrix id or `@room`, a scheme, a host.
///
/// The bare word "localhost" stays: linkifyjs alone makes a link of it, and it leads nowhere.
fn joins(before: &str, c: char, after: &str) -> bool {
    let led_to = !before.is_empty() && !before.ends_with(' ');
    let goes_on = !after.is_empty() && !after.starts_with(' ');
    match c {
        '@' | '#' | '!' | '$' | '+' | ':' => goes_on,
        '.' if led_to && goes_on => !is_version_dot(before, after),
        '.' => before.to_ascii_lowercase().ends_with("www"),
        _ => false,
    }
}

/// Whether a dot stands in a number like 1.2.3; the third one would make an IPv4 address of it.
fn is_version_dot(before: &str, after: &str) -> bool {
    let number = before.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').len();
    let digit = |c: char| c.is_ascii_digit();
    before.ends_with(digit) && after.starts_with(digit) && before[number..].matches('.').count() < 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// With `|` for the joiner.
    fn defused(text: &str) -> String {
        defuse(text).replace(JOINER, "|")
    }

    #[test]
    fn ids_and_addresses_are_broken() {
        for (text, broken) in [
            ("@room", "|@|room"),
            ("!ban @admin:server", "|!|ban |@|admin|:|server"),
            ("#alias:example.org", "|#|alias|:|example|.|org"),
            ("$event", "|$|event"),
            ("+group:h", "|+|group|:|h"),
            ("https://evil.com/", "https|:|//evil|.|com/"),
            ("www.1und1.de", "www|.|1und1|.|de"),
            ("WWW. x", "WWW|.| x"),
            ("mailto:a@b.c", "mailto|:|a|@|b|.|c"),
            ("matrix:u/a", "matrix|:|u/a"),
            ("10.0.0.7", "10.0.0|.|7"),
            ("evil.рф", "evil|.|рф"),
            ("@@", "|@|@"),
        ] {
            assert_eq!(defused(text), broken);
        }
    }

    #[test]
    fn ordinary_names_stay_as_they_are() {
        for text in
            ["release/1.2.3", "v1.0.1", "done!", "C# and C", "a: b", "etc. and", ".", "12:", "#", "… x"]
        {
            assert_eq!(defused(text), text);
        }
        assert_eq!(defused(".github"), ".github");
        assert_eq!(defused("foo.swift"), "foo|.|swift");
    }

    #[test]
    fn a_field_keeps_within_its_budget() {
        for text in ["&", "@", "🍎", "\"", "a\u{301}", "x"].map(|c| c.repeat(256)) {
            for budget in [20, 100, 120] {
                let outside = Outside::new(&text, budget);
                let isolates = ISOLATE.len_utf8() + END_ISOLATE.len_utf8();
                assert!(outside.html().len() <= budget + isolates);
                assert!(outside.plain().len() <= budget + isolates);
                assert!(outside.as_str().ends_with('…'));
            }
        }
        assert_eq!(Outside::new(&"x".repeat(20), 20).as_str(), "x".repeat(20));
        assert_eq!(Outside::new("four words are here", 14).as_str(), "four words…");
    }

    proptest! {
        #[test]
        fn five_signs_are_escaped_and_nothing_else(text in "[&<>\"'a🍎\u{2060}]{0,12}") {
            let escaped = |c| match c {
                '&' => "&amp;".to_owned(),
                '<' => "&lt;".to_owned(),
                '>' => "&gt;".to_owned(),
                '"' => "&quot;".to_owned(),
                '\'' => "&#39;".to_owned(),
                _ => String::from(c),
            };
            prop_assert_eq!(escape(&text), text.chars().map(escaped).collect::<String>());
        }
    }
}
