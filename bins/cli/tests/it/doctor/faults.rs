//! Each fault, provoked: the doctor, or the delivery's life, names its cause.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

use meshhook_testkit::{Endpoint, Fault, Gateway, GatewayBuilder, Homeserver, eventually};
use serde_json::json;

use super::ward::{Ward, builder, now};
use crate::words::{GITHUB, STANDARD};

/// How a fault comes about, the cause by which it has to be named, other faults that are there then, too, and words that
/// have to be in what is said of it.
macro_rules! faults {
    ($($name:ident: $provoke:expr => $level:literal $code:literal $([$($beside:literal)+])?, $($words:literal),+;)+) => {$(
        #[test]
        fn $name() {
            let provoke: fn() -> Ward = $provoke;
            let ward = provoke();
            let diagnosis = ward.diagnose();
            let finding = diagnosis.finding($code);
            assert_eq!(finding["level"], $level, "{finding}");
            let said = format!("{}\n{}", finding["text"].as_str().unwrap(), finding["hint"].as_str().unwrap());
            for words in [$($words),+] {
                assert!(said.contains(words), "{words} is not in\n{said}");
            }
            // The true cause is no guess among others.
            let (causes, known) = (diagnosis.faults(), [$code, $($($beside),+)?]);
            assert!(causes.iter().all(|cause| known.contains(cause)), "{causes:?}");
            assert_eq!(diagnosis.code, i32::from($level == "fault"), "{:#?}\n{}", diagnosis.findings, diagnosis.words);
        }
    )+};
}

