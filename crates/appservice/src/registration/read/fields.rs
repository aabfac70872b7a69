//! The keys of a registration, one after the other.

use std::net::IpAddr;

use secrecy::{ExposeSecret as _, SecretString};

use super::super::url::UrlError;
use super::super::yaml::{Node, Value};
use super::super::{Fault, Namespace, Namespaces, Registration, make, url};
use super::values::Table;

/// Tokens shorter than this, in characters, are doubtful.
const SHORT: usize = 16;
/// All keys that Synapse 1.163 reads.
const KNOWN: [&str; 16] = [
    "id",
    "url",
    "as_token",
    "hs_token",
    "sender_localpart",
    "namespaces",
    "rate_limited",
    "protocols",
    "ip_range_whitelist",
    "receive_ephemeral",
    "de.sorunome.msc2409.push_ephemeral",
    "org.matrix.msc3202",
    "io.element.msc4190",
    "io.element.msc4502.scopes",
    "io.element.msc4512.proxy_prefix",
    "io.element.msc4512.proxy_url",
];

/// What stands in a document.
#[derive(Default)]
pub(super) struct Found {
    /// If it is all there.
    pub(super) registration: Option<Registration>,
    /// The sender's local part and the users' patterns, if those are there.
    pub(super) users: Option<(String, Vec<Namespace>)>,
}

/// What stands in a document, as far as it is a registration, and every fault.
pub(super) fn all(root: &Node) -> (Found, Vec<Fault>) {
    let mut faults = Vec::new();
    let Value::Map(entries) = &root.value else {
        let message = format!("this is {} and no mapping of keys to values", root.value.kind());
        let hint = "name the registration's file; `meshhook registration new` writes one";
        return (Found::default(), vec![Fault::wrong(Some(root.line), message, hint)]);
    };
    let mut table = Table::of(entries, None, &mut faults);
    let found = fields(&mut table);
    unknown(&mut table);
    (found, faults)
}

/// Looks at every key before anything ends for want of one.
fn fields(table: &mut Table<'_, '_>) -> Found {
    let id = id(table);
    let url = url(table);
    let as_token = token(table, "as_token", false);
    let hs_token = token(table, "hs_token", true);
    same(table, as_token.as_ref(), hs_token.as_ref());
    let sender_localpart = localpart(table);
    let namespaces = namespaces(table);
    let rate_limited = rate_limited(table);
    let ip_range_whitelist = networks(table);
    let receive_ephemeral = ephemeral(table);
    let msc4190 = table.flag("io.element.msc4190").unwrap_or_default();
    table.flag("org.matrix.msc3202");
    let users = sender_localpart.clone().zip(namespaces.as_ref().map(|spaces| spaces.users.clone()));
    let whole = || {
        Some(Registration {
            id: id?,
            url: url?,
            as_token: as_token?.0,
            hs_token: hs_token?.0,
            sender_localpart: sender_localpart?,
            namespaces: namespaces?,
            rate_limited,
            ip_range_whitelist: ip_range_whitelist?,
            receive_ephemeral,
            msc4190,
        })
    };
    Found { registration: whole(), users }
}

fn id(table: &mut Table<'_, '_>) -> Option<String> {
    let (id, line) = table.text("id")?;
    if id.contains('|') {
        table.wrong(line, "id has a | in it: Synapse does not start", "take it away, in both copies");
    }
    if id.is_empty() {
        table.wrong(line, "id is empty", "write a word");
    }
    Some(id.to_owned())
}

fn url(table: &mut Table<'_, '_>) -> Option<Option<String>> {
    let node = table.needed("url")?;
    if matches!(node.value, Value::Null) {
        let hint = "write the gateway's address, as the homeserver reaches it";
        table.doubtful(node.line, "url is null, so that the homeserver tells the gateway nothing", hint);
        return Some(None);
    }
    let text = table.as_text("url", node)?;
    match url::check(text) {
        Ok(()) => {}
        Err(error @ UrlError::ClearText) => table.doubtful(node.line, error.to_string(), error.hint()),
        Err(error) => table.wrong(node.line, error.to_string(), error.hint()),
    }
    Some(Some(text.to_owned()))
}

