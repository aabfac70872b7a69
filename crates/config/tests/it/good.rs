//! Configurations that are fine.

use std::time::Duration;

use crate::place::{AS_TOKEN, CA, GITHUB, GITLAB, HS_TOKEN, Place, SERVICE, SMALLEST, STANDARD, TOKEN};
use meshhook_config::{
    Config, Credential, EncryptedRoom, Level, LogFormat, Sketch, StoreUrl, Voice, admin_door, read_account,
};
use meshhook_model::State;
use secrecy::ExposeSecret;

const EVERYTHING: &str = r#"
log = { format = "json", level = "debug" }

[server]
listen = "[::1]:9000"
path = "/ci"
admin_listen = "127.0.0.1:9001"
admin_token_file = "admin-token"
admin_hosts = ["Gateway.Internal", "fd00::7"]
trusted_proxies = ["10.0.0.0/8"]
max_body_bytes = 1_048_576

[store]
url = "sqlite:/srv/meshhook/data.db"
retention = "400d"

[matrix]
homeserver = "https://matrix.example.org/"
ca_file = "ca.pem"
tls_fingerprints = [
    "cert-sha256:E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:B8:55",
    "spki-sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
]
proxy = "http://proxy.example.org:3128/"
room = "!abcdef:example.org"
mode = "bot"
access_token_file = "matrix-token"
encrypted_room = "plain"

[message]
format = "plain"
timeline = "lines"
notify_on = ["failed", "succeeded"]
quiet_outcomes = ["cancelled"]
emoji = { failed = "💥", warned = "⚠️" }

[[source]]
name = "github"
provider = "github"
scheme = "github"
secret_files = ["github-secret", "github-secret-next"]
allow_from = ["192.30.252.0/22", "2606:50c0::/32"]
units = ["run", "job"]
dedupe_scope = "builds"

[[source]]
name = "mac-01"
provider = "standard"
scheme = "standard-webhooks"
secret_files = ["standard-secret"]
node = "mac-01 \"Büro\""
room = "!other"

[[source]]
name = "gitlab"
provider = "gitlab"
scheme = "standard-webhooks"
secret_files = ["gitlab-signing-token"]
only = { states = ["failed"], branches = ["main", "release/*"], workflows = ["iOS*"], repos = ["acme/*"], forks = "hide", changes = true }

[source.states]
"passed with warnings" = "failed"
skipped = "ignored"

[[source]]
name = "bamboo"
provider = "generic"
scheme = "hmac"
secret_files = ["bamboo-secret"]
units = ["run", "stage", "deployment"]

[source.hmac]
header = "X-Own-Signature"
prefix = "v1="
encoding = "base64"
hash = "sha512"
timestamp_header = "X-Own-Time"
separator = ":"

[source.fields]
workflow = "/plan/name"
state = ["/result", "/state"]
run_id = "/build/number"
repo = { constant = "acme/rocket" }

[source.states]
"Grün" = "succeeded"

[[source]]
name = "xcode"
provider = "xcode-cloud"
scheme = "path-token"
secret_files = ["xcode-token"]
allow_from = ["17.0.0.0/8"]

[[route]]
source = "xcode"
branch = ["release/*", "octocat:*"]
room = "!releases:example.org"

[[route]]
source = ["github", "gitlab"]
repo = "acme/**"
workflow = ["iOS*", "Release"]
state = "failed"
node = ["mac-0[1-4]", "seven"]
room = "!alarm"

[[node]]
name = "mac-07"
runners = ["mac-07-runner-*", "seven"]

[[node]]
name = "mac-08"
"#;

fn whole() -> Place {
    let place = Place::new();
    place.write("admin-token", "0123456789abcdef0123456789abcdef", 0o400);
    place.write("github-secret-next", "github-next-0123456789abcdef", 0o400);
    place.write("gitlab-signing-token", GITLAB, 0o400);
    place.write("bamboo-secret", "bamboo-0123456789abcdef", 0o400);
    place.write("xcode-token", "xcode-0123456789abcdef0123456789abcdef", 0o400);
    place
}

