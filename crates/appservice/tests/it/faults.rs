//! What is wrong with a file, in which words.

use std::fmt::Write as _;

use meshhook_appservice::registration::{Fault, LONGEST, Reach};
use meshhook_appservice::{GhostNames, Registration};

use crate::synapse::BROKEN;
use crate::{GOOD, with};

fn told(faults: &[Fault]) -> String {
    faults.iter().fold(String::new(), |mut text, fault| {
        let line = fault.line().map_or("-".to_owned(), |line| line.to_string());
        writeln!(text, "{} {line}: {fault}\n     {}", fault.severity().as_str(), fault.hint()).unwrap();
        text
    })
}

#[test]
fn each_fault_of_a_key_is_told_with_what_to_do() {
    assert_eq!(Registration::read(GOOD).faults(), []);
    let mut all = String::new();
    for (key, line) in BROKEN {
        let reading = Registration::read(&with(key, line));
        writeln!(all, "{}\n{}", if line.is_empty() { key } else { line }, told(reading.faults())).unwrap();
        assert_eq!(reading.faults().iter().any(Fault::is_wrong), reading.usable().is_err());
    }
    insta::assert_snapshot!(all);
}

#[test]
fn what_is_no_registration_is_told() {
    let mut all = String::new();
    let aliases = "a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a]\n";
    for text in [
        "",
        "# nothing\n",
        "just a line",
        "- a\n- list\n",
        "a: b: c",
        "a: \"\u{7}\"",
        "a: b\n---\na: b\n",
        "a: &a [*a]\n",
        "a: &b: c\n",
        "{\n\t\"a\": \"b\"\n}\n",
        "a: !!binary aGk=\n",
        "a: !secret x\n",
        "a: &a {b: c}\nd:\n  <<: *a\n",
        "? [a]\n: b\n",
        "a: *nobody\n",
        &format!("{}{}", "[".repeat(40), "]".repeat(40)),
        &format!("{aliases}c: [{}]", "*b, ".repeat(15_000)),
        &" ".repeat(LONGEST + 1),
    ] {
        let shown: String = text.chars().take(60).collect();
        writeln!(all, "{shown:?}\n{}", told(Registration::read(text).faults())).unwrap();
    }
    insta::assert_snapshot!(all);
}

#[test]
fn tokens_are_in_no_fault() {
    let token = "s3cret-0123456789";
    for text in [
        with("as_token", &format!("as_token: [{token}]")),
        with("as_token", &format!("as_token: '{token} {token}'")),
        with("hs_token", &format!("hs_token: |\n  {token}")),
        with("hs_token", &format!("hs_token: {token}\nas_token: {token}")),
        with("hs_token", &format!("hs_token: !x {token}")),
        with("hs_token", &format!("hs_token: *{token}")),
        with("hs_token", &format!("hs_token: \"{token}")),
        format!("{{hs_token:{token}, as_token: {token}}}"),
        with("url", &format!("url: https://x:{token}@gateway.example.org")),
    ] {
        let reading = Registration::read(&text);
        assert!(!reading.faults().is_empty(), "{text}");
        assert!(
            !format!("{reading:?}").replace("SecretBox", "").contains(token)
                || text.contains("url: https://x")
        );
        assert!(!told(reading.faults()).contains(token), "{text}");
    }
}

fn registration(regex: &str) -> Registration {
    let line = format!("      regex: '{regex}'");
    Registration::read(&with("      regex", &line)).registration().unwrap().clone()
}

#[test]
fn patterns_are_looked_at_by_trying_them() {
    let mut all = String::new();
    for regex in [
        r"@buildbot_.*:ci\.example\.org",
        r"@buildbot_.*:ci.example.org$",
        r"@buildbot_.*:ci.example.org",
        r"@buildbot_.*",
        r"buildbot_.*",
        r"^buildbot_.*:ci\.example\.org$",
        r"@buildbot.*:ci\.example\.org$",
        r"@.*:ci\.example\.org$",
        r".*",
        r"",
        r"@buildbot_[a-z]+:ci\.example\.org$",
        r"@buildbot_.{1,30}:ci\.example\.org$",
        r"@buildbot_.*:ci\.exmaple\.org$",
        r"@otherbot_.*:ci\.example\.org$",
        r"@(?!x)buildbot_.*:ci\.example\.org$",
        r"@buildbot_(.*:ci\.example\.org$",
    ] {
        writeln!(all, "{regex}\n{}", told(&registration(regex).look_at_users("ci.example.org"))).unwrap();
    }
    let text = with("    - exclusive", "    - exclusive: false");
    let open = Registration::read(&text).registration().unwrap().look_at_users("ci.example.org");
    writeln!(all, "not exclusive\n{}", told(&open)).unwrap();
    let none = Registration::read(&GOOD.replace("users", "aliases")).registration().unwrap().clone();
    writeln!(all, "none\n{}", told(&none.look_at_users("ci.example.org"))).unwrap();
    insta::assert_snapshot!(all);
}

/// What is missing elsewhere keeps no pattern from being looked at.
#[test]
fn patterns_of_what_is_no_whole_registration_are_looked_at() {
    let text = with("      regex", "      regex: buildbot_.*").replace("url:", "address:");
    let reading = Registration::read(&text);
    assert!(reading.registration().is_none());
    assert!(told(&reading.look_at_users("ci.example.org")).contains("never matches"), "{reading:?}");
}

#[test]
fn whether_ghosts_are_covered_is_told() {
    let ghosts = GhostNames::of("@buildbot:ci.example.org").unwrap();
    let covers = |regex: &str| registration(regex).covers(&ghosts);
    assert_eq!(covers(r"@buildbot_.*:ci\.example\.org"), Reach::All);
    assert_eq!(covers(r"@buildbot_.*"), Reach::All);
    assert_eq!(covers(r"buildbot_.*"), Reach::None);
    let but_not = "@buildbot_ci.9/x:ci.example.org".to_owned();
    assert_eq!(covers(r"@buildbot_[a-z0-9_-]*:ci\.example\.org"), Reach::Some { but_not });
    let pattern = "@(?=buildbot_)".to_owned();
    assert_eq!(covers(&pattern), Reach::Unknown { pattern });
}

#[test]
fn the_homeserver_is_told_by_a_pattern() {
    for (regex, server) in [
        (r"@buildbot_.*:ci\.example\.org", Some("ci.example.org")),
        (r"^@buildbot_[^:]+:ci.example.org:8448\Z", Some("ci.example.org:8448")),
        (r"buildbot_.*:ci\.example\.org$", Some("ci.example.org")),
        (r"@buildbot_.*", None),
        (r"@buildbot_.*:.*", None),
    ] {
        assert_eq!(registration(regex).server_name().as_deref(), server, "{regex}");
    }
}
