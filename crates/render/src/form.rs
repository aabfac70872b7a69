//! The three forms of a line: plain body, HTML body, terminal.

use crate::layout::{Look, Piece, Span};
use crate::outside::escape;

/// For `body`: addresses in full.
pub(crate) fn plain(row: &[Piece]) -> String {
    row.iter().map(|piece| with_address(plain_span(&piece.span), &piece.look)).collect()
}

fn plain_span(span: &Span) -> String {
    match span {
        Span::Ours(words) => words.to_string(),
        Span::Outside(text) => text.plain(),
    }
}

fn with_address(text: String, look: &Look) -> String {
    match look {
        Look::Link(link) => format!("{text}: {link}"),
        Look::Text | Look::Strong | Look::State => text,
    }
}

/// For `formatted_body`.
pub(crate) fn html(row: &[Piece]) -> String {
    row.iter().map(html_piece).collect()
}

fn html_piece(piece: &Piece) -> String {
    let text = match &piece.span {
        Span::Ours(words) => escape(words),
        Span::Outside(text) => text.html(),
    };
    match &piece.look {
        Look::Text | Look::State => text,
        Look::Strong => format!("<strong>{text}</strong>"),
        Look::Link(link) => format!("<a href=\"{}\">{text}</a>", link.html()),
    }
}

/// For a terminal: without the signs that only clients need, the state in `colour` (an SGR parameter) if there is
/// one.
pub(crate) fn terminal(row: &[Piece], colour: Option<&str>) -> String {
    row.iter().map(|piece| terminal_piece(piece, colour)).collect()
}

fn terminal_piece(piece: &Piece, colour: Option<&str>) -> String {
    let text = match &piece.span {
        Span::Ours(words) => words.to_string(),
        Span::Outside(text) => text.as_str().to_owned(),
    };
    match (&piece.look, colour) {
        (Look::Strong, Some(_)) => format!("\u{1b}[1m{text}\u{1b}[0m"),
        (Look::State, Some(colour)) => format!("\u{1b}[{colour}m{text}\u{1b}[0m"),
        (look, _) => with_address(text, look),
    }
}
