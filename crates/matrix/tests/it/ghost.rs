//! The users of an application service, at a real Synapse.

use std::sync::Arc;
use std::time::Duration;

use meshhook_matrix::{Anchor, Client, Failure, FailureKind, Made, Membership, Ping, Tail, TailQuery, Token};
use meshhook_testkit::{Homeserver, Limits, Service, Synapse, User, eventually};
use serde_json::{Value, json};

use crate::{client, token};

const DEVICE: &str = "MESHHOOK";

fn marked(id: &str) -> String {
    let marker = json!({ "id": id, "keys": ["k"] });
    json!({ "msgtype": "m.notice", "body": id, "com.meshmac.message": marker }).to_string()
}

/// A private room of somebody's with the service's sender in it.
struct Scene {
    synapse: Arc<Synapse>,
    host: User,
    room: String,
    client: Client,
    service: Token,
    /// The service's sender, in so many words.
    sender: Token,
}

impl Scene {
    fn new(name: &str) -> Self {
        Self::at(Synapse::shared(), Synapse::shared_service(), name)
    }

    fn at(synapse: Arc<Synapse>, service: &Service, name: &str) -> Self {
        let host = synapse.register(&format!("{name}-host"));
        let room = synapse.private_room(&host.token);
        let (client, as_token) = (client(&synapse.url()), token(service.as_token()));
        let sender = as_token.speaking_as(&service.sender(), None);
        synapse.invite(&host.token, &room, &service.sender());
        client.join(&sender, &room).unwrap();
        Self { synapse, host, room, client, service: as_token, sender }
    }

    fn localpart(name: &str) -> String {
        format!("ghosts_{name}")
    }

    fn user(name: &str) -> String {
        Synapse::shared_service().user(name)
    }

    fn speaking_as(&self, name: &str) -> Token {
        self.service.speaking_as(&Self::user(name), Some(DEVICE))
    }

    /// A ghost with a device, in the room.
    fn ghost(&self, name: &str) -> Token {
        let ghost = self.speaking_as(name);
        self.client.register(&self.service, &Self::localpart(name)).unwrap();
        self.client.make_device(&ghost, DEVICE, "meshhook").unwrap();
        self.client.invite(&self.sender, &self.room, &Self::user(name)).unwrap();
        self.client.join(&ghost, &self.room).unwrap();
        ghost
    }

    fn send(&self, ghost: &Token, id: &str) -> Result<String, Failure> {
        let sent = self.client.send(ghost, &self.room, &format!("txn-{id}"), &marked(id));
        sent.map(|id| id.to_string())
    }

    fn administrate(&self, admin: &User, method: &str, path: &str, body: &Value) {
        self.synapse.request(method, &format!("/_synapse/admin/{path}"), &admin.token, Some(body)).ok();
    }
}

#[test]
fn a_ghost_is_made_named_invited_and_speaks_for_itself() {
    let scene = Scene::new("speaks");
    let (client, user) = (&scene.client, Scene::user("mac-03"));
    assert_eq!(client.display_name(&scene.service, &user).unwrap(), None);
    assert_eq!(client.register(&scene.service, "ghosts_mac-03").unwrap(), Made::New);
    assert_eq!(client.register(&scene.service, "ghosts_mac-03").unwrap(), Made::Known);
    let ghost = scene.speaking_as("mac-03");
    assert_eq!(client.make_device(&ghost, DEVICE, "meshhook").unwrap(), Made::New);
    assert_eq!(client.make_device(&ghost, DEVICE, "meshhook").unwrap(), Made::Known);
    let me = client.whoami(&ghost).unwrap();
    assert_eq!((me.user_id, me.device_id.as_deref()), (user.clone(), Some(DEVICE)));

    client.set_display_name(&ghost, &user, "mac-03 · build").unwrap();
    assert_eq!(client.display_name(&scene.service, &user).unwrap().as_deref(), Some("mac-03 · build"));
    assert_eq!(client.join(&ghost, &scene.room).unwrap_err().kind, FailureKind::Forbidden);
    client.invite(&scene.sender, &scene.room, &user).unwrap();
    client.join(&ghost, &scene.room).unwrap();
    // Who is in the room needs no invite.
    client.invite(&scene.sender, &scene.room, &user).unwrap();
    client.join(&ghost, &scene.room).unwrap();

    let sent = scene.send(&ghost, "m1").unwrap();
    let member = scene.synapse.member(&scene.host.token, &scene.room, &user).unwrap();
    assert_eq!((member.name.as_deref(), &*member.membership), (Some("mac-03 · build"), "join"));
    let events = scene.synapse.messages(&scene.host.token, &scene.room);
    let event = events.iter().find(|event| event.id() == sent).unwrap();
    assert_eq!((event.sender(), event.body()), (&*user, Some("m1")));

    client.leave(&ghost, &scene.room).unwrap();
    let left = client.membership(&ghost.speaking_as(&user, None), &user, &scene.room).unwrap();
    assert_eq!(left, Membership::Left);
    client.leave(&ghost, &scene.room).unwrap();
    let failure = client.leave(&ghost, "!nowhere").unwrap_err();
    assert!(failure.status == Some(404) && failure.errcode.is_some(), "{failure}");
}

