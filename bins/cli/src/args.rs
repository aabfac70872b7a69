//! Readers of arguments.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use meshhook_config::Setting;
use meshhook_model::{State, Timestamp};
use meshhook_normalize::Provider;

/// A provider by its name.
pub(crate) fn provider() -> impl TypedValueParser<Value = &'static Provider> {
    PossibleValuesParser::new(provider_names())
        .try_map(|name| Provider::by_name(&name).ok_or("unknown provider"))
}

/// A provider by its name, that of bodies of any shape included.
pub(crate) fn any_provider() -> impl TypedValueParser<Value = &'static Provider> {
    let names = provider_names().chain([Provider::GENERIC.name()]);
    PossibleValuesParser::new(names).try_map(|name| Provider::by_name(&name).ok_or("unknown provider"))
}

/// Whose a body is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whose {
    Of(&'static Provider),
    /// To be told by the body and its headers.
    Auto,
}

/// A provider by its name, or `auto`.
pub(crate) fn whose() -> impl TypedValueParser<Value = Whose> {
    let names = provider_names().chain([Provider::GENERIC.name(), "auto"]);
    PossibleValuesParser::new(names).map(|name| Provider::by_name(&name).map_or(Whose::Auto, Whose::Of))
}

fn provider_names() -> impl Iterator<Item = &'static str> {
    Provider::ALL.iter().map(|provider| provider.name())
}

/// A state by its word.
pub(crate) fn state() -> impl TypedValueParser<Value = State> {
    PossibleValuesParser::new(State::ALL.map(State::as_str)).try_map(|word| word.parse::<State>())
}

/// What a flag says, as the parser of gateway.toml takes it.
pub(crate) fn checked(setting: Setting, text: &str) -> Result<String, String> {
    let checked = setting.check(text).map(|()| text.to_owned());
    checked.map_err(|error| format!("{error}; {}", error.hint()))
}

/// A time as RFC 3339 writes it.
pub(crate) fn time(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse_rfc3339(text).ok_or("write it like 2026-01-31T12:00:00Z")
}

/// A header line, `Name: value`, without the blanks around its value; also `:path-token`, as `sign` writes it.
pub(crate) fn header(line: &str) -> Result<(String, String), &'static str> {
    let token = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b':');
    let pseudo = usize::from(line.starts_with(':'));
    let colon = line[pseudo..].find(':').ok_or("write it like \"Name: value\"")? + pseudo;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    let value = value.trim_matches([' ', '\t']);
    if token(&name[pseudo..]) && !value.contains(['\r', '\n', '\0']) {
        return Ok((name.to_owned(), value.to_owned()));
    }
    Err("write it like \"Name: value\", on one line")
}
