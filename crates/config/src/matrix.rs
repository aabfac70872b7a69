//! `[matrix]`: which room, and as whom.

use std::path::{Path, PathBuf};

use meshhook_matrix::Options;
use url::{Host, Url};

use crate::connection::{self, Connection};
use crate::document::{Placed, Section, Value};
use crate::fault::Wrong;
use crate::shared::Secrets;
use crate::value::{text, word};
use crate::voice::{self, Mode, Voice};

/// The longest room id (Matrix spec, "Identifier Grammar").
const LONGEST_ROOM: usize = 255;

/// `[matrix]`, and what belongs to its `mode`.
#[derive(Debug)]
#[non_exhaustive]
pub struct Matrix {
    /// The homeserver's base address, without a slash at its end.
    pub homeserver: String,
    /// The way there, and who is believed to be it.
    pub connection: Connection,
    /// The room of every source that names none.
    pub room: String,
    /// As whom.
    pub voice: Voice,
    /// What to do with an encrypted room.
    pub encrypted_room: EncryptedRoom,
}

/// What to do with an encrypted room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum EncryptedRoom {
    /// Write nothing into it, and say why.
    #[default]
    Hold,
    /// Write unencrypted into it.
    Plain,
}

const ENCRYPTED: [(&str, EncryptedRoom); 2] =
    [("hold", EncryptedRoom::Hold), ("plain", EncryptedRoom::Plain)];

impl EncryptedRoom {
    /// Its word in gateway.toml.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Plain => "plain",
        }
    }
}

/// What of `[matrix]` holds before there is an access token, for whoever gets one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Account {
    /// The homeserver's base address, without a slash at its end.
    pub homeserver: String,
    /// The way there, and who is believed to be it.
    pub connection: Connection,
    /// The room of every source that names none.
    pub room: String,
    /// The access token's file, which need not exist.
    pub access_token_file: PathBuf,
}

impl Matrix {
    /// What a client of the homeserver is made from.
    #[must_use]
    pub fn options(&self) -> Options {
        self.connection.options(&self.homeserver)
    }
}

impl Account {
    /// What a client of the homeserver is made from.
    #[must_use]
    pub fn options(&self) -> Options {
        self.connection.options(&self.homeserver)
    }
}

/// Reads `[matrix]`, and `[appservice]` where its mode asks for it.
pub(crate) fn read(
    mut section: Section<'_>,
    appservice: Section<'_>,
    secrets: &Secrets<'_>,
) -> Option<Matrix> {
    let voice = voice::read(&mut section, appservice, secrets);
    let (common, encrypted) = common(section, secrets.root());
    let (Common { homeserver, connection, room }, voice) = (common?, voice?);
    Some(Matrix { homeserver, connection, room, voice, encrypted_room: encrypted.unwrap_or_default() })
}

/// As [`read`], for a bot alone and without a look at the token.
pub(crate) fn account(mut section: Section<'_>, root: &Path) -> Option<Account> {
    let file = section.get("access_token_file", |value| Ok(root.join(text(value)?)));
    match section.placed("mode", |value| word(value, &Mode::WORDS)) {
        Some(Placed { value: Mode::Service, span }) => section.fault_at(&span, "mode", no_login()),
        _ => voice::need_token_file(&section),
    }
    let (common, _) = common(section, root);
    let (Common { homeserver, connection, room }, access_token_file) = (common?, file?);
    Some(Account { homeserver, connection, room, access_token_file })
}

struct Common {
    homeserver: String,
    connection: Connection,
    room: String,
}

fn no_login() -> Wrong {
    Wrong::new(
        "an application service needs no login: its token is in its registration",
        "meshhook registration new makes one; for a bot's account write mode = \"bot\"",
    )
}

