//! An application service at both homeservers, and as a gateway has it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use meshhook_testkit::http::{self, Answer};
use meshhook_testkit::{Endpoint, Fault, Gateway, Homeserver, Limits, Service, Synapse};
use serde_json::{Value, json};

/// A scripted homeserver, or a real one, that knows a service.
struct Side {
    url: String,
    service: Service,
}

impl Side {
    fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {}", self.service.as_token());
        let url = format!("{}/_matrix/client/v3/{path}", self.url);
        match method {
            "GET" => http::get(&url, &[("authorization", &bearer)]).unwrap(),
            _ => {
                http::send(method, &url, &[("authorization", &bearer)], body.to_string().as_bytes()).unwrap()
            }
        }
    }

    /// The status, and the error code if it has one.
    fn outcome(&self, method: &str, path: &str, body: &Value) -> (u16, String) {
        let answer = self.ask(method, path, body);
        (answer.status, answer.json()["errcode"].as_str().unwrap_or_default().to_owned())
    }

    fn query(&self, name: &str) -> String {
        format!("user_id={}&device_id=D", self.service.user(name))
    }

    fn send(&self, room: &str, txn: &str, query: &str) -> Answer {
        let path = format!("rooms/{room}/send/m.room.message/{txn}?{query}");
        self.ask("PUT", &path, &json!({ "msgtype": "m.notice", "body": query }))
    }

    /// A user with a device, in the room.
    fn make(&self, room: &str, name: &str) {
        let user = self.service.user(name);
        let localpart = user[1..].split(':').next().unwrap();
        let register = json!({
            "type": "m.login.application_service", "username": localpart, "inhibit_login": true,
        });
        self.ask("POST", "register", &register).ok();
        let device = self.outcome("PUT", &format!("devices/D?user_id={user}"), &json!({}));
        assert_eq!(device, (201, String::new()));
        self.ask("POST", &format!("rooms/{room}/invite"), &json!({ "user_id": user })).ok();
        self.ask("POST", &format!("rooms/{room}/join?user_id={user}"), &json!({})).ok();
    }

    /// What both homeservers have to answer alike.
    fn answers(&self, room: &str) -> Vec<(u16, String)> {
        let (user, stranger) = (self.service.user("a"), format!("@stranger:{}", self.server_name()));
        let register = |localpart: &str| json!({ "type": "m.login.application_service", "username": localpart, "inhibit_login": true });
        let nothing = json!({});
        let message = json!({ "msgtype": "m.notice", "body": "x" });
        let send = |txn: &str, query: &str| format!("rooms/{room}/send/m.room.message/{txn}?{query}");
        let profile = format!("profile/{user}/displayname");
        vec![
            self.outcome("GET", "account/whoami", &nothing),
            self.outcome("GET", "account/whoami?device_id=D", &nothing),
            self.outcome("GET", &format!("account/whoami?user_id={stranger}"), &nothing),
            self.outcome("GET", &format!("account/whoami?user_id={user}"), &nothing),
            self.outcome("GET", &profile, &nothing),
            self.outcome("POST", "register", &register("stranger")),
            self.outcome("POST", "register", &register("scripted_a")),
            self.outcome("POST", "register", &register("scripted_a")),
            self.outcome("PUT", &send("t0", &format!("user_id={user}&device_id=D")), &message),
            self.outcome("PUT", &format!("devices/D?user_id={user}"), &nothing),
            self.outcome("PUT", &format!("devices/D?user_id={user}"), &nothing),
            self.outcome("PUT", &format!("{profile}?user_id={user}"), &json!({ "displayname": "A" })),
            self.outcome("GET", &profile, &nothing),
            self.outcome("PUT", &send("t0", &format!("user_id={user}&device_id=D")), &message),
            self.outcome("POST", &format!("rooms/{room}/join?user_id={user}"), &nothing),
            self.outcome("POST", &format!("rooms/{room}/invite"), &json!({ "user_id": user })),
            self.outcome("POST", &format!("rooms/{room}/join?user_id={user}"), &nothing),
            self.outcome("POST", &format!("rooms/{room}/join?user_id={user}"), &nothing),
            self.outcome("POST", &format!("rooms/{room}/invite"), &json!({ "user_id": user })),
            self.outcome("GET", &format!("rooms/{room}/state/m.room.member/{user}"), &nothing),
            self.outcome("PUT", &send("t0", &format!("user_id={user}&device_id=D")), &message),
            self.outcome("POST", &format!("rooms/{room}/leave?user_id={user}"), &nothing),
            self.outcome("POST", &format!("rooms/{room}/leave?user_id={user}"), &nothing),
            self.outcome("PUT", &send("t0", &format!("user_id={user}&device_id=D")), &message),
            self.outcome("PUT", &send("t1", &format!("user_id={user}&device_id=D")), &message),
            self.outcome("GET", &format!("rooms/{room}/messages?dir=b&user_id={user}"), &nothing),
            self.outcome("GET", &format!("rooms/{room}/state/m.room.member/{user}?user_id={user}"), &nothing),
            self.outcome("POST", &format!("rooms/!nowhere/leave?user_id={user}"), &nothing),
        ]
    }

    fn server_name(&self) -> String {
        self.service.sender().split_once(':').unwrap().1.to_owned()
    }
}

