//! What a scalar means.

use std::sync::LazyLock;

use granit_parser::{ScalarStyle, Tag};
use regex_lite::Regex;
use secrecy::zeroize::Zeroizing;

use super::{Node, Unreadable, Value};

/// The namespace of YAML's own tags.
const CORE: &str = "tag:yaml.org,2002:";

/// PyYAML 6 takes a plain scalar for these (`resolver.py`, word for word); for a text where none fits.
static KINDS: LazyLock<[(&str, Regex); 5]> = LazyLock::new(|| {
    let kind = |name, pattern| (name, Regex::new(pattern).expect("a pattern of ours"));
    [
        kind(
            "a boolean",
            r"^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$",
        ),
        kind(
            "a number",
            r"(?x)^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?
                |\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?
                |[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*
                |[-+]?\.(?:inf|Inf|INF)
                |\.(?:nan|NaN|NAN)
                |[-+]?0b[0-1_]+
                |[-+]?0[0-7_]+
                |[-+]?(?:0|[1-9][0-9_]*)
                |[-+]?0x[0-9a-fA-F_]+
                |[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$",
        ),
        kind("null", r"^(?:~|null|Null|NULL|)$"),
        kind(
            "a date",
            r"(?x)^(?:[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]
                |[0-9][0-9][0-9][0-9]-[0-9][0-9]?-[0-9][0-9]?
                (?:[Tt]|[\x20\t]+)[0-9][0-9]?:[0-9][0-9]:[0-9][0-9](?:\.[0-9]*)?
                (?:[\x20\t]*(?:Z|[-+][0-9][0-9]?(?::[0-9][0-9])?))?)$",
        ),
        kind("a lone =", r"^=$"),
    ]
});

/// A plain word that YAML 1.2's core schema has for a number.
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|0o[0-7]+)$")
        .expect("a pattern of ours")
});

/// Whether another reader of YAML takes that for a number: `1e5`, which to PyYAML is a text.
pub(crate) fn looks_like_number(plain: &str) -> bool {
    NUMBER.is_match(plain)
}

/// A scalar by its text, form and tag. With a lone `!`, PyYAML takes quotes for none.
pub(super) fn node(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Tag>,
    line: usize,
) -> Result<Node, Unreadable> {
    let plain = tag.map_or(style == ScalarStyle::Plain, is_unspecific);
    if tag.is_some_and(|tag| !is_unspecific(tag) && !is(tag, "str")) {
        return Err(Unreadable::Tag);
    }
    let value = if plain { resolve(text) } else { Value::Text(Zeroizing::new(text.to_owned())) };
    Ok(Node { value, line, plain })
}

/// Whether a collection may have that tag.
pub(super) fn collection(tag: Option<&Tag>, own: &str) -> Result<(), Unreadable> {
    let fits = tag.is_none_or(|tag| is_unspecific(tag) || is(tag, own));
    if fits { Ok(()) } else { Err(Unreadable::Tag) }
}

fn is(tag: &Tag, core: &str) -> bool {
    tag.suffix_in_namespace(CORE).is_some_and(|suffix| suffix == core)
}

/// A lone `!`.
fn is_unspecific(tag: &Tag) -> bool {
    tag.handle().is_empty() && tag.suffix() == "!" || tag.handle() == "!" && tag.suffix().is_empty()
}

fn resolve(text: &str) -> Value {
    match KINDS.iter().find(|(_, pattern)| pattern.is_match(text)).map(|(kind, _)| *kind) {
        None => Value::Text(Zeroizing::new(text.to_owned())),
        Some("null") => Value::Null,
        Some("a boolean") => Value::Bool(matches!(text.to_ascii_lowercase().as_str(), "yes" | "true" | "on")),
        Some(kind) => Value::Other(kind),
    }
}
