//! An application service's token, as its registration has it.

use meshhook_testkit::{Gateway, Homeserver, eventually};
use serde_json::json;

use crate::rig::{SOON, accepted, build, post_build, scripted};

const FILE: &str = "registration.yaml";

fn registration(as_token: &str) -> String {
    let users = json!([{ "exclusive": true, "regex": "^@bot(_[a-z0-9._=/-]+)?:.*$" }]);
    json!({
        "id": "meshhook",
        "url": "http://127.0.0.1:8789",
        "as_token": as_token,
        "hs_token": "hs-f0e1d2c3b4a5968778695a4b3c2d1e0f",
        "sender_localpart": "bot",
        "rate_limited": false,
        "namespaces": { "users": users, "aliases": [], "rooms": [] },
    })
    .to_string()
}

fn service(homeserver: &Homeserver) -> Gateway {
    let table = format!("[appservice]\nlisten = \"127.0.0.1:0\"\nregistration_file = {FILE:?}");
    let mut gateway = scripted(homeserver).toml(&table).write();
    gateway.edit("access_token_file = \"matrix-token\"", "mode = \"appservice\"");
    gateway.write_secret(FILE, &registration(&homeserver.user().token));
    gateway.restart().unwrap();
    gateway
}

#[test]
fn the_token_of_a_registration_is_read_again_while_the_gateway_runs() {
    let homeserver = Homeserver::start();
    let mut gateway = service(&homeserver);
    let said = |count: usize| {
        let said = || homeserver.events(Homeserver::ROOM).into_iter();
        eventually(SOON, || {
            (said().filter(|event| event.kind() == "m.room.message").count() == count).then_some(())
        });
    };
    accepted(&post_build(&gateway, &build("1", "failed")));
    said(1);
    let next = "as-another-one-0f1e2d3c4b5a69788796a5b4c3d2e1f0";
    homeserver.change_token(next);
    accepted(&post_build(&gateway, &build("2", "failed")));
    gateway.write_secret(FILE, &registration(next));
    said(2);
    assert!(!gateway.log().contains(next));
}