/// A scripted homeserver with a service.
fn scripted() -> (Homeserver, Side) {
    let server = Homeserver::start();
    let service = Service::new("scripted", Homeserver::SERVER_NAME);
    server.set_service(&service);
    let side = Side { url: server.url(), service };
    (server, side)
}

/// A real homeserver with the same service, and a room with its sender in it.
fn real() -> (Synapse, Side, String) {
    let service = Service::new("scripted", Synapse::SERVER_NAME).with("url", Value::Null);
    let synapse = Synapse::start_with_service(Limits::Relaxed, &service);
    let host = synapse.register("host");
    let room = synapse.private_room(&host.token);
    synapse.invite(&host.token, &room, &service.sender());
    synapse.join(service.as_token(), &room);
    let side = Side { url: synapse.url(), service };
    (synapse, side, room)
}

#[test]
fn the_script_answers_as_the_real_one_does() {
    let (_server, scripted) = scripted();
    let (_synapse, real, room) = real();
    let (script, truth) = (scripted.answers(Homeserver::ROOM), real.answers(&room));
    for (at, pair) in script.iter().zip(&truth).enumerate() {
        assert_eq!(pair.0, pair.1, "answer {at}");
    }
    assert_eq!(script.len(), truth.len());
}

/// One transaction id of two users, and the second's after a restart.
fn collide(side: &Side, room: &str, restart: impl FnOnce()) -> [Value; 3] {
    for name in ["a", "b"] {
        side.make(room, name);
    }
    let send = |txn: &str, name: &str| side.send(room, txn, &side.query(name)).ok()["event_id"].clone();
    let (a, b) = (send("t1", "a"), send("t1", "b"));
    restart();
    [a, b, send("t1", "b")]
}

#[test]
fn one_transaction_id_of_two_users_loses_a_message() {
    let (server, scripted) = scripted();
    let [a, b, after] = collide(&scripted, Homeserver::ROOM, || server.forget_memory());
    assert!(a == b && after != b);
    let senders: Vec<_> =
        server.events(Homeserver::ROOM).iter().map(|event| event.sender().to_owned()).collect();
    assert_eq!(senders, ["a", "b"].map(|name| scripted.service.user(name)));

    let (mut synapse, real, room) = real();
    let [a, b, after] = collide(&real, &room, || synapse.restart());
    assert!(a == b && after != b);
}

#[test]
fn without_a_device_a_transaction_id_ends_with_the_process() {
    let (server, side) = scripted();
    let send = |query: &str| side.send(Homeserver::ROOM, "t1", query).ok();
    let first = send("");
    assert_eq!(send(""), first);
    server.forget_memory();
    assert_ne!(send(""), first);
    side.make(Homeserver::ROOM, "a");
    let first = side.send(Homeserver::ROOM, "t2", &side.query("a")).ok();
    server.forget_memory();
    assert_eq!(side.send(Homeserver::ROOM, "t2", &side.query("a")).ok(), first);
    server.forget_transactions();
    assert_ne!(side.send(Homeserver::ROOM, "t2", &side.query("a")).ok(), first);
}