faults! {
    // The account.
    wrong_token: || {
        let mut ward = Ward::new();
        ward.gateway.write_token("syt_bm9ib2R5_a_token_of_nobody");
        ward
    } => "fault" "wrong_token", "401 M_UNKNOWN_TOKEN", "meshhook login";
    logged_out: || {
        let ward = Ward::new();
        ward.synapse.logout(&ward.bot.token);
        ward
    } => "fault" "wrong_token", "401 M_UNKNOWN_TOKEN", "meshhook login";
    locked: || {
        let ward = Ward::new();
        let admin = ward.synapse.register_admin("locker");
        let path = format!("/_synapse/admin/v2/users/{}", ward.bot.id);
        ward.synapse.request("PUT", &path, &admin.token, Some(&json!({ "locked": true }))).ok();
        ward
    } => "fault" "account_locked", "M_USER_LOCKED", "administrator";
    another_device: || {
        let mut ward = Ward::running();
        ward.gateway.stop();
        let localpart = ward.bot.id[1..].split(':').next().unwrap();
        let again = ward.synapse.login(localpart, Some("OTHER"));
        ward.gateway.write_token(&again.token);
        ward.bot.token = again.token;
        ward
    } => "warning" "other_identity", "until now messages were sent as", "--device-id";
    old_token: || {
        let ward = Ward::new();
        let token = File::options().write(true).open(ward.file("matrix-token")).unwrap();
        token.set_modified(SystemTime::now() - Duration::from_secs(91 * 24 * 3600)).unwrap();
        ward
    } => "warning" "token_old", "91 days", "meshhook login";
    administrator: || {
        let mut ward = Ward::new();
        let admin = ward.synapse.register_admin(&format!("boss-{}", ward.room.len() + usize::try_from(now()).unwrap()));
        ward.synapse.bring_in(&ward.host.token, &ward.room, &admin);
        ward.gateway.write_token(&admin.token);
        ward
    } => "warning" "server_admin", "administers the homeserver", "a user of its own";
    other_rooms: || {
        let ward = Ward::new();
        let _ = ward.synapse.create_room(&ward.bot.token, json!({}));
        ward
    } => "warning" "other_rooms", "in 1 room besides", "leave";
    several_rooms: || {
        let ward = Ward::new();
        let other = ward.synapse.create_room(&ward.host.token, json!({}));
        ward.synapse.bring_in(&ward.host.token, &other, &ward.bot);
        ward.rewrite("[[source]]", &format!("[[route]]\nstate = \"failed\"\nroom = {other:?}\n[[source]]"));
        ward
    } => "note" "several_rooms", "can write into 2 rooms: !", "a gateway and a bot";

    // The room.
    alias: || {
        let ward = Ward::new();
        let alias = format!("ci-{}", &ward.room[1..8].replace(|c: char| !c.is_ascii_alphanumeric(), "x").to_lowercase());
        let path = format!("/_matrix/client/v3/directory/room/%23{alias}:rig.localhost");
        ward.synapse.request("PUT", &path, &ward.host.token, Some(&json!({ "room_id": ward.room }))).ok();
        ward.rewrite(&ward.room, &format!("#{alias}:rig.localhost"));
        ward
    } => "fault" "alias" ["configuration"], "is an alias", "now it is !", "write room = \"!";
    alias_of_nothing: || {
        let ward = Ward::new();
        ward.rewrite(&ward.room, "#nothing:rig.localhost");
        ward
    } => "fault" "alias" ["configuration"], "stands for no room";
    alias_of_a_source: || Ward::with(|builder| builder.in_source("room = \"#nothing:rig.localhost\""))
        => "fault" "alias" ["configuration"], "#nothing:rig.localhost is an alias";
    wrong_room: || {
        let ward = Ward::new();
        ward.rewrite(&ward.room, "!sxFq0lFRtqgSSbV9cEi_s5kTtZvDXTzOCrjC0AIBOSA");
        ward
    } => "fault" "not_a_member", "was never in", "compare the id";
    invited_only: || {
        let ward = Ward::new();
        ward.synapse.leave(&ward.bot.token, &ward.room);
        ward.synapse.invite(&ward.host.token, &ward.room, &ward.bot.id);
        ward
    } => "fault" "invited", "is invited to", "has not joined", "meshhook login";
    left: || {
        let ward = Ward::new();
        ward.synapse.leave(&ward.bot.token, &ward.room);
        ward
    } => "fault" "left", "has left", "invite";
    kicked: || {
        let ward = Ward::new();
        ward.synapse.kick(&ward.host.token, &ward.room, &ward.bot.id);
        ward
    } => "fault" "kicked", "has removed", "invite";
    banned: || {
        let ward = Ward::new();
        ward.synapse.ban(&ward.host.token, &ward.room, &ward.bot.id);
        ward
    } => "fault" "banned", "has banned", "lifted";
    encrypted: || {
        let ward = Ward::new();
        let algorithm = json!({ "algorithm": "m.megolm.v1.aes-sha2" });
        ward.synapse.set_state(&ward.host.token, &ward.room, "m.room.encryption", &algorithm);
        ward
    } => "fault" "encrypted", "is encrypted: nothing is written", "encrypted_room = \"plain\"";
    upgraded: || {
        let ward = Ward::new();
        let path = format!("/_matrix/client/v3/rooms/{}/upgrade", ward.room);
        ward.synapse.request("POST", &path, &ward.host.token, Some(&json!({ "new_version": "11" }))).ok();
        ward
    } => "fault" "upgraded", "was upgraded", "write room = \"!";
    power_too_low: || {
        let ward = Ward::new();
        ward.synapse.set_power_levels(&ward.host.token, &ward.room, json!({ "events_default": 25 }));
        ward
    } => "fault" "power_too_low", "has power level 0", "sending takes 25", "give it 25";
    power_too_high: || {
        let ward = Ward::new();
        ward.synapse.set_power_levels(&ward.host.token, &ward.room, json!({ "users": { &ward.bot.id: 50 } }));
        ward
    } => "warning" "power_too_high", "power level of 50", "invite, kick, ban, redact, state", "the level 0";
    may_invite: || {
        let ward = Ward::new();
        ward.synapse.set_power_levels(&ward.host.token, &ward.room, json!({ "invite": 0 }));
        ward
    } => "warning" "power_too_high", "invite", "raise what inviting takes to 50";
    no_topic: || {
        let ward = Ward::new();
        ward.synapse.set_state(&ward.host.token, &ward.room, "m.room.topic", &json!({ "topic": "builds" }));
        ward
    } => "warning" "topic", "mesh_node_id", "--fix-topic";
    shadow_banned: || {
        let mut ward = Ward::new();
        let admin = ward.synapse.register_admin(&format!("shadow-{}", ward.room.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "")));
        let path = format!("/_synapse/admin/v1/users/{}/shadow_ban", ward.bot.id);
        ward.synapse.request("POST", &path, &admin.token, Some(&json!({}))).ok();
        ward.args = vec!["--send-test"];
        ward
    } => "fault" "shadow_banned", "has no such event", "shadow-banned", "administrator";

    // The homeserver.
    unreachable: || {
        let ward = Ward::new();
        ward.rewrite(&ward.synapse.url(), "http://127.0.0.1:9");
        ward
    } => "fault" "unreachable", "cannot be reached", "curl -v http://127.0.0.1:9/_matrix/client/versions";
    another_web_server: || {
        let ward = Ward::running();
        ward.rewrite(&ward.synapse.url(), &ward.gateway.url());
        ward
    } => "fault" "no_homeserver", "is no homeserver", "m.homeserver.base_url";

    // The files.
    world_readable_token: || {
        let ward = Ward::new();
        ward.chmod("matrix-token", 0o444);
        ward
    } => "fault" "configuration", "matrix-token", "others may read", "chmod 0440";
    trailing_newline: || {
        let ward = Ward::new();
        fs::write(ward.file("github-secret-1"), format!("{GITHUB}\n\n")).unwrap();
        ward
    } => "fault" "configuration", "github-secret-1", "blanks or control characters", "one word on one line";
    shared_secret: || {
        let ward = Ward::with(|builder| builder.source("other", "standard", "whsec_b3RoZXIgc2VjcmV0IG9mIDI0IGJ5dGVzIQ=="));
        fs::write(ward.file("other-secret-1"), STANDARD).unwrap();
        ward
    } => "fault" "configuration", "has the same secret in another file", "its own secret";
    unknown_key: || {
        let ward = Ward::new();
        ward.rewrite("[matrix]", "[matrix]\nencrypted_rooms = \"hold\"");
        ward
    } => "fault" "configuration", "encrypted_rooms", "encrypted_room";
    dangling_link: || {
        let ward = Ward::new();
        fs::remove_file(ward.file("github-secret-1")).unwrap();
        symlink("nowhere", ward.file("github-secret-1")).unwrap();
        ward
    } => "fault" "configuration", "does not exist";
    bearer_from_anywhere: || Ward::with(|builder| {
        builder.source("xcode", "xcode-cloud", "a-token-of-thirty-two-characters").in_source("scheme = \"path-token\"")
            .in_source("allow_any_address = true")
    }) => "warning" "configuration", "path-token proves nothing", "allow_from";
    two_of_one_provider: || Ward::with(|builder| builder.source("github2", "github", "another-secret-of-github"))
        => "warning" "configuration", "github2", "announced twice";
    in_memory: || Ward::with(GatewayBuilder::in_memory)
        => "warning" "configuration", "a restart forgets", "sqlite:";

    // The store.
    no_store_yet: || {
        let ward = Ward::new();
        fs::remove_dir_all(ward.gateway.store_dir()).unwrap();
        ward
    } => "note" "no_store", "there is none yet", "its first start";
    newer_store: || {
        let mut ward = Ward::running();
        ward.gateway.stop();
        ward.harm("PRAGMA user_version = 99");
        ward
    } => "fault" "store_newer", "99", "the version that wrote it";
    damaged_store: || {
        let mut ward = Ward::running();
        ward.gateway.stop();
        fs::write(ward.gateway.store_dir().join("meshhook.db"), "nothing that was a database ".repeat(99)).unwrap();
        ward
    } => "fault" "store_damaged", "meshhook.db", ".recover";

    // What is sent to it.
    wrong_secret_at_the_sender: || {
        let ward = Ward::running();
        assert_eq!(ward.post("whsec_c29tZSBvdGhlciBzZWNyZXQgb2YgMjQgYnl0ZXM=", 0), 401);
        ward
    } => "fault" "wrong_secret", "1 request to builds", "another secret", "builds-secret-1";
    stale_sender: || {
        let ward = Ward::running();
        assert_eq!(ward.post(STANDARD, -900), 401);
        ward
    } => "fault" "stale_sender", "s behind", "NTP";
    sender_ahead: || {
        let ward = Ward::running();
        assert_eq!(ward.post(STANDARD, 900), 401);
        ward
    } => "fault" "stale_sender", "ahead", "NTP";
    unsigned_sender: || {
        let ward = Ward::running();
        assert_eq!(ward.gateway.post("github", &[], b"{}").status, 401);
        ward
    } => "fault" "unsigned", "has no secret", "set the secret";
    looked_at_in_a_browser: || {
        let ward = Ward::running();
        assert_eq!(meshhook_testkit::http::get(&ward.gateway.hook_url("github"), &[]).unwrap().status, 405);
        ward
    } => "warning" "refused", "1 request to github refused", "by GET";
    wrong_path: || {
        let ward = Ward::running();
        assert_eq!(ward.gateway.post("githib", &[], b"{}").status, 401);
        ward
    } => "warning" "wrong_path", "1 request to the address of no source", "/hooks/matrix/build-status/{github|builds}";
    silent_source: || {
        let mut ward = Ward::running();
        ward.gateway.stop();
        ward.harm("UPDATE key_use SET last_used = last_used - 172800000");
        ward
    } => "warning" "silent", "builds was last heard of at", "meshhook post";
    silent_node: || {
        let mut ward = Ward::running();
        ward.gateway.stop();
        ward.harm("UPDATE node SET last_seen = last_seen - 172800000");
        ward
    } => "warning" "silent_node", "mac-01 was last heard of at", "runner";
    node_never_heard_of: || Ward::running_with(|builder| builder.toml("[[node]]\nname = \"mac-02\"\n"))
        => "warning" "silent_node", "mac-02 was never heard of", "workflow_job";
    not_understood: || {
        let ward = Ward::running();
        let body = json!({ "workflow_run": { "id": 1 } }).to_string();
        let headers = meshhook_testkit::signed::github(GITHUB, "workflow_run", "72d3162e-cc78-11e3-81ab-4c9367dc0958", body.as_bytes());
        assert_eq!(ward.gateway.post("github", &headers, body.as_bytes()).status, 202);
        ward
    } => "warning" "unreadable", "was not understood", "meshhook deliveries show";

    looked_at_too_early: || {
        let ward = Ward::running();
        assert_eq!(ward.post("whsec_c29tZSBvdGhlciBzZWNyZXQgb2YgMjQgYnl0ZXM=", 0), 401);
        std::thread::sleep(Duration::from_millis(1100));
        assert_eq!(ward.post(STANDARD, 0), 202);
        ward
    } => "note" "refused_before", "another secret", "good ones have come since";
    from_another_network: || {
        let ward = Ward::running_with(|builder| {
            builder.source("office", "standard", "whsec_YSBzZWNyZXQgb2YgdGhlIG9mZmljZSBpbiAyNA==")
                .in_source("allow_from = [\"192.0.2.0/24\"]")
        });
        assert_eq!(ward.post_to("office", "whsec_YSBzZWNyZXQgb2YgdGhlIG9mZmljZSBpbiAyNA==", 0), 401);
        ward
    } => "fault" "address_not_allowed", "1 request to office", "allow_from";
    old_news: || {
        let ward = Ward::running();
        let old = |at: &str| json!({ "id": 1, "name": "CI", "run_attempt": 1, "status": "completed", "conclusion": "success",
            "head_branch": "main", "html_url": "https://github.example/r/1", "created_at": at, "updated_at": at });
        let body = json!({ "action": "completed", "workflow_run": old("2020-01-01T00:00:00Z"),
            "repository": { "full_name": "a/b" } }).to_string();
        let headers = meshhook_testkit::signed::github(GITHUB, "workflow_run", "72d3162e-cc78-11e3-81ab-4c9367dc0959", body.as_bytes());
        let answer = ward.gateway.post("github", &headers, body.as_bytes());
        assert_eq!((answer.status, &answer.json()["reason"]), (202, &"stale".into()));
        ward
    } => "warning" "stale", "older than the retention", "meshhook deliveries retry";
    old_secret_still_valid: || {
        let mut ward = Ward::with(|builder| builder.also_secret("whsec_dGhlIG5leHQgc2VjcmV0IG9mIDI0IGJ5dGVzIQ=="));
        ward.run();
        ward
    } => "note" "key_unused", "the secret builds-secret-2 of builds is valid, and was used never", "meshhook-gateway reload";
    not_reloaded_yet: || {
        let ward = Ward::running();
        fs::write(ward.file("new-secret"), "whsec_dGhlIG5leHQgc2VjcmV0IG9mIDI0IGJ5dGVzIQ==").unwrap();
        ward.chmod("new-secret", 0o400);
        ward.rewrite("[[node]]", "[[source]]\nname = \"new\"\nprovider = \"standard\"\nsecret_files = [\"new-secret\"]\n\n[[node]]");
        assert_eq!(ward.gateway.post("new", &[], b"{}").status, 401);
        ward
    } => "fault" "not_in_force", "does not know new yet", "meshhook-gateway reload";
    changed_and_not_reloaded: || {
        let ward = Ward::running();
        let file = File::options().write(true).open(ward.file("builds-secret-1")).unwrap();
        file.set_modified(SystemTime::now() + Duration::from_secs(60)).unwrap();
        ward
    } => "warning" "not_reloaded", "builds-secret-1 was changed", "meshhook-gateway reload";

    // What waits.
    nothing_is_sent: || {
        let ward = Ward::running();
        ward.synapse.logout(&ward.bot.token);
        assert_eq!(ward.post(STANDARD, 0), 202);
        eventually(Duration::from_secs(20), || ward.gateway.admin_get("/readyz").json()["sending"]["stopped"].as_str().map(drop));
        ward
    } => "fault" "not_sending" ["wrong_token"], "sends nothing", "see account";
    encrypted_knowingly: || {
        let ward = Ward::with(|builder| builder.line("matrix", "encrypted_room = \"plain\""));
        let algorithm = json!({ "algorithm": "m.megolm.v1.aes-sha2" });
        ward.synapse.set_state(&ward.host.token, &ward.room, "m.room.encryption", &algorithm);
        ward
    } => "warning" "encrypted_plain", "written into it unencrypted", "without encryption";
    held_room: || {
        let ward = Ward::running();
        ward.synapse.kick(&ward.host.token, &ward.room, &ward.bot.id);
        assert_eq!(ward.post(STANDARD, 0), 202);
        eventually(Duration::from_secs(20), || ward.gateway.admin_get("/readyz").json()["rooms"][0]["hold"].as_str().map(drop));
        ward
    } => "fault" "room_held" ["kicked"], "is held, and 1 delivery waits for it", "nothing is lost";
}