#[test]
fn nobody_is_invited_who_may_not_be() {
    let scene = Scene::new("banned");
    let ghost = scene.ghost("banned");
    let user = Scene::user("banned");
    scene.synapse.ban(&scene.host.token, &scene.room, &user);
    let failure = scene.client.invite(&scene.sender, &scene.room, &user).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Forbidden);
    assert!(scene.client.join(&ghost, &scene.room).unwrap_err().is_of_the_user());
    scene.synapse.set_power_levels(&scene.host.token, &scene.room, json!({ "invite": 50 }));
    scene.client.register(&scene.service, "ghosts_uninvited").unwrap();
    let failure = scene.client.invite(&scene.sender, &scene.room, &Scene::user("uninvited")).unwrap_err();
    assert!(failure.detail.contains("permission to invite"), "{failure}");
}

#[test]
fn what_is_wrong_with_a_ghost_is_told_from_a_bad_token() {
    let scene = Scene::new("faults");
    let of_ghost = |name: &str| scene.send(&scene.speaking_as(name), "m1").unwrap_err();
    let check = |failure: &Failure, errcode: &str| {
        assert_eq!(
            (failure.errcode.as_deref(), failure.is_of_the_user()),
            (Some(errcode), true),
            "{failure}"
        );
    };
    check(&of_ghost("unregistered"), "M_FORBIDDEN");
    let stranger = scene.service.speaking_as(&scene.host.id, None);
    check(&scene.send(&stranger, "m1").unwrap_err(), "M_FORBIDDEN");
    check(&scene.client.register(&scene.service, "stranger").unwrap_err(), "M_EXCLUSIVE");
    scene.client.register(&scene.service, &Scene::localpart("deviceless")).unwrap();
    check(&of_ghost("deviceless"), "M_UNKNOWN_DEVICE");
    scene.client.make_device(&scene.speaking_as("deviceless"), DEVICE, "meshhook").unwrap();
    check(&of_ghost("deviceless"), "M_FORBIDDEN");

    let admin = scene.synapse.register_admin("faults-admin");
    let suspended = scene.ghost("suspended");
    scene.administrate(
        &admin,
        "PUT",
        &format!("v1/suspend/{}", Scene::user("suspended")),
        &json!({ "suspend": true }),
    );
    check(&scene.send(&suspended, "m1").unwrap_err(), "M_USER_SUSPENDED");
    let out = scene.ghost("out");
    scene.synapse.kick(&scene.host.token, &scene.room, &Scene::user("out"));
    check(&scene.send(&out, "m1").unwrap_err(), "M_FORBIDDEN");

    for bad in ["as_token_of_nobody", "syt_bm9ib2R5_aaaaaaaaaaaaaaaaaaaa_3Plr5i"] {
        let bad = token(bad).speaking_as(&Scene::user("out"), Some(DEVICE));
        let failure = scene.send(&bad, "m1").unwrap_err();
        assert_eq!(failure.errcode.as_deref(), Some("M_UNKNOWN_TOKEN"));
        assert!(!failure.is_of_the_user() && matches!(failure.kind, FailureKind::Unauthorized { .. }));
    }
}