#[test]
fn one_user_can_be_in_trouble_while_others_are_not() {
    let (server, side) = scripted();
    let (a, b) = (side.service.user("a"), side.service.user("b"));
    side.make(Homeserver::ROOM, "a");
    side.make(Homeserver::ROOM, "b");
    let mut sent = 0;
    let mut send = |name: &str| {
        sent += 1;
        side.send(Homeserver::ROOM, &format!("t{sent}"), &side.query(name)).status
    };
    server.fail_for(&a, Endpoint::Send, Fault::rate_limited(Duration::from_secs(1)));
    assert_eq!((send("a"), send("b")), (429, 200));
    server.fail_for(&a, Endpoint::Send, Fault::error(401, "M_USER_LOCKED", "locked"));
    assert_eq!((send("a"), send("b")), (401, 200));
    server.mend_for(&a, Endpoint::Send);
    assert_eq!(send("a"), 200);
    server.kick(Homeserver::ROOM, &b);
    assert_eq!((send("a"), send("b"), server.membership(Homeserver::ROOM, &b)), (200, 403, Some("leave")));
    server.remove_devices(&a);
    assert_eq!(send("a"), 400);
    server.open_room(Homeserver::ROOM);
    side.ask("POST", &format!("rooms/{}/join?{}", Homeserver::ROOM, side.query("b")), &json!({})).ok();
    assert_eq!(send("b"), 200);
}

#[test]
fn a_registration_is_read_at_the_start_and_refused_when_it_is_none() {
    let service = Service::new("changed", Synapse::SERVER_NAME).with("url", Value::Null);
    let mut synapse = Synapse::start_with_service(Limits::Relaxed, &service);
    let whoami = |synapse: &Synapse, service: &Service| {
        synapse.request("GET", "/_matrix/client/v3/account/whoami", service.as_token(), None).status
    };
    let other = service.clone().with("as_token", "another_as_token");
    synapse.write_service(&other);
    assert_eq!((whoami(&synapse, &service), whoami(&synapse, &other)), (200, 401));
    synapse.restart();
    assert_eq!((whoami(&synapse, &service), whoami(&synapse, &other)), (401, 200));
    synapse.write_service(&other.without("url"));
    assert!(synapse.restart_refused().contains("url"));
    synapse.write_service(&service);
    synapse.restart();
    assert_eq!(whoami(&synapse, &service), 200);
}

#[test]
fn rooms_are_upgraded_encrypted_and_tell_their_members() {
    let synapse = Synapse::shared();
    let (host, guest) = (synapse.register("members-host"), synapse.register("members-guest"));
    let room = synapse.public_room(&host.token);
    synapse.join(&guest.token, &room);
    let member = synapse.member(&host.token, &room, &guest.id).unwrap();
    assert_eq!((member.name.as_deref(), &*member.membership), (Some("members-guest"), "join"));
    synapse.kick(&host.token, &room, &guest.id);
    assert_eq!(synapse.member(&host.token, &room, &guest.id).unwrap().membership, "leave");
    assert_eq!(synapse.members(&host.token, &room).len(), 2);
    synapse.encrypt(&host.token, &room);
    assert_eq!(synapse.state(&host.token, &room, "m.room.encryption")["algorithm"], "m.megolm.v1.aes-sha2");
    let new = synapse.upgrade(&host.token, &room);
    assert_eq!(synapse.state(&host.token, &room, "m.room.tombstone")["replacement_room"], new.as_str());
}

#[test]
fn a_gateway_has_its_registration_to_itself() {
    let service = Service::new("buildbot", "h.example");
    let gateway =
        Gateway::builder_of_service("http://127.0.0.1:1", "!r", &service).binary("/bin/true").write();
    let read = |file: &str| fs::read_to_string(gateway.config_root().join(file)).unwrap();
    let (toml, port) = (read("gateway.toml"), service.port());
    for line in [
        "mode = \"appservice\"".to_owned(),
        format!("listen = \"127.0.0.1:{port}\""),
        "registration_file = \"registration.yaml\"".to_owned(),
    ] {
        assert!(toml.lines().any(|other| other == line), "{line} is not in\n{toml}");
    }
    assert!(!toml.contains("access_token_file") && !gateway.config_root().join("matrix-token").exists());
    let registration: Value = serde_json::from_str(&read("registration.yaml")).unwrap();
    assert_eq!(registration["url"], format!("http://127.0.0.1:{port}"));
    let mode = fs::metadata(gateway.config_root().join("registration.yaml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