/// Root may read everything; the gateway's user, whom the store belongs to, may not. Without root it is whoever asks who may
/// not, though the store is theirs.
#[test]
fn unreadable_secret() {
    let mut ward = Ward::running();
    ward.gateway.stop();
    let as_root = rustix::process::geteuid().is_root();
    if as_root {
        ward.hand_over(4711, "github-secret-1");
    } else {
        ward.chmod("github-secret-1", 0);
    }
    let diagnosis = ward.diagnose();
    assert_eq!((diagnosis.code, diagnosis.faults()), (1, vec!["unreadable"]), "{:#?}", diagnosis.findings);
    let said = diagnosis.finding("unreadable").to_string();
    let words = if as_root {
        ["github-secret-1: user 4711", "chmod 0440"]
    } else {
        ["secret_files", "gateway's user"]
    };
    assert!(words.iter().all(|words| said.contains(words)), "{said}");
}

/// A scripted homeserver, for what a real one cannot be made to do.
fn scripted(hurt: impl FnOnce(&Homeserver)) -> (Homeserver, Gateway) {
    let homeserver = Homeserver::start();
    homeserver.set_state(Homeserver::ROOM, "m.room.topic", json!({ "topic": "mesh_node_id" }));
    hurt(&homeserver);
    let gateway = builder(&homeserver.url(), Homeserver::ROOM, &homeserver.user().token).write();
    (homeserver, gateway)
}

