//! Whatever a file holds.

use meshhook_appservice::registration::{Wanted, compare};
use meshhook_appservice::{GhostNames, Registration};
use proptest::prelude::*;
use secrecy::ExposeSecret;

use crate::{GOOD, random, wanted};

/// Text of the signs that YAML or patterns give a meaning to.
pub(crate) fn signs(most: usize) -> impl Strategy<Value = String> {
    let sign = "[\\[\\]{}(),:?!&*#|>'\"%@`\\-+.~=<$^\\\\/\n \t0-9a-z\u{85}é]";
    proptest::string::string_regex(&format!("{sign}{{0,{most}}}")).unwrap()
}

fn look_at(text: &str) {
    let reading = Registration::read(text);
    assert!(reading.registration().is_some() || !reading.faults().is_empty());
    if let Some(registration) = reading.registration() {
        let ghosts = GhostNames::of(&registration.sender("ci.example.org"));
        let _ = (registration.server_name(), registration.look_at_users("ci.example.org"));
        let _ = ghosts.map(|ghosts| registration.covers(&ghosts));
        assert_eq!(compare(registration, registration), []);
    }
}

proptest! {
    #[test]
    fn nothing_panics(text: String) {
        look_at(&text);
    }

    #[test]
    fn no_signs_panic(text in signs(60)) {
        look_at(&text);
    }

    #[test]
    fn no_change_of_a_good_one_panics(from in 0..GOOD.len(), length in 0..20_usize, text in signs(20)) {
        let (before, rest) = GOOD.split_at(from);
        look_at(&format!("{before}{text}{}", rest.get(length..).unwrap_or_default()));
    }

    #[test]
    fn no_pattern_panics(regex in signs(40)) {
        look_at(&crate::with("      regex", &format!("      regex: {}", serde_json::to_string(&regex).unwrap())));
    }

    #[test]
    fn what_is_made_is_sound(
        localpart in "[a-z0-9._/-]{1,60}",
        server_name in "[a-zA-Z0-9-]{1,20}(\\.[a-zA-Z0-9-]{1,20}){0,3}(:[0-9]{1,4})?",
        node in "\\PC{1,20}",
    ) {
        let wanted = Wanted { localpart: &localpart, server_name: &server_name, ..wanted() };
        let made = Registration::make(&wanted, &random()).unwrap();
        let (read, doubts) = Registration::read(made.to_json().expose_secret()).usable().unwrap();
        prop_assert_eq!(doubts, []);
        prop_assert_eq!(compare(&made, &read), []);
        prop_assert_eq!(read.look_at_users(&server_name), []);
        let user = GhostNames::of(&read.sender(&server_name)).unwrap().user_id(&node);
        let pattern = regex_lite::Regex::new(&read.namespaces.users[0].regex).unwrap();
        prop_assert!(user.is_none_or(|user| pattern.is_match(&user)));
    }
}
