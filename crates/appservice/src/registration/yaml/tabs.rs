//! Tabs, which PyYAML takes for no blank: only texts in quotes or blocks, and comments, may have them.

use std::ops::Range;

/// The line of the first one elsewhere. The ranges are those of texts in quotes and blocks, in their order.
pub(super) fn first_outside(text: &str, mut texts: impl Iterator<Item = Range<usize>>) -> Option<usize> {
    let (mut line, mut before, mut in_comment) = (1, b'\n', false);
    let mut next = texts.next();
    for (at, byte) in text.bytes().enumerate() {
        while next.as_ref().is_some_and(|range| range.end <= at) {
            next = texts.next();
        }
        let in_text = next.as_ref().is_some_and(|range| range.contains(&at));
        match byte {
            b'\n' => (line, in_comment) = (line + 1, false),
            b'#' if !in_text && matches!(before, b' ' | b'\n') => in_comment = true,
            b'\t' if !in_text && !in_comment => return Some(line),
            _ => {}
        }
        before = byte;
    }
    None
}
