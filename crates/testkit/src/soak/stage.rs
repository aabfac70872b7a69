//! A real Synapse with the rooms of a scenario, the gateway's user in them, and somebody else who reads along.

use std::time::Duration;

use serde_json::json;

use super::build::Source;
use super::us::{Account, Us};
use crate::{Event, Gateway, GatewayBuilder, Limits, Service, StartFailure, Synapse, User, eventually};

/// How long the gateway may take to accept its invites, and Synapse to tell of them.
const IN_WITHIN: Duration = Duration::from_secs(30);

pub(super) const BOT: &str = "meshhook";

/// Who takes part.
pub(super) struct Stage {
    pub(super) synapse: Synapse,
    pub(super) us: Us,
    pub(super) sources: Vec<Source>,
    observer: User,
    rooms: Vec<String>,
}

impl Stage {
    /// Rooms of an observer, each with a source of its own.
    pub(super) fn set(account: Account, limits: Limits, rooms: usize) -> Self {
        match account {
            Account::Bot => Self::of_bot(limits, rooms).0,
            Account::Service => Self::of_service(limits, rooms),
        }
    }

    /// With a bot in the rooms; the bot too.
    pub(super) fn of_bot(limits: Limits, rooms: usize) -> (Self, User) {
        let synapse = Synapse::start_with(limits);
        let (observer, bot) = (synapse.register("observer"), synapse.register(BOT));
        let room = |_| {
            let room = synapse.create_room(&observer.token, json!({ "name": "CI" }));
            synapse.bring_in(&observer.token, &room, &bot);
            room
        };
        let rooms = (0..rooms).map(room).collect();
        (Self::with(synapse, Us::Bot(bot.clone()), observer, rooms), bot)
    }

    /// With private rooms that an application service is invited to, and takes the invite itself.
    fn of_service(limits: Limits, rooms: usize) -> Self {
        let service = Service::new("buildbot", Synapse::SERVER_NAME);
        let synapse = Synapse::start_with_service(limits, &service);
        let observer = synapse.register("observer");
        let room = |_| {
            let room = synapse.private_room(&observer.token);
            synapse.invite(&observer.token, &room, &service.sender());
            room
        };
        let rooms = (0..rooms).map(room).collect();
        Self::with(synapse, Us::Service(service), observer, rooms)
    }

    fn with(synapse: Synapse, us: Us, observer: User, rooms: Vec<String>) -> Self {
        let sources = rooms.iter().enumerate().map(|(n, room)| Source::new(n, room)).collect();
        Self { synapse, us, sources, observer, rooms }
    }

    /// The gateway, before these rooms, and in all of them.
    pub(super) fn gateway(&self) -> Result<Gateway, StartFailure> {
        let gateway = configure(&self.sources, &self.us, &self.synapse.url(), &self.rooms[0]).start()?;
        self.rooms.iter().for_each(|room| eventually(IN_WITHIN, || self.is_in(room).then_some(())));
        Ok(gateway)
    }

    fn is_in(&self, room: &str) -> bool {
        let member = self.synapse.member(&self.observer.token, room, &self.us.sender());
        member.is_some_and(|member| member.membership == "join")
    }

    /// What the gateway's users have put into each room, as the observer reads it page by page.
    pub(super) fn said(&self) -> Vec<Vec<Event>> {
        let all = self.rooms.iter().map(|room| self.synapse.messages(&self.observer.token, room));
        let ours = |event: &Event| event.kind() == "m.room.message" && self.us.has(event.sender());
        all.map(|events| events.into_iter().filter(ours).collect()).collect()
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
pub(super) fn configure(sources: &[Source], us: &Us, homeserver: &str, room: &str) -> GatewayBuilder {
    let gateway = us
        .gateway(homeserver, room)
        // Weeks may pass for the store, and no mark may be forgotten: bodies come again at any time.
        .line("store", "retention = \"9600h\"");
    sources.iter().fold(gateway, |gateway, source| source.add_to(gateway))
}
