//! What of a gateway.toml with faults can be used all the same, by whoever looks for faults.

use std::path::Path;

use meshhook_matrix::Options;

use crate::document::{Section, parse};
use crate::fault::Faults;
use crate::storage::{self, StoreUrl};
use crate::value::text;
use crate::{Connection, Credential, EncryptedRoom, connection, load, matrix, voice};

/// The parts of gateway.toml that lead elsewhere. What is absent or wrong is `None`, and [`crate::Config::load`] says so.
#[derive(Debug)]
#[non_exhaustive]
pub struct Sketch {
    /// The homeserver's base address.
    pub homeserver: Option<String>,
    /// The way there, and who is believed to be it.
    pub connection: Connection,
    /// The rooms of `[matrix]`, of each source and of each route, as they are written: perhaps aliases.
    pub rooms: Vec<String>,
    /// That of `[matrix]` alone.
    pub room: Option<String>,
    /// Where the token is; the file is not opened.
    pub credential: Option<Credential>,
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
        for tables in ["source", "route"] {
            rooms.extend(document.sections(tables).iter_mut().filter_map(room));
        }
        let homeserver = section.get("homeserver", matrix::homeserver);
        Ok(Self {
            connection: connection::read(&mut section, root, homeserver.as_deref()),
            homeserver,
            rooms,
            room: main,
            credential: voice::credential(&mut section, &mut document.section("appservice"), root),
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
