//! `[matrix] mode` and `[appservice]`: as whom the gateway speaks.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use meshhook_appservice::Registration;
use secrecy::SecretString;

use crate::document::{Placed, Section};
use crate::fault::{Faults, Wrong};
use crate::registration::{self, read_registration};
use crate::secret::read_token;
use crate::server::{loopback, socket};
use crate::shared::Secrets;
use crate::value::{flag, text, whole, word};

/// The most users that may be made for machines: homeservers keep each of them for ever.
const MOST_GHOSTS: u32 = 10_000;

/// As whom the gateway speaks.
#[derive(Debug)]
#[non_exhaustive]
pub enum Voice {
    /// As one account, with its access token.
    Bot(Bot),
    /// As an application service, which has a user for each machine.
    Service(Box<AppService>),
}

/// A bot's account.
#[derive(Debug)]
#[non_exhaustive]
pub struct Bot {
    /// The access token's file.
    pub access_token_file: PathBuf,
    /// The access token as it was at the start.
    pub access_token: SecretString,
}

/// `[appservice]`.
#[derive(Debug)]
#[non_exhaustive]
pub struct AppService {
    /// Where the homeserver tells what happens.
    pub listen: SocketAddr,
    /// The registration's file, which the homeserver has a copy of.
    pub registration_file: PathBuf,
    /// What stood in it at the start.
    pub registration: Registration,
    /// Whether machines speak for themselves, or the sender for all of them.
    pub per_node_senders: bool,
    /// How many machines may have a user of their own.
    pub max_ghosts: u32,
}

/// Where the token is that the gateway shows to the homeserver; the file can be read again while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential {
    /// In a file by itself: a bot's access token.
    AccessToken(PathBuf),
    /// In a registration: an application service's `as_token`.
    Registration(PathBuf),
}

impl Voice {
    /// Where its token is.
    #[must_use]
    pub fn credential(&self) -> Credential {
        match self {
            Self::Bot(bot) => Credential::AccessToken(bot.access_token_file.clone()),
            Self::Service(service) => Credential::Registration(service.registration_file.clone()),
        }
    }
}

impl Credential {
    /// The file.
    #[must_use]
    pub fn file(&self) -> &Path {
        let (Self::AccessToken(file) | Self::Registration(file)) = self;
        file
    }

    /// Reads the token, by the same rules as at the start: it is visible ASCII.
    ///
    /// # Errors
    /// What is wrong with the file or its content.
    pub fn token(&self) -> Result<SecretString, Faults> {
        match self {
            Self::AccessToken(file) => Ok(read_token(file)?),
            Self::Registration(file) => Ok(read_registration(file)?.as_token),
        }
    }
}

/// The words of `[matrix] mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Bot,
    Service,
}

impl Mode {
    pub(crate) const WORDS: [(&'static str, Self); 2] = [("bot", Self::Bot), ("appservice", Self::Service)];

    /// The mode that a section names; a word that is none is reported, and is as good as none.
    pub(crate) fn read(matrix: &mut Section<'_>) -> Self {
        matrix.get("mode", |value| word(value, &Self::WORDS)).unwrap_or(Self::Bot)
    }
}

/// Reads what of `[matrix]` and `[appservice]` says as whom; all that is wrong with it is reported.
pub(crate) fn read(
    matrix: &mut Section<'_>,
    appservice: Section<'_>,
    secrets: &Secrets<'_>,
) -> Option<Voice> {
    match Mode::read(matrix) {
        Mode::Bot => {
            unwanted(appservice);
            bot(matrix, secrets).map(Voice::Bot)
        }
        Mode::Service => {
            no_token_file(matrix);
            service(appservice, secrets).map(Box::new).map(Voice::Service)
        }
    }
}

fn bot(matrix: &mut Section<'_>, secrets: &Secrets<'_>) -> Option<Bot> {
    let token = matrix.token("access_token_file", "[matrix] access_token_file", secrets);
    need_token_file(matrix);
    token.map(|named| Bot { access_token_file: named.path, access_token: named.secret })
}

pub(crate) fn need_token_file(matrix: &Section<'_>) {
    let hint = "add access_token_file = \"matrix-token\", and the bot's access token in that file";
    matrix.need("access_token_file", hint);
}

fn no_token_file(matrix: &mut Section<'_>) {
    if let Some(Placed { span, .. }) = matrix.placed("access_token_file", |_| Ok(())) {
        let wrong = Wrong::new(
            "an application service's token is in its registration",
            "leave it out, or write mode = \"bot\"",
        );
        matrix.fault_at(&span, "access_token_file", wrong);
    }
}

/// `[appservice]` where it means nothing: its keys are known all the same, and no file is opened.
fn unwanted(mut section: Section<'_>) {
    if section.is_there() {
        let hint = "write mode = \"appservice\" in [matrix], or leave [appservice] out";
        section.fault(Wrong::new("it is for mode = \"appservice\" alone", hint));
    }
    for key in ["listen", "registration_file", "per_node_senders", "max_ghosts"] {
        section.has(key);
    }
    section.finish();
}

fn service(mut section: Section<'_>, secrets: &Secrets<'_>) -> Option<AppService> {
    let listen = listen(&mut section);
    let registration = registration::named(&mut section, secrets);
    let per_node_senders = section.get("per_node_senders", flag).unwrap_or(true);
    let max_ghosts = section.get("max_ghosts", |value| whole(value, 1, MOST_GHOSTS)).unwrap_or(200);
    let hint = "add [appservice] with registration_file = \"registration.yaml\", the file that the homeserver has a \
                copy of; meshhook registration new makes one";
    section.need("registration_file", hint);
    section.finish();
    let (registration_file, registration) = registration?;
    Some(AppService { listen, registration_file, registration, per_node_senders, max_ghosts })
}

fn listen(section: &mut Section<'_>) -> SocketAddr {
    let Some(Placed { value, span }) = section.placed("listen", socket) else { return loopback(8789) };
    if !value.ip().to_canonical().is_loopback() {
        let hint = "keep it on loopback, and let a TLS proxy or a tunnel lead there from the homeserver";
        let wrong = Wrong::new("the homeserver's token comes over the network in clear text", hint);
        section.warn_at(&span, "listen", wrong);
    }
    value
}

/// Where the token would be, as far as it is written; no file is opened.
pub(crate) fn credential(
    matrix: &mut Section<'_>,
    appservice: &mut Section<'_>,
    root: &Path,
) -> Option<Credential> {
    let file = |section: &mut Section<'_>, key| section.get(key, |value| Ok(root.join(text(value)?)));
    match Mode::read(matrix) {
        Mode::Bot => file(matrix, "access_token_file").map(Credential::AccessToken),
        Mode::Service => file(appservice, "registration_file").map(Credential::Registration),
    }
}