/// A token; what is around one that the homeserver sends gets lost on the way, and does not matter.
fn token(table: &mut Table<'_, '_>, key: &str, is_sent_to_us: bool) -> Option<(SecretString, usize)> {
    let (token, line) = table.token(key)?;
    let (whole, bare) = (token.expose_secret(), token.expose_secret().trim());
    if bare.is_empty() {
        table.wrong(line, format!("{key} is empty"), "write a long random word, in both copies");
    } else if !bare.bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = format!("{key} has blanks or characters in it that no header carries");
        table.wrong(line, message, "write a word of ASCII letters and digits, in both copies");
    } else if bare.chars().count() < SHORT {
        let message = format!("{key} is shorter than {SHORT} characters");
        table.doubtful(line, message, "write a long random word, in both copies");
    }
    if bare != whole && !bare.is_empty() {
        around(table, key, line, whole.ends_with(['\n', '\r']), is_sent_to_us);
    }
    Some((token, line))
}

fn around(table: &mut Table<'_, '_>, key: &str, line: usize, is_line_end: bool, is_sent_to_us: bool) {
    let what = if is_line_end { "a line end after it" } else { "white space around it" };
    let hint = "write it in quotes on the line of its key, without | or >, in both copies";
    if is_sent_to_us {
        let message = format!("{key} has {what}, which Synapse does not send, but keeps");
        table.doubtful(line, message, hint);
    } else {
        let message =
            format!("{key} has {what}, which no request can carry: Synapse would know no token of ours");
        table.wrong(line, message, hint);
    }
}

type Token = (SecretString, usize);

fn same(table: &mut Table<'_, '_>, as_token: Option<&Token>, hs_token: Option<&Token>) {
    let (Some((one, _)), Some((other, line))) = (as_token, hs_token) else { return };
    if one.expose_secret().trim() == other.expose_secret().trim() && !one.expose_secret().trim().is_empty() {
        let hint = "write another one for the homeserver, in both copies";
        table.doubtful(*line, "hs_token is the same as as_token", hint);
    }
}

fn localpart(table: &mut Table<'_, '_>) -> Option<String> {
    let (text, line) = table.text("sender_localpart")?;
    let as_it_is =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'~' | b'/');
    if text.is_empty() {
        table.wrong(line, "sender_localpart is empty", "write a word such as buildbot");
    } else if !text.bytes().all(as_it_is) {
        let message = "sender_localpart has a blank or another character with which Synapse does not start";
        table.wrong(
            line,
            message,
            "write a-z 0-9 . _ - and / alone: the part between @ and colon, without them",
        );
    } else if !make::is_localpart(text) {
        let message = "sender_localpart has characters that are in no user id";
        table.doubtful(line, message, "write a-z 0-9 . _ - and / alone");
    }
    Some(text.to_owned())
}

fn namespaces(table: &mut Table<'_, '_>) -> Option<Namespaces> {
    let node = table.needed("namespaces")?;
    let Value::Map(entries) = &node.value else {
        let message = format!("namespaces is {}, and no mapping: Synapse does not start", node.value.kind());
        table.wrong(node.line, message, "write it as `meshhook registration new` does");
        return None;
    };
    let mut inner = Table::of(entries, Some(node.line), table.faults);
    let users = patterns(&mut inner, "users");
    let aliases = needless(&mut inner, "aliases");
    let rooms = needless(&mut inner, "rooms");
    Some(Namespaces { users: users?, aliases: aliases?, rooms: rooms? })
}

/// Patterns of what the gateway has no use for.
fn needless(table: &mut Table<'_, '_>, kind: &str) -> Option<Vec<Namespace>> {
    let patterns = patterns(table, kind)?;
    if let Some(node) = table.get(kind).filter(|_| !patterns.is_empty()) {
        let message =
            format!("namespaces.{kind} has patterns, so that the gateway is told of rooms that it is not in");
        table.doubtful(node.line, message, "take them away, if it is for this gateway");
    }
    Some(patterns)
}