#[track_caller]
fn names(gateway: &Gateway, args: &[&str], code: &str, words: &[&str]) {
    let mut command = crate::words::meshhook();
    command.env("MESHHOOK_ADMIN_URL", "http://127.0.0.1:9").args(["doctor", "--json", "--config-root"]);
    let output = command.arg(gateway.config_root()).args(args).output().unwrap();
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = told["findings"].as_array().unwrap().iter().find(|one| one["code"] == code);
    let found = found.unwrap_or_else(|| panic!("{code} is not in {told:#}")).to_string();
    assert!(words.iter().all(|words| found.contains(words)), "{found}");
}

#[test]
fn skewed_clock() {
    let (_homeserver, gateway) = scripted(|homeserver| homeserver.set_clock(now() - 3600));
    names(&gateway, &[], "clock_skewed", &["\"fault\"", "ahead of the homeserver's", "NTP"]);
}

#[test]
fn clocks_apart() {
    let (_homeserver, gateway) = scripted(|homeserver| homeserver.set_clock(now() + 100));
    names(&gateway, &[], "clock_apart", &["\"warning\"", "behind the homeserver's", "NTP"]);
}

#[test]
fn log_in_page_of_a_network() {
    let (_homeserver, gateway) = scripted(|homeserver| homeserver.fail(Endpoint::Versions, Fault::html(200)));
    names(&gateway, &[], "no_homeserver", &["\"fault\"", "another web server or a network's log-in page"]);
}