/// Synapse 1.163 holds a locked ghost back from nothing, and of a deactivated one only takes the device away.
#[test]
fn a_ghost_that_was_locked_or_deactivated_can_be_had_back() {
    let scene = Scene::new("had-back");
    let admin = scene.synapse.register_admin("had-back-admin");
    let locked = scene.ghost("locked");
    scene.administrate(
        &admin,
        "PUT",
        &format!("v2/users/{}", Scene::user("locked")),
        &json!({ "locked": true }),
    );
    scene.send(&locked, "m1").unwrap();

    let gone = scene.ghost("gone");
    scene.administrate(
        &admin,
        "POST",
        &format!("v1/deactivate/{}", Scene::user("gone")),
        &json!({ "erase": false }),
    );
    let failure = scene.send(&gone, "m2").unwrap_err();
    assert_eq!((failure.kind, failure.is_of_the_user()), (FailureKind::UnknownDevice, true));
    eventually(Duration::from_secs(20), || {
        let member = scene.synapse.member(&scene.host.token, &scene.room, &Scene::user("gone"));
        member.is_some_and(|member| member.membership == "leave").then_some(())
    });
    scene.ghost("gone");
    scene.send(&gone, "m2").unwrap();
}

#[test]
fn with_a_device_a_transaction_id_outlives_a_kill() {
    let service = Service::new("bots", Synapse::SERVER_NAME).with("url", Value::Null);
    let mut synapse = Synapse::start_with_service(Limits::Default, &service);
    let host = synapse.register("host");
    let room = synapse.public_room(&host.token);
    let (client, as_token) = (client(&synapse.url()), token(service.as_token()));
    let ghosts = [service.sender(), service.user("a"), service.user("b")];
    let ghosts = ghosts.map(|user| as_token.speaking_as(&user, Some(DEVICE)));
    for (localpart, ghost) in ["bots", "bots_a", "bots_b"].iter().zip(&ghosts) {
        client.register(&as_token, localpart).unwrap();
        client.make_device(ghost, DEVICE, "meshhook").unwrap();
        client.join(ghost, &room).unwrap();
    }
    // The default limits, which nobody else would come through with.
    let send = |n: usize| client.send(&ghosts[n % 3], &room, &format!("t{n}"), &marked("m")).unwrap();
    let first: Vec<_> = (0..24).map(send).collect();
    synapse.kill9();
    synapse.restart();
    let again: Vec<_> = (0..24).map(send).collect();
    assert_eq!(first, again);
    // Of all the service's users in a room an id must be one message's only: the second is told the first's event.
    let a = client.send(&ghosts[1], &room, "same", &marked("m1")).unwrap();
    assert_eq!(client.send(&ghosts[2], &room, "same", &marked("m2")).unwrap(), a);
}

#[test]
fn the_tail_is_read_up_to_an_anchor_of_another() {
    let scene = Scene::new("tail");
    let (a, b) = (scene.ghost("tail-a"), scene.ghost("tail-b"));
    let [a_id, b_id] = ["tail-a", "tail-b"].map(Scene::user);
    let (before, anchor) = (scene.send(&a, "m0").unwrap(), scene.send(&b, "m1").unwrap());
    let sent = scene.send(&a, "m2").unwrap();
    for n in 0..200 {
        let chatter = json!({ "msgtype": "m.text", "body": "chatter" });
        scene.synapse.send(&scene.host.token, &scene.room, &format!("c{n}"), &chatter);
    }
    // One page is enough.
    let ask = |own_user: &str, id: &str, sender: &str| {
        let anchor = Some(Anchor { event: &anchor, sender });
        let txn = format!("txn-{id}");
        let query = TailQuery { own_user, anchor, txn: &txn, message_id: id, max_pages: 1 };
        scene.client.tail_read(&a, &scene.room, &query).unwrap()
    };
    assert!(matches!(ask(&a_id, "m2", &b_id), Tail::Found(id) if id.as_str() == sent));
    assert_eq!(ask(&a_id, "m3", &b_id), Tail::Absent);
    // What lies before the anchor is not looked at, and an anchor counts only as its sender's.
    assert_eq!(ask(&a_id, "m0", &b_id), Tail::Absent);
    assert!(matches!(ask(&a_id, "m0", &a_id), Tail::Found(id) if id.as_str() == before));
    // The anchor's sender is no sender of the message.
    assert_eq!(ask(&b_id, "m2", &b_id), Tail::Absent);
    scene.send(&b, "m4").unwrap();
    assert_eq!(ask(&a_id, "m4", &b_id), Tail::Absent);
}