/// Everything but as whom, which is asked for before.
fn common(mut section: Section<'_>, root: &Path) -> (Option<Common>, Option<EncryptedRoom>) {
    let homeserver = section.get("homeserver", homeserver);
    let room = section.get("room", room);
    let connection = connection::read(&mut section, root, homeserver.as_deref());
    let encrypted = section.get("encrypted_room", encrypted);
    section.need("homeserver", "add homeserver = \"https://matrix.example.org\"");
    section.need("room", "add room = \"!…\", the room's full id");
    section.finish();
    let common = homeserver.zip(room).map(|(homeserver, room)| Common { homeserver, connection, room });
    (common, encrypted)
}

pub(crate) fn encrypted(value: &Value<'_>) -> Result<EncryptedRoom, Wrong> {
    word(value, &ENCRYPTED)
}

pub(crate) fn homeserver(value: &Value<'_>) -> Result<String, Wrong> {
    let text = text(value)?;
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && !text.contains(unprintable))
        .ok_or_else(|| Wrong::new("not an address", "write \"https://matrix.example.org\""))?;
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(Wrong::new("more than an address", "leave out user name, password, \"?…\" and \"#…\""));
    }
    if url.path().contains("/_matrix") {
        return Err(Wrong::new("not the base address", "leave out \"/_matrix\" and what follows"));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        let hint = "use https; or, with the homeserver or a tunnel to it on this machine, http://127.0.0.1 and its port";
        return Err(Wrong::new("over http the access token could be read on the way", hint));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn unprintable(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A room id: "!" and anything (from room version 12 on without ":server").
pub(crate) fn room(value: &Value<'_>) -> Result<String, Wrong> {
    let room = text(value)?;
    if room.starts_with('#') {
        let hint = "an alias may come to mean another room; write its id instead (\"!…\"): a client's room settings \
                    show it, and GET /_matrix/client/v3/directory/room/{alias} resolves it";
        return Err(Wrong::new("an alias, not a room id", hint));
    }
    let fits =
        room.len() > 1 && room.len() <= LONGEST_ROOM && room.starts_with('!') && !room.contains(unprintable);
    if fits {
        Ok(room.to_owned())
    } else {
        Err(Wrong::new("not a room id", "it begins with \"!\"; a client's room settings show it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> Result<String, String> {
        homeserver(&Value::String(text.into())).map_err(|wrong| wrong.message)
    }

    #[test]
    fn homeservers_are_https_or_loopback() {
        for (text, read) in [
            ("https://matrix.example.org", "https://matrix.example.org"),
            ("https://matrix.example.org:8448/base/", "https://matrix.example.org:8448/base"),
            ("http://127.0.0.1:8008", "http://127.0.0.1:8008"),
            ("http://localhost:8008/", "http://localhost:8008"),
            ("http://[::1]:8008/", "http://[::1]:8008"),
        ] {
            assert_eq!(server(text).as_deref(), Ok(read), "{text}");
        }
    }

    #[test]
    fn what_is_no_homeserver_says_why() {
        let http = "over http the access token could be read on the way";
        for (text, why) in [
            ("matrix.example.org", "not an address"),
            ("https://", "not an address"),
            ("ftp://h/", "not an address"),
            ("https://h\n", "not an address"),
            ("https://u:p@h/", "more than an address"),
            ("https://h/?a", "more than an address"),
            ("https://h/_matrix/client", "not the base address"),
            ("http://matrix.example.org", http),
            ("http://127.0.0.1.example.org", http),
            ("http://localhost.example.org", http),
            ("http://10.0.0.1:8008", http),
        ] {
            assert_eq!(server(text).unwrap_err(), why, "{text}");
        }
    }

    #[test]
    fn rooms_are_ids() {
        let is_room = |text: &str| room(&Value::String(text.into())).is_ok();
        assert!(is_room("!abc:example.org") && is_room("!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM"));
        for text in
            ["", "!", "#ci:example.org", "@u:example.org", "abc", "!a b", &format!("!{}", "a".repeat(255))]
        {
            assert!(!is_room(text), "{text}");
        }
    }
}