fn patterns(table: &mut Table<'_, '_>, kind: &str) -> Option<Vec<Namespace>> {
    let Some(node) = table.get(kind) else { return Some(Vec::new()) };
    let Value::List(items) = &node.value else {
        let message =
            format!("namespaces.{kind} is {}, and no list: Synapse does not start", node.value.kind());
        table.wrong(node.line, message, "write it as `meshhook registration new` does");
        return None;
    };
    // Each is looked at, before one that is none ends it.
    let all: Vec<_> = items.iter().map(|item| pattern(table, kind, item)).collect();
    all.into_iter().collect()
}

fn pattern(table: &mut Table<'_, '_>, kind: &str, item: &Node) -> Option<Namespace> {
    let Value::Map(entries) = &item.value else {
        let message = format!(
            "a pattern of namespaces.{kind} is {}, and no mapping: Synapse does not start",
            item.value.kind()
        );
        table.wrong(item.line, message, "write regex and exclusive, as `meshhook registration new` does");
        return None;
    };
    let mut inner = Table::of(entries, Some(item.line), table.faults);
    let regex = inner.text("regex").map(|(text, _)| text.to_owned());
    let exclusive = inner.needed("exclusive").and_then(|_| inner.flag("exclusive"));
    Some(Namespace { regex: regex?, exclusive: exclusive? })
}

/// Synapse takes all that is not false for true.
fn rate_limited(table: &mut Table<'_, '_>) -> bool {
    let node = table.get("rate_limited");
    let limited = !matches!(node.map(|node| &node.value), Some(Value::Bool(false)));
    if limited {
        let message =
            "rate_limited is not false, so that machines' users are held to ten messages and then one in 5 s";
        table.faults.push(Fault::doubtful(node.map(|node| node.line), message, "write rate_limited: false"));
    }
    limited
}

fn networks(table: &mut Table<'_, '_>) -> Option<Vec<String>> {
    let Some(node) = table.get("ip_range_whitelist").filter(|node| !matches!(node.value, Value::Null)) else {
        return Some(Vec::new());
    };
    let texts = match &node.value {
        Value::List(items) => {
            items.iter().map(|item| item.value.text().filter(|text| is_network(text))).collect()
        }
        _ => None::<Vec<_>>,
    };
    let Some(texts) = texts else {
        let hint = "write a list of networks such as [192.0.2.0/24], or leave it away";
        table.wrong(node.line, "ip_range_whitelist is no list of networks: Synapse does not start", hint);
        return None;
    };
    Some(texts.into_iter().map(str::to_owned).collect())
}

/// An address, perhaps with the length of its prefix.
fn is_network(text: &str) -> bool {
    let (address, prefix) =
        text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    address.parse::<IpAddr>().is_ok_and(|address| {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        prefix.is_none_or(|prefix| prefix.parse::<u8>().is_ok_and(|prefix| prefix <= bits))
    })
}

fn ephemeral(table: &mut Table<'_, '_>) -> bool {
    let mut wanted = false;
    for key in ["receive_ephemeral", "de.sorunome.msc2409.push_ephemeral"] {
        let Some(node) = table.get(key).filter(|node| matches!(node.value, Value::Bool(true))) else {
            continue;
        };
        let message = format!(
            "{key} is true, so that the gateway is sent typing and receipts, which it has no use for"
        );
        table.doubtful(node.line, message, "take it away");
        wanted = true;
    }
    wanted
}

fn unknown(table: &mut Table<'_, '_>) {
    let unknown: Vec<_> = table.keys().filter(|(key, _)| !KNOWN.contains(key)).collect();
    for (key, line) in unknown {
        let message = format!("{} is nothing that Synapse reads", name(key));
        table.doubtful(line, message, "look for a slip in its name, or take it away");
    }
}

/// A key's name where it is like one: a slip can make a key of a token.
fn name(key: &str) -> &str {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_');
    if key.len() <= 40 && key.bytes().all(fits) && !key.is_empty() { key } else { "this key" }
}
