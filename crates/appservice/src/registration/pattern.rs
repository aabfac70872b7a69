//! Patterns as Synapse understands them: Python's `re.match` on a full id.

use regex_lite::{Regex, RegexBuilder};

/// As long as a pattern may be that is looked at, in bytes.
const LONGEST: usize = 1024;
/// As large as it may become, in bytes.
const LARGEST: usize = 1 << 20;

/// A pattern that can be tried.
pub(super) struct Pattern(Regex);

impl Pattern {
    /// `None` where it is in words of Python's that are not known here, or no pattern at all.
    pub(super) fn of(regex: &str) -> Option<Self> {
        if regex.len() > LONGEST || repeats_oddly(regex) {
            return None;
        }
        // Python's end of a text.
        let regex = regex.strip_suffix(r"\Z").map_or_else(|| regex.to_owned(), |rest| format!(r"{rest}\z"));
        // Alone first: `a)(b` is no pattern, but would be one in the parentheses.
        compiled(&regex).and_then(|_| compiled(&format!(r"\A(?:{regex})"))).map(Self)
    }

    /// Whether an id that begins so is matched.
    pub(super) fn matches(&self, id: &str) -> bool {
        self.0.is_match(id)
    }
}

/// Whether there is something like `a**` or `^*`, which Python does not take, or `a*+`, which it does not take for
/// `(a*)+`.
fn repeats_oddly(regex: &str) -> bool {
    let (mut chars, mut run, mut in_class, mut at_place) = (regex.chars(), String::new(), false, false);
    while let Some(c) = chars.next() {
        match c {
            '*' | '+' | '?' | '{' if at_place => return true,
            '*' | '+' | '?' | '}' if !in_class => run.push(c),
            _ => run.clear(),
        }
        // The second one of two can only say that as little as possible is meant.
        if run.len() > 2 || run.len() == 2 && !run.ends_with('?') {
            return true;
        }
        at_place = !in_class && matches!(c, '^' | '$');
        match c {
            '\\' => at_place = chars.next().is_some_and(|c| !in_class && matches!(c, 'A' | 'b' | 'B' | 'z')),
            '[' => in_class = true,
            ']' => in_class = false,
            _ => {}
        }
    }
    false
}

fn compiled(regex: &str) -> Option<Regex> {
    RegexBuilder::new(regex).size_limit(LARGEST).build().ok()
}

/// The pattern of all machines' users, whose names [`GhostNames`](crate::GhostNames) makes.
pub(super) fn of_ghosts(localpart: &str, server_name: &str) -> String {
    format!("^@{}_[a-z0-9._=/-]+:{}$", literal(localpart), literal(server_name))
}

/// What matches that text alone, of the characters that a local part and a server's name may have.
fn literal(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '.' | '+' | '[' | ']' => format!("\\{c}"),
        c => c.to_string(),
    });
    escaped.collect()
}

/// The text that a pattern's end stands for; `None` where it stands for more than one.
pub(super) fn unescaped(pattern: &str) -> Option<String> {
    let (mut text, mut chars) = (String::new(), pattern.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.push(chars.next().filter(char::is_ascii_punctuation)?),
            // An unescaped dot stands for itself, as it was meant.
            '.' | '-' | ':' => text.push(c),
            c if c.is_ascii_alphanumeric() => text.push(c),
            _ => return None,
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_matched_from_the_start_and_not_to_the_end() {
        let matches = |regex: &str, id: &str| Pattern::of(regex).map(|pattern| pattern.matches(id));
        assert_eq!(matches("@b_.*", "@b_x:example.org"), Some(true));
        assert_eq!(matches("b_.*", "@b_x:example.org"), Some(false));
        assert_eq!(matches("@a|@b", "@bx"), Some(true));
        assert_eq!(matches("x|@b", "a@b"), Some(false));
        assert_eq!(matches(r"@b\Z", "@bx"), Some(false));
        assert_eq!(matches(r"@[b*+?]*?\*+x", "@b**x"), Some(true));
    }

    #[test]
    fn what_cannot_be_tried_is_none() {
        for regex in [
            "@(",
            "a)(b",
            "(?!x)@b",
            r"(a)\1",
            &"a".repeat(1025),
            "((a{999}){999}){999}",
            "a**",
            "a*+",
            "a{2}+",
            "a??*",
        ] {
            assert!(Pattern::of(regex).is_none(), "{regex}");
        }
    }

    #[test]
    fn dots_are_escaped_and_ghosts_matched() {
        assert_eq!(of_ghosts("b.ot", "[::1]:8448"), r"^@b\.ot_[a-z0-9._=/-]+:\[::1\]:8448$");
        let pattern = Pattern::of(&of_ghosts("b.ot", "[::1]:8448")).unwrap();
        assert!(pattern.matches("@b.ot_mac=20_m:[::1]:8448"));
        assert!(!pattern.matches("@bxot_mac:[::1]:8448") && !pattern.matches("@b.ot:[::1]:8448"));
    }

    #[test]
    fn the_end_of_a_pattern_tells_the_server() {
        assert_eq!(unescaped(r"example\.org:8448").as_deref(), Some("example.org:8448"));
        assert_eq!(unescaped("example.org").as_deref(), Some("example.org"));
        for end in [".*", r"example\.(org|com)", r"\d", r"exam\", "[a-z]+"] {
            assert_eq!(unescaped(end), None, "{end}");
        }
    }
}
