//! The configuration as a whole.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use meshhook_render::{Style, Timeline};

use crate::document::{Report, Section, parse};
use crate::fault::{Fault, Faults, Wrong};
use crate::file::{self, FileError, Limits, OTHERS_WRITE};
use crate::shared::Secrets;
use crate::storage::{self, Store, StoreUrl};
use crate::{
    Account, Digest, Log, Matrix, Node, Route, Server, Source, Voice, log, matrix, message, only, route,
    server, source,
};

/// The file's name in the config root.
const FILE: &str = "gateway.toml";
const LIMITS: Limits = Limits { forbidden: OTHERS_WRITE, bytes: 256 * 1024 };

/// Everything that gateway.toml says, checked, with the secrets that it names.
///
/// `Debug` and `Display` show no secret; `Display` writes a gateway.toml of the effective values.
#[derive(Debug)]
#[non_exhaustive]
pub struct Config {
    /// The folder that it was read from.
    pub root: PathBuf,
    /// Where the gateway listens.
    pub server: Server,
    /// Where deliveries are kept.
    pub store: Store,
    /// Which room, and as whom.
    pub matrix: Matrix,
    /// How messages look.
    pub message: Style,
    /// When and how messages share one.
    pub digest: Digest,
    /// How the states of a run stand to one another.
    pub timeline: Timeline,
    /// Who may post.
    pub sources: Vec<Source>,
    /// What is said in other rooms than its source's, the first that fits before all others.
    pub routes: Vec<Route>,
    /// The pool of machines.
    pub nodes: Vec<Node>,
    /// How the gateway speaks to its operator.
    pub log: Log,
}

/// A configuration, and what works in it but should be looked at.
#[derive(Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// In the order of their lines.
    pub warnings: Vec<Fault>,
}

impl Config {
    /// Reads gateway.toml in `root` and every file that it names. Nothing is written, and nothing is asked of a network.
    ///
    /// # Errors
    /// Every fault there is.
    pub fn load(root: &Path) -> Result<Loaded, Faults> {
        let (file, text) = open(root)?;
        let (table, report) = parse(&file, &text);
        let config = read(root, Section::root(&report, &table), &report);
        let warnings = report.finish()?;
        let config = config.expect("whatever a configuration lacks was reported as a fault");
        Ok(Loaded { config, warnings })
    }

    /// What would be wrong with `text` as the gateway.toml of `root`, and what should be looked at. Files that it names
    /// and that are not there yet are nothing wrong.
    ///
    /// # Errors
    /// Every fault there is.
    pub fn check(root: &Path, text: &str) -> Result<Vec<Fault>, Faults> {
        match file::check_folder(root) {
            Ok(()) | Err(FileError::Missing) => {}
            Err(error) => {
                return Err(Fault::new(root, None, error.into()).into());
            }
        }
        let (table, report) = parse(&root.join(FILE), text);
        read(root, Section::root(&report, &table), &report);
        report.without_missing_files().finish()
    }

    /// The admin token's file: the one named, else `admin-token` beside the store, which the gateway makes.
    ///
    /// `None` where neither a file is named nor the store is one.
    #[must_use]
    pub fn admin_token_path(&self) -> Option<PathBuf> {
        self.server.admin_token_file.clone().or_else(|| self.store.url.admin_token())
    }
}

/// Where a gateway's operator asks, and the file of the token that he shows there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdminDoor {
    /// As [`Server::admin_listen`].
    pub listen: SocketAddr,
    /// As [`Config::admin_token_path`].
    pub token_file: Option<PathBuf>,
}

impl AdminDoor {
    /// Where it is asked from its own machine: one that listens on every address, on loopback.
    #[must_use]
    pub const fn asked_at(&self) -> SocketAddr {
        let ip = match self.listen.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
            address => address,
        };
        SocketAddr::new(ip, self.listen.port())
    }
}

/// The operator's door, for whoever may not read the other secrets: only the keys that decide are read.
///
/// # Errors
/// The faults of gateway.toml as a file, and of those keys.
pub fn admin_door(root: &Path) -> Result<AdminDoor, Faults> {
    let (file, text) = open(root)?;
    let (table, report) = parse(&file, &text);
    let mut document = Section::root(&report, &table);
    let mut section = document.section("server");
    let (named, listen) = (server::admin_token_file(&mut section, root), server::admin_listen(&mut section));
    let (url, _) = storage::url(&mut document.section("store"));
    report.finish()?;
    Ok(AdminDoor { listen, token_file: named.or_else(|| url.admin_token()) })
}

