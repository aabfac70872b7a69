//! The gateway itself, on SQLite, into a room of a real Synapse.

use std::collections::BTreeSet;

use meshhook_testkit::load::{Target, owes};
use meshhook_testkit::{Gateway, Synapse};

use super::Peer;
use crate::accept::target;
use crate::measure::SECRET;

pub(super) struct Ours<'s> {
    gateway: Gateway,
    synapse: &'s Synapse,
    token: String,
    room: String,
}

impl<'s> Ours<'s> {
    pub(super) fn new(synapse: &'s Synapse) -> Result<Self, String> {
        let bot = synapse.register("gateway");
        let room = synapse.private_room(&bot.token);
        let builder = Gateway::builder(&synapse.url(), &room, &bot.token).source("github", "github", SECRET);
        let gateway = builder.start().map_err(|failure| failure.to_string())?;
        Ok(Self { gateway, synapse, token: bot.token, room })
    }

    /// Those that messages in the room are made of.
    fn keys(&self) -> impl Iterator<Item = String> {
        let events = self.synapse.messages(&self.token, &self.room);
        events.into_iter().flat_map(|event| event.keys().map(str::to_owned).collect::<Vec<_>>())
    }
}

impl Peer for Ours<'_> {
    fn name(&self) -> &'static str {
        "gateway"
    }

    fn version(&self) -> String {
        format!("{}, on SQLite", env!("CARGO_PKG_VERSION"))
    }

    fn effect(&self) -> &'static str {
        "said"
    }

    fn start(&mut self) -> Result<(), String> {
        self.gateway.restart().map_err(|failure| failure.to_string())
    }

    fn target(&self) -> Result<Target, String> {
        target(&self.gateway.hook_url("github"))
    }

    fn pid(&self) -> u32 {
        self.gateway.pid()
    }

    fn kill9(&mut self) {
        self.gateway.kill9();
    }

    fn shown(&self) -> u64 {
        self.keys().collect::<BTreeSet<_>>().len() as u64
    }

    fn is_busy(&self) -> bool {
        owes(&self.gateway.store_dir())
    }

    fn repeats(&self) -> Option<u64> {
        Some(self.keys().count() as u64 - self.shown())
    }
}
