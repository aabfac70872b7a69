//! A real Synapse with the rooms of a scenario, the gateway's user in them, and somebody else who reads along.

use serde_json::json;

use super::build::Source;
use crate::{Event, Gateway, GatewayBuilder, Limits, StartFailure, Synapse, User};

pub(super) const BOT: &str = "meshhook";

/// Who takes part.
pub(super) struct Stage {
    pub(super) synapse: Synapse,
    pub(super) bot: User,
    pub(super) sources: Vec<Source>,
    observer: User,
    rooms: Vec<String>,
}

impl Stage {
    /// Rooms of an observer, each with a source of its own.
    pub(super) fn set(limits: Limits, rooms: usize) -> Self {
        let synapse = Synapse::start_with(limits);
        let (observer, bot) = (synapse.register("observer"), synapse.register(BOT));
        let room = |_| {
            let room = synapse.create_room(&observer.token, json!({ "name": "CI" }));
            synapse.bring_in(&observer.token, &room, &bot);
            room
        };
        let rooms: Vec<String> = (0..rooms).map(room).collect();
        let sources = rooms.iter().enumerate().map(|(n, room)| Source::new(n, room)).collect();
        Self { synapse, bot, sources, observer, rooms }
    }

    /// The gateway, before these rooms.
    pub(super) fn gateway(&self) -> Result<Gateway, StartFailure> {
        configure(&self.sources, &self.synapse.url(), &self.rooms[0], &self.bot.token).start()
    }

    /// What the gateway's user has put into each room, as the observer reads it page by page.
    pub(super) fn said(&self) -> Vec<Vec<Event>> {
        let all = self.rooms.iter().map(|room| self.synapse.messages(&self.observer.token, room));
        all.map(|events| events.into_iter().filter(|event| event.sender() == self.bot.id).collect()).collect()
    }

    /// How many of these messages are in a room.
    pub(super) fn count_sent(&self, messages: &[(String, String)]) -> usize {
        let said = self.said();
        let ids: Vec<_> =
            said.iter().flatten().filter_map(|e| e.content()["com.meshmac.message"]["id"].as_str()).collect();
        messages.iter().filter(|(_, id)| ids.contains(&id.as_str())).count()
    }
}

/// A gateway with these sources.
pub(super) fn configure(sources: &[Source], homeserver: &str, room: &str, token: &str) -> GatewayBuilder {
    let gateway = Gateway::builder(homeserver, room, token)
        // Weeks may pass for the store, and no mark may be forgotten: bodies come again at any time.
        .line("store", "retention = \"9600h\"");
    sources.iter().fold(gateway, |gateway, source| source.add_to(gateway))
}
