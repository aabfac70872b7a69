//! A real Synapse that pushes.

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use meshhook_testkit::{Event, Gateway, Limits, Service, Synapse, User, eventually};
use serde_json::{Value, json};

use super::seen;
use crate::rig::{BUILDS, SOON, accepted, build, post_build, said};

/// A Synapse that knows the service, and a room of Ada's with the service's user in it.
struct Scene {
    synapse: Synapse,
    ada: User,
    room: String,
    service: Service,
}

impl Scene {
    fn new(service: Service) -> Self {
        let synapse = Synapse::start_with_service(Limits::Relaxed, &service);
        let ada = synapse.register("ada");
        let room = synapse.public_room(&ada.token);
        Self { synapse, ada, room, service }
    }

    fn gateway(&self) -> Gateway {
        self.gateway_of(&self.service)
    }

    fn gateway_of(&self, service: &Service) -> Gateway {
        let builder = Gateway::builder_of_service(&self.synapse.url(), &self.room, service);
        builder.source("builds", "standard", BUILDS).start().unwrap()
    }

    fn invite(&self) {
        self.synapse.invite(&self.ada.token, &self.room, &self.service.sender());
    }

    fn says(&self, txn: &str, msgtype: &str, body: &str) {
        let content = json!({ "msgtype": msgtype, "body": body });
        let _ = self.synapse.send(&self.ada.token, &self.room, txn, &content);
    }

    /// What the service's users said.
    fn heard(&self) -> Vec<Event> {
        let mut events = said(self.synapse.messages(&self.ada.token, &self.room));
        events.retain(|Event(event)| event["sender"] != self.ada.id.as_str());
        events
    }

    fn wait_for(&self, count: usize) -> Vec<Event> {
        eventually(SOON, || Some(self.heard()).filter(|heard| heard.len() >= count))
    }
}

fn ping(gateway: &Gateway) -> Value {
    eventually(Duration::from_secs(20), || Some(seen(gateway)["ping"].clone()).filter(|ping| !ping.is_null()))
}

#[test]
fn who_asks_in_a_room_is_shown_the_board() {
    let scene = Scene::new(Service::new("buildbot", Synapse::SERVER_NAME));
    let gateway = scene.gateway();
    assert_eq!(ping(&gateway)["code"], "ping_fine");
    scene.invite();
    let sender = scene.service.sender();
    eventually(SOON, || {
        let member = scene.synapse.member(&scene.ada.token, &scene.room, &sender)?;
        (member.membership == "join").then_some(())
    });
    accepted(&post_build(&gateway, &build("1", "failed")));
    scene.wait_for(1);

    scene.says("m1", "m.text", "!builds");
    let board = scene.wait_for(2).remove(1);
    let content = board.content();
    assert_eq!((&content["msgtype"], &content["m.mentions"]), (&json!("m.notice"), &json!({})));
    let body = content["body"].as_str().unwrap().replace(['\u{2068}', '\u{2069}', '\u{2060}'], "");
    let lines: Vec<_> = body.lines().collect();
    assert_eq!((lines.len(), lines[0], lines[2]), (4, "📋 Machines", "📋 Workflows"), "{body}");
    assert!(lines[1].starts_with("❌ mac-01 failed · nightly · "), "{body}");
    assert!(lines[3].starts_with("❌ nightly failed · main · "), "{body}");
    assert_eq!(content["com.meshmac.message"]["keys"].as_array().unwrap().len(), 1);
    assert_eq!(board.0["sender"], scene.service.sender());

    // What it says itself comes back to it, and is no question; nor is what another program says.
    scene.says("m2", "m.notice", "!builds");
    accepted(&post_build(&gateway, &build("2", "failed")));
    scene.wait_for(3);
    assert_eq!(scene.heard().len(), 3);
    let seen = eventually(SOON, || {
        let seen = seen(&gateway);
        (seen["events"].as_u64() >= Some(5)).then_some(seen)
    });
    assert_eq!((&seen["unreadable"], &seen["user"]), (&json!(0), &json!(scene.service.sender())));
}

