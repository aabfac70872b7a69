//! What someone may have meant by a word that is not known.

use crate::fault::Wrong;

/// Words longer than this are no slip of the pen, and comparing them costs their length squared.
const LONGEST: usize = 40;

/// A key or value that nothing knows: `what` it is, and the words there are.
pub(crate) fn unknown(what: &str, word: &str, known: &[&str]) -> Wrong {
    Wrong::new(format!("unknown {what} {}", shown(word)), hint(word, known))
}

fn hint(word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(near @ (name, _)) if is_slip(near) => format!("did you mean `{name}`?"),
        Some((name, _)) => format!("the nearest known is `{name}`; known here: {}", list(known)),
        None => "remove it".to_owned(),
    }
}

/// Whether a word at that distance may be meant.
pub(crate) const fn is_slip((name, distance): (&str, usize)) -> bool {
    distance <= 1 + name.len() / 3
}

/// The known word with the fewest slips between, and how many.
pub(crate) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<(&'k str, usize)> {
    let word: String = word.chars().take(LONGEST).collect();
    known.iter().map(|name| (*name, strsim::osa_distance(&word, name))).min_by_key(|(_, distance)| *distance)
}

fn list(known: &[&str]) -> String {
    known.join(", ")
}

/// A word as it may be repeated: bounded, and without control characters.
fn shown(word: &str) -> String {
    let cut: String = word.chars().take(LONGEST).collect();
    format!("`{}`{}", cut.escape_debug(), if cut.len() < word.len() { "…" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_named() {
        assert_eq!(unknown("key", "listen_", &["listen", "path"]).hint, "did you mean `listen`?");
    }

    #[test]
    fn what_is_nothing_like_it_names_all() {
        let wrong = unknown("key", "x", &["listen", "path"]);
        assert_eq!(wrong.hint, "the nearest known is `path`; known here: listen, path");
    }

    #[test]
    fn foreign_words_are_bounded_and_escaped() {
        let wrong = unknown("key", &"\u{1b}".repeat(1000), &["format"]);
        assert!(wrong.message.len() < 300 && !wrong.message.contains('\u{1b}'), "{}", wrong.message);
    }
}
