//! `--keep`: everything stays for a look around.

use std::io::{BufRead, stdin};
use std::thread;

use meshhook_testkit::{Gateway, Synapse};

use crate::room::Room;

/// Says where to look, and returns when someone presses Enter. Without anyone at the other end it stays until it is
/// killed.
pub(crate) fn until_told(room: &Room<'_>, gateway: &Gateway) {
    println!("\nStill running:\n");
    for (what, value) in [
        ("homeserver", room.synapse.url()),
        ("user", room.observer.id.clone()),
        ("password", Synapse::PASSWORD.to_owned()),
        ("gateway", gateway.url()),
        ("admin", gateway.admin_url()),
        ("admin token", gateway.admin_token()),
        ("gateway.toml", gateway.config_root().join("gateway.toml").display().to_string()),
        ("log", gateway.log_path().display().to_string()),
        ("room", Room::NAME.to_owned()),
    ] {
        println!("  {what:<13}{value}");
    }
    println!("\nEnter ends it; so does `kill {} {}`.", std::process::id(), gateway.pid());
    if stdin().lock().lines().next().is_none() {
        loop {
            thread::park();
        }
    }
}
