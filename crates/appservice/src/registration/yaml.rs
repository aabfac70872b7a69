//! YAML as Synapse reads it: by PyYAML's `safe_load`, whose plain words mean what YAML 1.1 has them mean.

mod tabs;
mod tree;
mod word;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, options};
use secrecy::zeroize::Zeroizing;

use tree::Tree;
pub(super) use word::looks_like_number;

/// As deep as collections may be in one another: a registration has four.
const DEEPEST: usize = 16;
/// What all values may weigh together: a byte of a text is one, and so is each value. Aliases repeat what they stand for.
const HEAVIEST: usize = 1 << 18;

/// A value, and the line where it begins.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) line: usize,
    /// Whether it is a word without quotes, whose meaning other readers may see in its form.
    pub(super) plain: bool,
}

/// A value by its kind.
#[derive(Clone)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Text(Zeroizing<String>),
    /// A value that is none of these, by what it is.
    Other(&'static str),
    List(Vec<Node>),
    /// In the order of the file; of keys that are the same, the last counts.
    Map(Vec<(Node, Node)>),
}

impl Value {
    /// What it is, with its article.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Text(_) => "a text",
            Self::Other(kind) => kind,
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }

    /// Not to be shown unless it is known to be no token.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Why a text is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("this is no YAML")]
    Syntax,
    #[error("a control character, or another that is not printable, stands in it")]
    Unprintable,
    #[error("a tab stands outside of quotes: Synapse does not start")]
    Tab,
    #[error("nothing stands in it")]
    Empty,
    #[error("there is a second document")]
    SecondDocument,
    #[error("it is nested too deep")]
    TooDeep,
    #[error("its aliases make it too long")]
    TooLong,
    #[error("an alias stands for something that it is part of")]
    Circle,
    #[error("an anchor's name has other signs than letters, digits, - and _")]
    Anchor,
    #[error("a tag stands in it that is not read here")]
    Tag,
    #[error("keys are taken over from elsewhere (<<)")]
    Merge,
    #[error("a key is no text")]
    Key,
}

/// The one document of a text; the line of what is not read, where there is one.
pub(super) fn read(text: &str) -> Result<Node, (Unreadable, Option<usize>)> {
    if let Some(line) = text.split('\n').position(|line| !line.chars().all(is_printable)) {
        return Err((Unreadable::Unprintable, Some(line + 1)));
    }
    let options = options! {
        flow_nesting_limit: DEEPEST,
        block_nesting_limit: DEEPEST,
        bom_inside_document_as_content: true,
        block_scalar_eof_without_line_feed: true,
        emit_anchor_events: true,
    };
    let (mut tree, mut texts) = (Tree::new(HEAVIEST), Vec::new());
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| (unreadable(&error), Some(error.marker().line())))?;
        if matches!(event, Event::Scalar(_, style, ..) if style != ScalarStyle::Plain) {
            texts.extend(span.byte_range());
        }
        take(&mut tree, event, span).map_err(|why| (why, Some(span.start.line())))?;
    }
    match tabs::first_outside(text, texts.into_iter()) {
        Some(line) => Err((Unreadable::Tab, Some(line))),
        None => tree.root().ok_or((Unreadable::Empty, None)),
    }
}

fn unreadable(error: &ScanError) -> Unreadable {
    match error.kind() {
        ErrorKind::RecursionLimitExceeded => Unreadable::TooDeep,
        _ => Unreadable::Syntax,
    }
}

fn take(tree: &mut Tree, event: Event<'_>, span: Span) -> Result<(), Unreadable> {
    let line = span.start.line();
    match event {
        Event::Scalar(text, style, anchor, tag) => {
            let node = word::node(&text, style, tag.as_deref(), line)?;
            tree.add(node, anchor)
        }
        Event::SequenceStart(_, anchor, tag) => {
            word::collection(tag.as_deref(), "seq")?;
            tree.open(Node { value: Value::List(Vec::new()), line, plain: false }, anchor)
        }
        Event::MappingStart(_, anchor, tag) => {
            word::collection(tag.as_deref(), "map")?;
            tree.open(Node { value: Value::Map(Vec::new()), line, plain: false }, anchor)
        }
        Event::SequenceEnd | Event::MappingEnd => tree.close(),
        Event::Alias(anchor) => tree.repeat(anchor, line),
        Event::UnresolvedAlias(_) => Err(Unreadable::Syntax),
        Event::DocumentStart(..) if tree.is_done() => Err(Unreadable::SecondDocument),
        // `&users:` is an anchor and a colon to PyYAML, and an anchor of that name in YAML 1.2.
        Event::Anchor(_, name) if !name.bytes().all(is_of_anchor) => Err(Unreadable::Anchor),
        // Comments are not compiled in.
        _ => Ok(()),
    }
}

fn is_of_anchor(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// What PyYAML's reader lets in (`NON_PRINTABLE`), without what ends a line in YAML 1.1 and in 1.2 does not.
fn is_printable(c: char) -> bool {
    let ends_line = matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}');
    let is_in = matches!(c, '\t' | '\r' | ' '..='~' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
    is_in && !ends_line
}
