//! What of a gateway.toml with faults can be used all the same, by whoever looks for faults.

use std::path::{Path, PathBuf};

use meshhook_matrix::Options;

use crate::document::{Section, parse};
use crate::fault::Faults;
use crate::storage::{self, StoreUrl};
use crate::value::text;
use crate::{Connection, EncryptedRoom, connection, load, matrix};

/// The parts of gateway.toml that lead elsewhere. What is absent or wrong is `None`, and [`crate::Config::load`] says so.
#[derive(Debug)]
#[non_exhaustive]
pub struct Sketch {
    /// The homeserver's base address.
    pub homeserver: Option<String>,
    /// The way there, and who is believed to be it.
    pub connection: Connection,
    /// The rooms of `[matrix]` and of each source, as they are written: perhaps aliases.
    pub rooms: Vec<String>,
    /// That of `[matrix]` alone.
    pub room: Option<String>,
    /// The access token's file; it is not opened.
    pub access_token_file: Option<PathBuf>,
    /// Where deliveries are kept.
    pub store: StoreUrl,
    /// What to do with an encrypted room.
    pub encrypted_room: EncryptedRoom,
}

impl Sketch {
    /// Reads gateway.toml in `root`, and no other file.
    ///
    /// # Errors
    /// The file itself cannot be read.
    pub fn load(root: &Path) -> Result<Self, Faults> {
        let (file, content) = load::open(root)?;
        let (table, report) = parse(&file, &content);
        let mut document = Section::root(&report, &table);
        let mut section = document.section("matrix");
        let (store, _) = storage::url(&mut document.section("store"));
        let room = |section: &mut Section<'_>| section.get("room", |value| Ok(text(value)?.to_owned()));
        let main = room(&mut section);
        let mut rooms: Vec<_> = main.clone().into_iter().collect();
        rooms.extend(document.sections("source").iter_mut().filter_map(room));
        let homeserver = section.get("homeserver", matrix::homeserver);
        Ok(Self {
            connection: connection::read(&mut section, root, homeserver.as_deref()),
            homeserver,
            rooms,
            room: main,
            access_token_file: section.get("access_token_file", |value| Ok(root.join(text(value)?))),
            encrypted_room: section.get("encrypted_room", matrix::encrypted).unwrap_or_default(),
            store,
        })
    }

    /// What a client of the homeserver is made from, where one is named.
    #[must_use]
    pub fn options(&self) -> Option<Options> {
        Some(self.connection.options(self.homeserver.as_deref()?))
    }
}