#[test]
fn the_smallest_has_every_default() {
    let place = Place::new();
    let loaded = place.load(SMALLEST);
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    insta::assert_snapshot!(loaded.config.to_string().replace(&place.path().display().to_string(), "ROOT"));
}

#[test]
fn every_key_is_read() {
    let place = whole();
    let loaded = place.load(EVERYTHING);
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let config = loaded.config;
    assert_eq!(config.store.url, StoreUrl::Sqlite("/srv/meshhook/data.db".into()));
    assert_eq!(config.store.retention, Duration::from_secs(400 * 86_400));
    assert_eq!(config.matrix.homeserver, "https://matrix.example.org");
    let options = config.matrix.options();
    assert_eq!((options.homeserver, options.ca_pem), (config.matrix.homeserver, Some(CA.into())));
    assert_eq!(options.fingerprints.len(), 2);
    assert_eq!(options.proxy.unwrap().as_str(), "http://proxy.example.org:3128");
    let Voice::Bot(bot) = &config.matrix.voice else { panic!("{:?}", config.matrix.voice) };
    assert_eq!(bot.access_token.expose_secret(), TOKEN);
    assert_eq!(config.matrix.encrypted_room, EncryptedRoom::Plain);
    assert_eq!((config.log.format, config.log.level), (LogFormat::Json, Level::Debug));
    assert_eq!(config.sources[1].room, "!other");
    assert!(config.sources[0].allow_from.contains("192.30.253.1".parse().unwrap()));
    let [releases, alarm] = &config.routes[..] else { panic!("{:?}", config.routes) };
    assert_eq!((&*releases.room, &*releases.sources), ("!releases:example.org", &["xcode".to_owned()][..]));
    assert!(releases.branches.any_matches_branch("octocat:main") && releases.states.is_empty());
    assert_eq!((&*alarm.room, &*alarm.states), ("!alarm", &[State::Failed][..]));
    assert!(alarm.nodes.any_matches("mac-03") && alarm.repos.any_matches("acme/a/b"));
    let rooms = Sketch::load(place.path()).unwrap().rooms;
    assert_eq!(rooms, ["!abcdef:example.org", "!other", "!releases:example.org", "!alarm"]);
}

#[test]
fn what_is_printed_can_be_read_again() {
    let place = whole();
    for toml in [SMALLEST, EVERYTHING, SERVICE] {
        let printed = place.load(toml).config.to_string();
        assert_eq!(place.load(&printed).config.to_string(), printed);
    }
    insta::assert_snapshot!(
        place.load(EVERYTHING).config.to_string().replace(&place.path().display().to_string(), "ROOT")
    );
}

#[test]
fn an_application_service_has_a_registration() {
    let place = Place::new();
    let loaded = place.load(SERVICE);
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let config = loaded.config;
    let shown = format!("{config} {config:?} {config:#?}");
    assert!(!shown.contains(AS_TOKEN) && !shown.contains(HS_TOKEN));
    let credential = config.matrix.voice.credential();
    assert_eq!(credential, Credential::Registration(place.at("registration.yaml")));
    assert_eq!(credential.token().unwrap().expose_secret(), AS_TOKEN);
    assert_eq!(Sketch::load(place.path()).unwrap().credential, Some(credential));
    let Voice::Service(service) = &config.matrix.voice else { panic!("{:?}", config.matrix.voice) };
    assert_eq!(service.registration.hs_token.expose_secret(), HS_TOKEN);
    assert_eq!(
        (&*service.registration.id, &*service.registration.sender_localpart),
        ("meshhook", "buildbot")
    );
    insta::assert_snapshot!(
        config
            .to_string()
            .split("[message]")
            .next()
            .unwrap()
            .replace(&place.path().display().to_string(), "ROOT")
    );
}

#[test]
fn an_application_service_needs_no_login() {
    let place = Place::new();
    place.write("gateway.toml", SERVICE, 0o644);
    insta::assert_snapshot!(
        read_account(place.path())
            .unwrap_err()
            .to_string()
            .replace(&place.path().display().to_string(), "ROOT")
    );
}

