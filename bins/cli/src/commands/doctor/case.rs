//! What is known before anybody is asked: the configuration, whole or in parts.

use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use meshhook_appservice::Registration;
use meshhook_config::{
    AppService, Config, Credential, EncryptedRoom, Fault, Loaded, Sketch, StoreUrl, Voice, read_registration,
};
use meshhook_matrix::{Client, Fingerprint, Options, Token};
use rustix::process::geteuid;
use secrecy::ExposeSecret;

use super::report::{Report, counted};
use crate::failure::{Failure, place};

const CHECK: &str = "configuration";

/// Long enough for a slow homeserver, and short for who waits at a terminal.
const DEADLINE: Duration = Duration::from_secs(15);

/// What the doctor looks at.
pub(super) struct Case {
    /// All of it, where it has no fault.
    pub(super) config: Option<Config>,
    /// The homeserver's base address.
    pub(super) homeserver: Option<String>,
    /// What a client of it is made from.
    options: Option<Options>,
    /// The rooms, as they are written.
    pub(super) rooms: Vec<String>,
    /// That of `[matrix]`, which is the one that `meshhook login` joins.
    pub(super) main_room: Option<String>,
    /// What is done with encrypted ones.
    pub(super) encrypted: EncryptedRoom,
    /// Where the token is.
    pub(super) credential: Option<Credential>,
    /// Where deliveries are kept.
    pub(super) store: StoreUrl,
    /// What there is to know of an application service, where one sends.
    pub(super) service: Option<Service>,
}

/// An application service, as far as its files tell.
pub(super) struct Service {
    pub(super) registration: Registration,
    /// Where the gateway listens for the homeserver, where the whole configuration could be read.
    pub(super) listen: Option<SocketAddr>,
    /// Whether machines speak for themselves.
    pub(super) per_node_senders: bool,
}

impl Service {
    fn whole(AppService { registration, listen, per_node_senders, .. }: &AppService) -> Self {
        Self {
            registration: registration.clone(),
            listen: Some(*listen),
            per_node_senders: *per_node_senders,
        }
    }

    fn in_parts(credential: &Credential) -> Option<Self> {
        let Credential::Registration(file) = credential else { return None };
        let registration = read_registration(file).ok()?;
        Some(Self { registration, listen: None, per_node_senders: true })
    }
}

impl Case {
    /// Reads gateway.toml in `root`, and reports its faults and warnings; `None` where it cannot be read at all.
    pub(super) fn open(root: &std::path::Path, report: &mut Report<'_, '_>) -> Result<Option<Self>, Failure> {
        match Config::load(root) {
            Ok(loaded) => Self::whole(loaded, report).map(Some),
            Err(faults) => {
                let parts = Sketch::load(root).ok();
                let ours = parts.as_ref().and_then(|parts| is_ours(&parts.store));
                faults.iter().try_for_each(|fault| told(fault, ours, report))?;
                Ok(parts.map(Self::in_parts))
            }
        }
    }

    fn whole(loaded: Loaded, report: &mut Report<'_, '_>) -> Result<Self, Failure> {
        let Loaded { config, warnings, .. } = loaded;
        let (sources, machines) =
            (counted(config.sources.len() as u64, "source"), counted(config.nodes.len() as u64, "machine"));
        let file = config.root.join("gateway.toml");
        report.ok(CHECK, format!("{}: {sources}, {machines} in the pool", file.display()))?;
        for warning in &warnings {
            report.warning((CHECK, "configuration"), place(warning), warning.hint())?;
        }
        let mut rooms = vec![config.matrix.room.clone()];
        rooms.extend(config.sources.iter().map(|source| source.room.clone()));
        rooms.extend(config.routes.iter().map(|route| route.room.clone()));
        Ok(Self {
            encrypted: config.matrix.encrypted_room,
            homeserver: Some(config.matrix.homeserver.clone()),
            options: Some(config.matrix.options()),
            rooms: each_once(rooms),
            main_room: Some(config.matrix.room.clone()),
            credential: Some(config.matrix.voice.credential()),
            store: config.store.url.clone(),
            service: match &config.matrix.voice {
                Voice::Service(service) => Some(Service::whole(service)),
                _ => None,
            },
            config: Some(config),
        })
    }

    fn in_parts(sketch: Sketch) -> Self {
        Self {
            config: None,
            encrypted: sketch.encrypted_room,
            options: sketch.options(),
            homeserver: sketch.homeserver,
            rooms: each_once(sketch.rooms),
            main_room: sketch.room,
            service: sketch.credential.as_ref().and_then(Service::in_parts),
            credential: sketch.credential,
            store: sketch.store,
        }
    }

    /// Whether one account writes, whose token is all that somebody needs.
    pub(super) fn is_bot(&self) -> bool {
        matches!(self.credential, Some(Credential::AccessToken(_)))
    }

    /// The access token, where it can be read by the gateway's rules; what is wrong with it was said before.
    pub(super) fn token(&self) -> Option<Token> {
        let secret = self.credential.as_ref()?.token().ok()?;
        Token::new(secret.expose_secret()).ok()
    }

    /// The pins of the homeserver's certificate.
    pub(super) fn pins(&self) -> &[Fingerprint] {
        self.options.as_ref().map_or(&[], |options| &options.fingerprints)
    }

    /// A client of the homeserver, as the gateway has it; nothing where no homeserver is named.
    pub(super) fn client(&self) -> Option<Result<Client, meshhook_matrix::OptionsError>> {
        let mut options = self.options.clone()?;
        options.user_agent = concat!("meshhook-doctor/", env!("CARGO_PKG_VERSION")).to_owned();
        options.deadline = DEADLINE;
        Some(Client::new(options))
    }
}

/// What the gateway's user may read, and who asks may not, is no fault; `ours` tells whether the two are one, if that is
/// known.
fn told(fault: &Fault, ours: Option<bool>, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    let again = report.as_the_gateway();
    match (fault.is_denied(), ours) {
        (false, _) => report.fault((CHECK, "configuration"), place(fault), fault.hint()),
        (true, Some(true)) => report.fault((CHECK, "unreadable"), place(fault), fault.hint()),
        (true, Some(false)) => {
            let text = format!(
                "{}, for whoever runs the doctor; run it as the gateway's user: {again}",
                place(fault)
            );
            report.skipped(CHECK, text)
        }
        (true, None) => {
            let hint =
                format!("{}; or, where that is so, run the doctor as that user: {again}", fault.hint());
            report.fault((CHECK, "unreadable"), place(fault), hint)
        }
    }
}

/// Whether the store is that of whoever runs the doctor, who then is the gateway's user; without one nothing tells.
fn is_ours(store: &StoreUrl) -> Option<bool> {
    let StoreUrl::Sqlite(file) = store else { return None };
    match fs::metadata(file) {
        Ok(found) => Some(found.uid() == geteuid().as_raw()),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Some(false),
        Err(_) => None,
    }
}

fn each_once(rooms: Vec<String>) -> Vec<String> {
    let mut once = Vec::with_capacity(rooms.len());
    for room in rooms {
        if !once.contains(&room) {
            once.push(room);
        }
    }
    once
}
