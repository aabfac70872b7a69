//! What others wrote, in our messages.

/// As much of a value as a message may have of it, in characters.
const SHOWN: usize = 200;

/// The beginning of `text`, with an ellipsis where something is left away.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