#[test]
fn every_request_says_whom_it_is_made_for() {
    let server = Homeserver::start();
    let client = client(&server.url());
    let service = token("as_token");
    let ghost = service.speaking_as("@bot_mac=20mini/1:h", Some(DEVICE));
    let (room, user) = ("!r", "@bot_mac=20mini/1:h");
    let anchor = Some(Anchor { event: "$a", sender: "@bot:h" });
    let query = TailQuery { own_user: user, anchor, txn: "t", message_id: "m", max_pages: 1 };
    let _ = client.register(&service, "bot_mac=20mini/1");
    let _ = client.make_device(&ghost, DEVICE, "meshhook");
    let _ = client.set_display_name(&ghost, user, "mac mini/1 · build");
    let _ = client.display_name(&service, user);
    let _ = client.invite(&service.speaking_as("@bot:h", Some(DEVICE)), room, user);
    let _ = client.join(&ghost, room);
    let _ = client.send(&ghost, room, "t", "{}");
    let _ = client.tail_read(&ghost, room, &query);
    let _ = client.membership(&ghost, user, room);
    let _ = client.leave(&ghost.speaking_as(user, None), room);
    let ping = Ping {
        service: "bots/1",
        transaction_id: "t1",
        deadline: Duration::from_secs(5),
        hs_token: "hs_token",
    };
    let _ = client.ping(&service, ping);
    let mut shown = String::new();
    for request in server.requests() {
        assert_eq!(request.header("authorization"), Some("Bearer as_token"));
        let body = String::from_utf8(request.body).unwrap();
        shown += format!("{} {}\n  {body}", request.method, request.target).trim_end();
        shown.push('\n');
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn how_a_sender_stands_to_a_room_is_told_without_a_sync() {
    let scene = Scene::new("stands");
    let (client, host) = (&scene.client, &scene.host);
    let sender = Synapse::shared_service().sender();
    let stands = |room: &str| client.membership_of_service(&scene.service, &sender, room).unwrap();
    assert_eq!(stands(&scene.room), Membership::Joined);
    // When Synapse learns to, this is not needed any more.
    let other = scene.synapse.private_room(&host.token);
    assert_eq!(client.membership(&scene.service, &sender, &other).unwrap_err().status, Some(500));

    assert_eq!(stands(&other), Membership::Nothing);
    scene.synapse.invite(&host.token, &other, &sender);
    assert_eq!(stands(&other), Membership::Nothing);
    client.join(&scene.service, &other).unwrap();
    client.leave(&scene.service, &other).unwrap();
    assert_eq!(stands(&other), Membership::Left);
    scene.synapse.kick(&host.token, &scene.room, &sender);
    assert_eq!(stands(&scene.room), Membership::Kicked { by: host.id.clone(), reason: None });
    scene.synapse.ban(&host.token, &scene.room, &sender);
    assert_eq!(stands(&scene.room), Membership::Nothing);
    for none in ["!nowhere", "#alias:rig.localhost", "no id"] {
        assert_eq!(stands(none), Membership::Nothing, "{none}");
    }
}

#[test]
fn the_scripts_sender_stands_as_the_real_one() {
    let server = Homeserver::start();
    let service = Service::new("bots", Homeserver::SERVER_NAME);
    server.set_service(&service);
    let (client, token, sender) = (client(&server.url()), token(service.as_token()), service.sender());
    let stands = |room: &str| client.membership_of_service(&token, &sender, room).unwrap();
    assert_eq!((stands(Homeserver::ROOM), stands("!nowhere")), (Membership::Joined, Membership::Nothing));
    server.kick(Homeserver::ROOM, &sender);
    let by = "@somebody:scripted.localhost".to_owned();
    assert_eq!(stands(Homeserver::ROOM), Membership::Kicked { by, reason: None });
}