#[test]
fn no_secret_is_printed() {
    let place = whole();
    let config = place.load(EVERYTHING).config;
    let shown = format!("{config} {config:?} {config:#?}");
    for secret in [TOKEN, GITHUB, GITLAB, STANDARD, &STANDARD[6..], "github-next-0123456789abcdef"] {
        assert!(!shown.contains(secret));
    }
}

#[test]
fn the_admin_token_lies_beside_the_store_or_where_it_is_said_to() {
    let place = whole();
    let beside = place.load(SMALLEST).config.admin_token_path();
    assert_eq!(beside.as_deref(), Some("/var/lib/meshhook/admin-token".as_ref()));
    assert_eq!(admin_door(place.path()).unwrap().token_file, beside);

    let named = place.load(EVERYTHING).config.admin_token_path();
    assert_eq!(named, Some(place.at("admin-token")));
    assert_eq!(admin_door(place.path()).unwrap().token_file, named);
}

#[test]
fn the_admin_token_is_found_by_who_may_read_no_other_secret() {
    let place = Place::new();
    place.write("gateway.toml", "[store]\nurl = \"sqlite:/srv/a.db\"\n[[source]]\nname = 7\n", 0o644);
    assert_eq!(admin_door(place.path()).unwrap().token_file, Some("/srv/admin-token".into()));
    assert!(Config::load(place.path()).is_err());
}

#[test]
fn the_account_is_read_before_there_is_a_token() {
    let place = Place::new();
    let matrix = EVERYTHING.split("[matrix]").nth(1).unwrap().split("[message]").next().unwrap();
    std::fs::remove_file(place.at("matrix-token")).unwrap();
    place.write("gateway.toml", format!("[matrix]{matrix}[[source]]\nname = 7\n"), 0o644);
    let account = read_account(place.path()).unwrap();
    assert_eq!(
        (account.room.as_str(), account.access_token_file),
        ("!abcdef:example.org", place.at("matrix-token"))
    );
    assert_eq!(account.connection.tls_fingerprints.len(), 2);
    // A key of [matrix] that is misspelt might be a pin.
    place.write("gateway.toml", format!("[matrix]{}", matrix.replace("tls_fingerprints", "tls_pins")), 0o644);
    assert!(read_account(place.path()).unwrap_err().to_string().contains("unknown key `tls_pins`"));
}

#[test]
fn the_admin_listener_is_found_by_who_may_read_no_secret() {
    let place = Place::new();
    for (toml, address) in [
        ("[server]\nadmin_listen = \"127.0.0.1:9001\"\nlisten = 7\n", "127.0.0.1:9001"),
        ("[matrix]\nroom = 7\n", "127.0.0.1:8788"),
        ("[server]\nadmin_listen = \"0.0.0.0:9001\"\nadmin_hosts = [\"a.example.org\"]\n", "127.0.0.1:9001"),
        ("[server]\nadmin_listen = \"[::]:9001\"\nadmin_hosts = [\"a.example.org\"]\n", "[::1]:9001"),
        (
            "[server]\nadmin_listen = \"192.0.2.1:9001\"\nadmin_hosts = [\"a.example.org\"]\n",
            "192.0.2.1:9001",
        ),
    ] {
        place.write("gateway.toml", toml, 0o644);
        assert_eq!(admin_door(place.path()).unwrap().asked_at(), address.parse().unwrap());
    }
    place.write("gateway.toml", "[server]\nadmin_listen = \"here\"\n", 0o644);
    assert_eq!(admin_door(place.path()).unwrap_err().iter().count(), 1);
}

#[test]
fn memory_is_a_store_without_a_folder() {
    let place = Place::new();
    let loaded = place.load(&format!("store.url = \"memory:\"\n{SMALLEST}"));
    assert_eq!(loaded.config.store.url, StoreUrl::Memory);
    assert_eq!(loaded.config.admin_token_path(), None);
    assert_eq!(loaded.warnings.len(), 2);
}