/// As much of `[matrix]` as holds before a bot has an access token; what else is wrong in gateway.toml is not looked at.
///
/// # Errors
/// The faults of gateway.toml as a file, and of `[matrix]`; that its mode is an application service, which needs no login,
/// is one.
pub fn read_account(root: &Path) -> Result<Account, Faults> {
    let (file, text) = open(root)?;
    let (table, report) = parse(&file, &text);
    let account = matrix::account(Section::root(&report, &table).section("matrix"), root);
    report.finish()?;
    Ok(account.expect("whatever an account lacks was reported as a fault"))
}

/// Reads gateway.toml: its name and its text.
pub(crate) fn open(root: &Path) -> Result<(PathBuf, String), Faults> {
    let file = root.join(FILE);
    let at = |place: &Path, error: FileError| {
        let wrong = Wrong::from(error);
        let wrong = match error {
            FileError::Missing => {
                wrong.hinted("create it, or name its folder by --config-root or OPENCLAW_CONFIG_ROOT")
            }
            _ => wrong,
        };
        Fault::new(place, None, wrong)
    };
    file::check_folder(root).map_err(|error| at(root, error))?;
    let content = file::read(&file, LIMITS).map_err(|error| at(&file, error))?;
    file::check_place(&file).map_err(|error| at(&file, error))?;
    Ok((file, content.text.to_string()))
}

fn read(root: &Path, mut document: Section<'_>, report: &Report) -> Option<Config> {
    let secrets = Secrets::new(root);
    let server = server::read(document.section("server"), &secrets);
    let store = store(root, &mut document, report);
    let matrix = matrix::read(document.section("matrix"), document.section("appservice"), &secrets);
    let (message, digest, timeline) = message::read(document.section("message"));
    let sections = document.sections("source");
    let room = matrix.as_ref().map(|matrix| matrix.room.as_str());
    let (names, sources) = source::read(sections, report, room, &secrets);
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let routes = route::read(document.sections("route"), &names);
    let nodes = only::nodes(document.sections("node"), report);
    let log = log::read(document.section("log"));
    document.need("source", "add a [[source]] with name, provider and secret_files");
    document.finish();
    warn_of_no_admin_token(&server, &store, report);
    check_listeners(&server, matrix.as_ref(), report);
    Some(Config {
        root: root.to_owned(),
        server,
        store,
        matrix: matrix?,
        message,
        digest,
        timeline,
        sources,
        routes,
        nodes,
        log,
    })
}

fn store(root: &Path, document: &mut Section<'_>, report: &Report) -> Store {
    let (store, span) = storage::read(document.section("store"));
    if let Err(wrong) = storage::check_place(&store.url, root) {
        report.fault(span.as_ref(), wrong.of("[store] url"));
    }
    if store.url == StoreUrl::Memory {
        let message = "a restart forgets what is owed to the room and what it has seen: \
                       a request sent again, or captured, may be announced again";
        let hint = "write \"sqlite:/var/lib/meshhook/meshhook.db\"";
        report.warn(span.as_ref(), Wrong::new(message, hint).of("[store] url"));
    }
    store
}

/// The homeserver's door needs an address of its own.
fn check_listeners(server: &Server, matrix: Option<&Matrix>, report: &Report) {
    let Some(Matrix { voice: Voice::Service(service), .. }) = matrix else { return };
    let doors = [("listen", server.listen), ("admin_listen", server.admin_listen)];
    for (key, _) in doors.into_iter().filter(|(_, door)| server::collide(*door, service.listen)) {
        let message = format!("it is the same address as {key} in [server]; 0.0.0.0 and [::] are every one");
        let wrong = Wrong::new(message, "give it a port of its own; its default is 127.0.0.1:8789");
        report.fault(None, wrong.of("[appservice] listen"));
    }
}

fn warn_of_no_admin_token(server: &Server, store: &Store, report: &Report) {
    if server.admin_token_file.is_none() && store.url == StoreUrl::Memory {
        let message = "the memory store has no folder for an admin token, so /deliveries answers nobody";
        report.warn(None, Wrong::new(message, "name an admin_token_file in [server], with a token in it"));
    }
}