/// Whoever is invited late says what he has to say at once, and not when the room would have been tried again.
#[test]
fn an_invite_is_taken_and_what_waited_for_it_is_said() {
    let mut scene = Scene::new(Service::new("buildbot", Synapse::SERVER_NAME));
    scene.room = scene.synapse.private_room(&scene.ada.token);
    let gateway = scene.gateway();
    accepted(&post_build(&gateway, &build("1", "failed")));
    eventually(SOON, || gateway.log().contains("room held").then_some(()));
    scene.invite();
    assert_eq!(scene.wait_for(1)[0].0["sender"], scene.service.sender());
    let elsewhere = scene.synapse.private_room(&scene.ada.token);
    scene.synapse.invite(&scene.ada.token, &elsewhere, &scene.service.sender());
    eventually(SOON, || {
        let member = scene.synapse.member(&scene.ada.token, &elsewhere, &scene.service.sender())?;
        (member.membership == "leave").then_some(())
    });
}

/// Nothing is to be said, and still: what a homeserver tells holds a room, and lets it go on.
#[test]
fn a_room_is_held_as_soon_as_the_homeserver_tells() {
    let scene = Scene::new(Service::new("buildbot", Synapse::SERVER_NAME));
    let gateway = scene.gateway();
    assert_eq!(ping(&gateway)["code"], "ping_fine");
    scene.invite();
    accepted(&post_build(&gateway, &build("1", "failed")));
    scene.wait_for(1);
    let hold = || {
        let ready = meshhook_testkit::http::get(&(gateway.admin_url() + "/readyz"), &[]).unwrap().json();
        ready["rooms"][0]["hold"].as_str().map(str::to_owned)
    };
    let held = |why: &str| eventually(SOON, || hold().filter(|hold| hold.contains(why)));
    let Scene { synapse, ada, room, service } = &scene;
    synapse.kick(&ada.token, room, &service.sender());
    held("@ada:rig.localhost removed @buildbot:rig.localhost");
    scene.invite();
    eventually(SOON, || hold().is_none().then_some(()));
    synapse.encrypt(&ada.token, room);
    held("the room is encrypted");
    let replacement = synapse.upgrade(&ada.token, room);
    held(&replacement);
    assert_eq!(scene.heard().len(), 1);
}

/// An address where connections are taken, and nothing is ever answered.
fn silence() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || listener.incoming().collect::<Vec<_>>());
    address
}

/// As the operator sees it; each cause, with a gateway and without, is `bins/cli/tests/it/doctor/pings.rs`'s.
#[test]
fn what_is_wrong_on_the_homeservers_side_is_named() {
    let service = Service::new("buildbot", Synapse::SERVER_NAME);
    let mut scene = Scene::new(service.clone());
    let port = service.port();
    for (theirs, code) in [
        (service.clone().with("hs_token", "another-hs-token-than-ours"), "ping_hs_token"),
        (service.clone().with("id", "another-id"), "ping_id"),
        (service.clone().with("url", format!("http://127.0.0.1:{port}/below/")), "ping_fine"),
    ] {
        scene.synapse.write_service(&theirs);
        scene.synapse.restart();
        let gateway = scene.gateway();
        let ping = ping(&gateway);
        assert_eq!(ping["code"], code, "{ping}\n{}", gateway.log());
        let ready = meshhook_testkit::http::get(&(gateway.admin_url() + "/readyz"), &[]).unwrap().json();
        assert_eq!((&ready["ready"], &ready["ping"]["code"]), (&json!(true), &json!(code)));
        assert!(gateway.log().contains(code), "{}", gateway.log());
    }
    let gateway = scene.gateway_of(&service.with("as_token", scene.ada.token.as_str()));
    assert_eq!(ping(&gateway)["code"], "ping_user_token", "{}", gateway.log());
}

/// Synapse waits a minute for an answer, and the gateway for Synapse.
#[test]
fn a_url_that_nobody_answers_at_is_named() {
    let service = Service::new("buildbot", Synapse::SERVER_NAME).with("url", silence());
    let scene = Scene::new(service);
    let gateway = scene.gateway();
    let ping = eventually(Duration::from_secs(90), || {
        Some(seen(&gateway)["ping"].clone()).filter(|ping| !ping.is_null())
    });
    assert_eq!(ping["code"], "ping_timeout", "{ping}");
}
