//! The effective configuration as a gateway.toml, without any secret.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use meshhook_model::{Globs, State, Unit};
use meshhook_normalize::{Origin, Pointer, Reader};
use meshhook_verify::{HmacSettings, Scheme};

use crate::fields::IGNORED;
use crate::message::{FORMATS, TIMELINES};
use crate::scheme::{ENCODINGS, HASHES};
use crate::storage::Store;
use crate::value::Short;
use crate::{AppService, Config, Connection, Log, Matrix, Node, Only, Route, Server, Source, Voice};

impl Display for Config {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        server(f, &self.server)?;
        store(f, &self.store)?;
        matrix(f, &self.matrix)?;
        message(f, self)?;
        self.sources.iter().try_for_each(|one| source(f, one))?;
        self.routes.iter().try_for_each(|one| route(f, one))?;
        self.nodes.iter().try_for_each(|one| node(f, one))?;
        log(f, self.log)
    }
}

fn server(f: &mut Formatter<'_>, server: &Server) -> fmt::Result {
    writeln!(f, "[server]")?;
    writeln!(f, "listen = {}", Quoted(server.listen))?;
    writeln!(f, "path = {}", Quoted(&server.path))?;
    writeln!(f, "admin_listen = {}", Quoted(server.admin_listen))?;
    if let Some(file) = &server.admin_token_file {
        writeln!(f, "admin_token_file = {}", path(file))?;
    }
    writeln!(f, "admin_hosts = {}", List(&server.admin_hosts))?;
    writeln!(f, "trusted_proxies = {}", List(&server.trusted_proxies.texts().collect::<Vec<_>>()))?;
    writeln!(f, "max_body_bytes = {}", server.max_body_bytes)
}

fn store(f: &mut Formatter<'_>, store: &Store) -> fmt::Result {
    writeln!(f, "\n[store]")?;
    writeln!(f, "url = {}", Quoted(&store.url))?;
    writeln!(f, "retention = {}", Quoted(Short(store.retention)))
}

fn matrix(f: &mut Formatter<'_>, matrix: &Matrix) -> fmt::Result {
    writeln!(f, "\n[matrix]")?;
    writeln!(f, "homeserver = {}", Quoted(&matrix.homeserver))?;
    connection(f, &matrix.connection)?;
    writeln!(f, "room = {}", Quoted(&matrix.room))?;
    match &matrix.voice {
        Voice::Bot(bot) => {
            writeln!(f, "mode = \"bot\"")?;
            writeln!(f, "access_token_file = {}", path(&bot.access_token_file))?;
        }
        Voice::Service(_) => writeln!(f, "mode = \"appservice\"")?,
    }
    writeln!(f, "encrypted_room = {}", Quoted(matrix.encrypted_room.as_str()))?;
    match &matrix.voice {
        Voice::Bot(_) => Ok(()),
        Voice::Service(service) => appservice(f, service),
    }
}

fn appservice(f: &mut Formatter<'_>, service: &AppService) -> fmt::Result {
    writeln!(f, "\n[appservice]")?;
    writeln!(f, "listen = {}", Quoted(service.listen))?;
    writeln!(f, "registration_file = {}", path(&service.registration_file))?;
    writeln!(f, "per_node_senders = {}", service.per_node_senders)?;
    writeln!(f, "max_ghosts = {}", service.max_ghosts)
}

fn connection(f: &mut Formatter<'_>, connection: &Connection) -> fmt::Result {
    let Connection { ca_file, tls_fingerprints, proxy, .. } = connection;
    if let Some(file) = ca_file {
        writeln!(f, "ca_file = {}", path(file))?;
    }
    if !tls_fingerprints.is_empty() {
        writeln!(f, "tls_fingerprints = {}", List(tls_fingerprints))?;
    }
    match proxy {
        Some(proxy) => writeln!(f, "proxy = {}", Quoted(proxy.as_str())),
        None => Ok(()),
    }
}

fn message(f: &mut Formatter<'_>, config: &Config) -> fmt::Result {
    let Config { message: style, digest, timeline, .. } = config;
    let emoji = &style.emoji;
    writeln!(f, "\n[message]")?;
    writeln!(f, "format = {}", Quoted(name_of(&FORMATS, style.format)))?;
    writeln!(f, "timeline = {}", Quoted(name_of(&TIMELINES, *timeline)))?;
    writeln!(f, "notify_on = {}", List(&style.notify_on.iter().map(State::to_string).collect::<Vec<_>>()))?;
    writeln!(f, "quiet_outcomes = {}", List(&style.quiet_outcomes))?;
    let behind = Short(digest.behind);
    writeln!(f, "digest = {{ behind = \"{behind}\", max_lines = {} }}", digest.max_lines)?;
    writeln!(
        f,
        "emoji = {{ queued = \"{}\", running = \"{}\", succeeded = \"{}\", failed = \"{}\", warned = \"{}\" }}",
        emoji.queued, emoji.running, emoji.succeeded, emoji.failed, emoji.warned
    )
}

