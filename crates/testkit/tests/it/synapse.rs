//! A real Synapse goes up, keeps what it is given, and goes down.

use std::net::TcpStream;

use meshhook_testkit::{Limits, Synapse, http};
use serde_json::{Value, json};

fn notice(body: &str) -> Value {
    json!({ "msgtype": "m.notice", "body": body })
}

fn bodies(synapse: &Synapse, token: &str, room: &str) -> Vec<String> {
    let events = synapse.messages(token, room);
    events.iter().filter_map(|event| event.body().map(str::to_owned)).collect()
}

#[test]
fn what_is_sent_is_read_and_outlives_restart_and_kill() {
    let mut synapse = Synapse::start();
    let bot = synapse.register("bot");
    let room = synapse.create_room(&bot.token, json!({}));
    let id = synapse.send(&bot.token, &room, "t1", &notice("one"));
    assert_eq!(synapse.send(&bot.token, &room, "t1", &notice("one")), id);

    synapse.restart();
    synapse.send(&bot.token, &room, "t2", &notice("two"));
    synapse.kill9();
    synapse.restart();
    assert_eq!(synapse.send(&bot.token, &room, "t1", &notice("one")), id);
    assert_eq!(bodies(&synapse, &bot.token, &room), ["one", "two"]);
}

#[test]
fn a_forgotten_transaction_id_is_another_event() {
    let mut synapse = Synapse::start();
    let bot = synapse.register("bot");
    let room = synapse.create_room(&bot.token, json!({}));
    let id = synapse.send(&bot.token, &room, "t1", &notice("one"));
    synapse.stop();
    assert_eq!(synapse.forget_transactions(), 1);
    synapse.restart();
    assert_ne!(synapse.send(&bot.token, &room, "t1", &notice("one")), id);
    assert_eq!(bodies(&synapse, &bot.token, &room), ["one", "one"]);
}

#[test]
fn nothing_is_left_after_drop() {
    let synapse = Synapse::start();
    let address = synapse.url().replace("http://", "");
    let folder = synapse.log_path().parent().unwrap().to_owned();
    assert!(TcpStream::connect(&address).is_ok());
    assert!(synapse.log_path().exists() && synapse.database_path().exists());
    drop(synapse);
    assert!(TcpStream::connect(&address).is_err());
    assert!(!folder.exists());
}

#[test]
fn members_come_go_and_lose_their_power() {
    let synapse = Synapse::shared();
    let (host, bot) = (synapse.register("host"), synapse.register("guest"));
    let room = synapse.create_room(&host.token, json!({ "preset": "private_chat" }));
    synapse.bring_in(&host.token, &room, &bot);
    synapse.send(&bot.token, &room, "t1", &notice("in"));

    synapse.set_power_levels(&host.token, &room, json!({ "events_default": 50 }));
    let path = format!("/_matrix/client/v3/rooms/{room}/send/m.room.message/t2");
    let refused = synapse.request("PUT", &path, &bot.token, Some(&notice("no power")));
    assert_eq!((refused.status, refused.json()["errcode"].as_str()), (403, Some("M_FORBIDDEN")));

    synapse.set_power_levels(&host.token, &room, json!({ "events_default": 0 }));
    synapse.kick(&host.token, &room, &bot.id);
    let refused = synapse.request("PUT", &path, &bot.token, Some(&notice("kicked")));
    assert_eq!(refused.status, 403);
    assert_eq!(bodies(&synapse, &host.token, &room), ["in"]);
}

#[test]
fn a_login_names_its_device_and_logout_ends_it() {
    let synapse = Synapse::shared();
    let registered = synapse.register("roamer");
    let again = synapse.login("roamer", Some(&registered.device));
    assert_eq!((&again.id, &again.device), (&registered.id, &registered.device));
    assert_ne!(synapse.login("roamer", None).device, registered.device);

    synapse.logout(&again.token);
    let whoami = synapse.request("GET", "/_matrix/client/v3/account/whoami", &again.token, None);
    assert_eq!(whoami.json()["errcode"], "M_UNKNOWN_TOKEN");
}

#[test]
fn only_an_administrator_may_administer() {
    let synapse = Synapse::shared();
    let (admin, user) = (synapse.register_admin("admin"), synapse.register("user"));
    let path = format!("/_synapse/admin/v2/users/{}", user.id);
    assert_eq!(synapse.request("GET", &path, &admin.token, None).ok()["name"], user.id.as_str());
    assert_eq!(synapse.request("GET", &path, &user.token, None).status, 403);
}

#[test]
fn default_limits_throttle_a_burst() {
    let synapse = Synapse::start_with(Limits::Default);
    let bot = synapse.register("bot");
    let room = synapse.create_room(&bot.token, json!({}));
    let limited = (0..15).find_map(|n| {
        let path = format!("/_matrix/client/v3/rooms/{room}/send/m.room.message/t{n}");
        let answer = synapse.request("PUT", &path, &bot.token, Some(&notice("burst")));
        (answer.status == 429).then_some(answer)
    });
    let limited = limited.expect("Synapse's defaults let ten messages through");
    assert_eq!(limited.json()["errcode"], "M_LIMIT_EXCEEDED");
    assert!(limited.header("retry-after").is_some());
}

#[test]
fn registration_is_closed_to_strangers() {
    let synapse = Synapse::shared();
    let url = format!("{}/_matrix/client/v3/register", synapse.url());
    let body = json!({ "username": "stranger", "password": "x", "auth": { "type": "m.login.dummy" } });
    let answer = http::send("POST", &url, &[], body.to_string().as_bytes()).unwrap();
    assert_eq!(answer.status, 403);
}
