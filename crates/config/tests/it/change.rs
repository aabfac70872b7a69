//! What differs between two configurations.

use meshhook_config::{Change, Config};

use crate::place::{AS_TOKEN, CA, Place, REGISTRATION, SERVICE, SMALLEST, STANDARD};

const LARGER: &str = r#"
[server]
path = "/ci"
admin_listen = "127.0.0.1:9001"

[store]
retention = "5d"

[matrix]
homeserver = "https://other.example.org"
room = "!abcdef"
access_token_file = "matrix-token"

[[source]]
name = "github"
provider = "github"
secret_files = ["github-secret", "github-next"]
units = ["run", "job"]
[source.states]
UNSTABLE = "failed"

[[source]]
name = "mac"
provider = "standard"
secret_files = ["standard-secret"]

[[route]]
branch = "release/*"
room = "!releases"

[[node]]
name = "mac-07"
"#;

fn changes(place: &Place, was: &str, is: &str) -> Vec<Change> {
    let outline = |text: &str| place.load(text).config.outline();
    outline(was).changes_to(&outline(is))
}

fn said(changes: &[Change], place: &Place) -> Vec<String> {
    let root = place.path().to_str().unwrap();
    changes.iter().map(|change| change.to_string().replace(root, "ROOT")).collect()
}

#[test]
fn each_key_source_and_machine_that_differs_is_named() {
    let place = Place::new();
    place.write("github-next", "another secret of GitHub".replace(' ', "-"), 0o400);
    let changes = changes(&place, SMALLEST, LARGER);
    insta::assert_snapshot!(said(&changes, &place).join("\n"));
    let restart: Vec<_> = changes.iter().filter(|c| c.needs_restart).map(|c| c.what.as_str()).collect();
    assert_eq!(restart, ["[matrix] homeserver", "[server] admin_listen"]);
}

#[test]
fn what_goes_is_named_too_and_what_stays_is_not() {
    let place = Place::new();
    place.write("github-next", "another secret of GitHub".replace(' ', "-"), 0o400);
    assert_eq!(changes(&place, LARGER, LARGER), []);
    let gone = said(&changes(&place, LARGER, SMALLEST), &place);
    for line in ["[[node]] mac-07: removed", "[[source]] mac: removed"] {
        assert!(gone.iter().any(|have| have == line), "{gone:#?}");
    }
}

#[test]
fn a_secret_that_changed_is_told_and_not_shown() {
    let place = Place::new();
    let outline = |place: &Place| Config::load(place.path()).unwrap().config.outline();
    place.load(SMALLEST);
    let before = outline(&place);
    for file in ["github-secret", "matrix-token"] {
        place.write(file, STANDARD, 0o400);
        let after = outline(&place);
        let told = format!("{:?}{after:?}", before.changes_to(&after));
        assert!(!told.contains(STANDARD) && !told.contains("MfKQ"), "{told}");
        let [change] = &before.changes_to(&after)[..] else { panic!("{told}") };
        assert!(change.to_string().ends_with(" holds: changed") && !change.needs_restart, "{change}");
        place.write("github-secret", crate::place::GITHUB, 0o400);
    }
}

#[test]
fn another_authority_in_the_same_file_needs_a_restart() {
    let place = Place::new();
    let toml = SMALLEST.replace("[matrix]", "[matrix]\nca_file = \"ca.pem\"");
    place.write("ca.pem", CA, 0o444);
    let was = place.load(&toml).config.outline();
    place.write("ca.pem", format!("{CA}{CA}"), 0o444);
    let changes = was.changes_to(&place.load(&toml).config.outline());
    assert_eq!(said(&changes, &place), ["[matrix] what ca_file holds: changed"]);
    assert!(changes[0].needs_restart);
}

#[test]
fn another_voice_needs_a_restart() {
    let place = Place::new();
    let changes = changes(&place, SMALLEST, SERVICE);
    let told: Vec<_> = changes.iter().map(|change| (change.what.as_str(), change.needs_restart)).collect();
    assert_eq!(
        told,
        [("[matrix] access_token_file", false), ("[matrix] mode", true), ("[appservice]", false)]
    );
}

#[test]
fn what_an_application_service_is_needs_a_restart_and_what_it_does_not() {
    let place = Place::new();
    place.write("other.yaml", REGISTRATION, 0o440);
    for (to, what, restart) in [
        ("listen = \"127.0.0.1:9999\"\nregistration_file = \"registration.yaml\"", "listen", true),
        ("registration_file = \"other.yaml\"", "registration_file", true),
        ("registration_file = \"registration.yaml\"\nmax_ghosts = 7", "max_ghosts", false),
        ("registration_file = \"registration.yaml\"\nper_node_senders = false", "per_node_senders", false),
    ] {
        let next = SERVICE.replace("registration_file = \"registration.yaml\"", to);
        let changes = changes(&place, SERVICE, &next);
        let [change] = &changes[..] else { panic!("{changes:?}") };
        assert_eq!((change.what.as_str(), change.needs_restart), (&*format!("[appservice] {what}"), restart));
    }
}

#[test]
fn a_registration_that_changed_is_told_and_its_tokens_are_not() {
    let place = Place::new();
    let was = place.load(SERVICE).config.outline();
    for (from, to, told, restart) in [
        (AS_TOKEN, STANDARD, "[appservice] what registration_file holds: changed", false),
        (
            "\"meshhook\"",
            "\"builds\"",
            "[appservice] the registration's id: builds instead of meshhook",
            true,
        ),
        ("\"buildbot\"", "\"ci\"", "[appservice] the registration's sender: ci instead of buildbot", true),
    ] {
        let changed = REGISTRATION.replace(from, to).replace("@buildbot(", "@(buildbot|ci)(");
        place.write("registration.yaml", changed, 0o440);
        let changes = was.changes_to(&Config::load(place.path()).unwrap().config.outline());
        assert_eq!(said(&changes, &place), [told]);
        assert_eq!(changes[0].needs_restart, restart, "{told}");
    }
}

#[test]
fn a_route_is_told_by_its_number_and_counts_at_once() {
    let place = Place::new();
    place.write("github-next", "another secret of GitHub".replace(' ', "-"), 0o400);
    let two = format!("{LARGER}[[route]]\nstate = \"failed\"\nroom = \"!alarm\"\n");
    let moved = two.replace("\"!alarm\"", "\"!pager\"").replace("release/*", "hotfix/*");
    let changes = changes(&place, &two, &moved);
    assert_eq!(
        said(&changes, &place),
        [
            "[[route]] 1: branch: [\"hotfix/*\"] instead of [\"release/*\"]",
            "[[route]] 2: room: \"!pager\" instead of \"!alarm\""
        ]
    );
    assert!(changes.iter().all(|change| !change.needs_restart));
}