/// The word that stands for a value; each has one.
fn name_of<T: PartialEq>(words: &[(&'static str, T)], wanted: T) -> &'static str {
    words.iter().find(|(_, value)| *value == wanted).map_or("", |(word, _)| word)
}

fn source(f: &mut Formatter<'_>, source: &Source) -> fmt::Result {
    let files: Vec<_> = source.secret_files.iter().map(|file| file.to_string_lossy()).collect();
    writeln!(f, "\n[[source]]")?;
    writeln!(f, "name = {}", Quoted(&source.name))?;
    writeln!(f, "provider = {}", Quoted(source.reader.provider().name()))?;
    writeln!(f, "scheme = {}", Quoted(source.verifier.scheme()))?;
    writeln!(f, "secret_files = {}", List(&files))?;
    writeln!(f, "allow_from = {}", List(&source.allow_from.texts().collect::<Vec<_>>()))?;
    if source.allow_any_address {
        writeln!(f, "allow_any_address = true")?;
    }
    if let Some(node) = &source.node {
        writeln!(f, "node = {}", Quoted(node))?;
    }
    writeln!(f, "units = {}", List(&source.units.iter().map(Unit::to_string).collect::<Vec<_>>()))?;
    only(f, &source.only)?;
    writeln!(f, "room = {}", Quoted(&source.room))?;
    writeln!(f, "dedupe_scope = {}", Quoted(&source.dedupe_scope))?;
    if let Scheme::Hmac(form) = source.verifier.scheme() {
        hmac(f, &form.settings())?;
    }
    reader(f, &source.reader)
}

fn only(f: &mut Formatter<'_>, only: &Only) -> fmt::Result {
    let Only { states, branches, workflows, repos, hide_forks, changes } = only;
    let states: Vec<_> = states.iter().map(State::to_string).collect();
    write!(f, "only = {{ states = {}, branches = {}", List(&states), patterns(branches))?;
    write!(f, ", workflows = {}, repos = {}", patterns(workflows), patterns(repos))?;
    writeln!(f, ", forks = \"{}\", changes = {changes} }}", if *hide_forks { "hide" } else { "show" })
}

fn route(f: &mut Formatter<'_>, route: &Route) -> fmt::Result {
    let Route { sources, repos, workflows, branches, states, nodes, room } = route;
    let states: Vec<_> = states.iter().map(State::to_string).collect();
    writeln!(f, "\n[[route]]")?;
    let conditions = [
        ("source", List(sources).to_string()),
        ("repo", patterns(repos)),
        ("workflow", patterns(workflows)),
        ("branch", patterns(branches)),
        ("state", List(&states).to_string()),
        ("node", patterns(nodes)),
    ];
    for (key, list) in conditions.iter().filter(|(_, list)| list != "[]") {
        writeln!(f, "{key} = {list}")?;
    }
    writeln!(f, "room = {}", Quoted(room))
}

fn node(f: &mut Formatter<'_>, node: &Node) -> fmt::Result {
    writeln!(f, "\n[[node]]")?;
    writeln!(f, "name = {}", Quoted(&node.name))?;
    writeln!(f, "runners = {}", patterns(&node.runners))
}

fn patterns(globs: &Globs) -> String {
    List(&globs.iter().collect::<Vec<_>>()).to_string()
}

pub(crate) fn hmac(f: &mut Formatter<'_>, form: &HmacSettings<'_>) -> fmt::Result {
    writeln!(f, "\n[source.hmac]")?;
    writeln!(f, "header = {}", Quoted(form.header))?;
    writeln!(f, "prefix = {}", Quoted(form.prefix))?;
    writeln!(f, "encoding = {}", Quoted(name_of(&ENCODINGS, form.encoding)))?;
    writeln!(f, "hash = {}", Quoted(name_of(&HASHES, form.hash)))?;
    match form.timestamp {
        Some(time) => {
            writeln!(f, "timestamp_header = {}", Quoted(time.header))?;
            writeln!(f, "separator = {}", Quoted(time.separator))
        }
        None => Ok(()),
    }
}

fn reader(f: &mut Formatter<'_>, reader: &Reader) -> fmt::Result {
    let heads = |any: bool, name: &str| if any { format!("\n[source.{name}]\n") } else { String::new() };
    f.write_str(&heads(reader.map().fields().next().is_some(), "fields"))?;
    for (field, origin) in reader.map().fields() {
        match origin {
            Origin::Constant(text) => writeln!(f, "{field} = {{ constant = {} }}", Quoted(text))?,
            Origin::Pointers(list) => {
                writeln!(f, "{field} = {}", List(&list.iter().map(Pointer::as_str).collect::<Vec<_>>()))?;
            }
        }
    }
    f.write_str(&heads(reader.words().iter().next().is_some(), "states"))?;
    reader.words().iter().try_for_each(|(word, state)| {
        writeln!(f, "{} = {}", Quoted(word), Quoted(state.map_or(IGNORED, State::as_str)))
    })
}

fn log(f: &mut Formatter<'_>, log: Log) -> fmt::Result {
    writeln!(f, "\n[log]")?;
    writeln!(f, "format = {}", Quoted(log.format.as_str()))?;
    writeln!(f, "level = {}", Quoted(log.level.as_str()))
}

fn path(path: &Path) -> impl Display {
    Quoted(path.display().to_string())
}

/// A TOML basic string.
pub(crate) struct Quoted<T>(pub(crate) T);

impl<T: Display> Display for Quoted<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.0.to_string().chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                c if c.is_control() => write!(f, "\\u{:04X}", u32::from(c))?,
                c => write!(f, "{c}")?,
            }
        }
        f.write_str("\"")
    }
}

pub(crate) struct List<'l, T>(pub(crate) &'l [T]);

impl<T: Display> Display for List<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (i, item) in self.0.iter().enumerate() {
            write!(f, "{}{}", if i == 0 { "" } else { ", " }, Quoted(item))?;
        }
        f.write_str("]")
    }
}
