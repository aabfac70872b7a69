//! The gateway as an application service of a real Synapse: machines that speak for themselves.

mod killed;
mod names;

use meshhook_testkit::http::Answer;
use meshhook_testkit::{Event, Gateway, GatewayBuilder, Limits, Proxy, Service, Synapse, User, eventually};
use serde_json::json;

use crate::rig::{BUILDS, GITHUB, SOON, accepted, post_build, said};

/// A Synapse that knows the service, what loses answers before it, and Ada's private rooms, which the service is invited
/// to.
struct Scene {
    synapse: Synapse,
    proxy: Proxy,
    service: Service,
    ada: User,
    rooms: Vec<String>,
}

impl Scene {
    fn new(rooms: usize) -> Self {
        let service = Service::new("buildbot", Synapse::SERVER_NAME);
        let synapse = Synapse::start_with_service(Limits::Relaxed, &service);
        let (proxy, ada) = (Proxy::before(&synapse.url()), synapse.register("ada"));
        let rooms = (0..rooms).map(|_| synapse.private_room(&ada.token)).collect();
        let scene = Self { synapse, proxy, service, ada, rooms };
        scene
            .rooms
            .iter()
            .for_each(|room| scene.synapse.invite(&scene.ada.token, room, &scene.service.sender()));
        scene
    }

    /// A gateway with these machines.
    fn gateway(&self, machines: &[&str]) -> GatewayBuilder {
        let builder = Gateway::builder_of_service(&self.proxy.url(), &self.rooms[0], &self.service)
            .source("github", "github", GITHUB)
            .in_source("units = [\"job\"]")
            .source("builds", "standard", BUILDS);
        machines.iter().fold(builder, |builder, name| builder.toml(&format!("[[node]]\nname = {name:?}")))
    }

    /// What the service's users have said in a room, the oldest first.
    fn said(&self, room: &str) -> Vec<Event> {
        let mut events = said(self.synapse.messages(&self.ada.token, room));
        events.retain(|event| event.sender() != self.ada.id);
        events
    }

    #[track_caller]
    fn wait_for(&self, room: &str, count: usize) -> Vec<Event> {
        eventually(SOON, || Some(self.said(room)).filter(|said| said.len() >= count))
    }
}

/// A build of a machine that has failed.
fn reports(gateway: &Gateway, machine: &str, run: &str) -> Answer {
    let body = json!({ "workflow": "nightly", "state": "failed", "run_id": run, "mesh_node_id": machine });
    let answer = post_build(gateway, &body);
    accepted(&answer);
    answer
}