/// A gateway before it has taken a build that the homeserver answers so.
fn answered(fault: Fault) -> (Homeserver, Gateway) {
    let (homeserver, mut gateway) = scripted(|homeserver| homeserver.fail(Endpoint::Send, fault));
    gateway.restart().unwrap();
    let body = json!({ "workflow": "nightly", "state": "failed", "run_id": "1" }).to_string();
    let headers = meshhook_testkit::signed::standard(STANDARD, "msg_1", now(), body.as_bytes());
    assert_eq!(gateway.post("builds", &headers, body.as_bytes()).status, 202);
    (homeserver, gateway)
}

#[test]
fn parked() {
    let (_homeserver, gateway) = answered(Fault::error(400, "M_BAD_JSON", "Bad JSON value"));
    eventually(Duration::from_secs(20), || {
        (gateway.admin_get("/readyz").json()["parked"] == 1).then_some(())
    });
    let admin = gateway.admin_url();
    let words = ["\"fault\"", "1 delivery that the homeserver refused", "deliveries retry ID --config-root"];
    names(&gateway, &["--admin-url", &admin], "parked", &words);
}

#[test]
fn waiting() {
    let (homeserver, gateway) = answered(Fault::html(502));
    let admin = gateway.admin_url();
    names(&gateway, &["--admin-url", &admin], "room_waiting", &["\"note\"", "1 delivery waits for !"]);
    homeserver.mend(Endpoint::Send);
}

#[test]
fn limited() {
    let (_homeserver, gateway) = scripted(|homeserver| {
        homeserver.fail(Endpoint::Send, Fault::error(429, "M_LIMIT_EXCEEDED", "Too Many Requests"));
    });
    names(&gateway, &["--send-test"], "limited", &["\"warning\"", "rate limit"]);
    names(&gateway, &[], "rate_limit", &["override_ratelimit", "10 messages"]);
}

/// On Linux the limit of a process that runs can be changed.
#[cfg(target_os = "linux")]
mod on_linux {
    use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

    use super::*;

    faults! {
        full_store: || {
            let ward = Ward::running();
            let pid = Pid::from_raw(ward.gateway.pid().try_into().unwrap());
            let none = Rlimit { current: Some(4096), maximum: getrlimit(Resource::Fsize).maximum };
            prlimit(pid, Resource::Fsize, none).unwrap();
            assert_eq!(ward.post(STANDARD, 0), 503);
            ward
        } => "fault" "not_accepting", "the store is full", "make room";
    }
}
