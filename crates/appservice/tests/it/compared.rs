//! Two copies beside each other.

use std::fmt::Write as _;

use meshhook_appservice::Registration;
use meshhook_appservice::registration::compare;

use crate::{GOOD, with};

const TOKENS: [&str; 3] = ["as-0123456789abcdef", "hs-0123456789abcdef", "other-0123456789"];

fn told(theirs: &str) -> String {
    let (ours, theirs) = (Registration::read(GOOD), Registration::read(theirs));
    let differences = compare(ours.registration().unwrap(), theirs.registration().unwrap());
    differences.iter().fold(String::new(), |mut text, difference| {
        writeln!(text, "{}: {difference}", difference.key()).unwrap();
        text
    })
}

#[test]
fn every_difference_is_told_and_no_token() {
    let theirs = [
        with("id", "id: other"),
        with("url", "url: null"),
        with("url", "url: https://user:word@gateway.example.org"),
        with("as_token", "as_token: as-0123456789abcdeX"),
        with("as_token", "as_token: other-0123456789"),
        with("hs_token", "hs_token: |\n  hs-0123456789abcdef"),
        GOOD.replace("as_token", "other").replace("hs_token", "as_token").replace("other", "hs_token"),
        with("sender_localpart", "sender_localpart: bot"),
        with("  users", "  aliases: [{exclusive: true, regex: '#.*'}]\n  users:"),
        with("    - exclusive", "    - exclusive: false"),
        with("rate_limited", "rate_limited: true"),
        with(
            "rate_limited",
            "ip_range_whitelist: [192.0.2.0/24]\nreceive_ephemeral: true\nio.element.msc4190: true",
        ),
    ];
    let told = theirs.map(|theirs| told(&theirs)).join("\n");
    assert!(!TOKENS.iter().any(|token| told.contains(token)), "{told}");
    insta::assert_snapshot!(told);
}

#[test]
fn what_means_the_same_does_not_differ() {
    for theirs in [
        GOOD.to_owned(),
        with("url", "url: 'https://gateway.example.org:8789/'"),
        with("as_token", r#"as_token: "\x61s-0123456789abcdef""#),
        with("rate_limited", "rate_limited: no"),
        with("sender_localpart", "sender_localpart: &s buildbot"),
    ] {
        assert_eq!(told(&theirs), "", "{theirs}");
    }
}
