//! No text makes the reader panic, and a fault always says where and what to do.

use crate::place::{Place, SMALLEST};
use meshhook_config::Config;
use proptest::prelude::*;

/// Pieces that a gateway.toml is made of, so that random texts come close to being one.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        "(\\[|\\[\\[)(server|store|matrix|message|source|log|source.only|appservice|route)(\\]|\\]\\])\n",
        "(listen|url|retention|room|mode|emoji|name|provider|secret_files|units|path|x|source|branch|state|node) = ",
        "\"(github|standard|!a|sqlite:/a/b|72h|/a|127.0.0.1:1|github-secret|\\\\u001b|é)\"\n?",
        "(7|-1|1.5|true|1979-05-27|\\{ a = 1 \\}|\\[\\]|\\[\"a\", 1\\]|''|\n|=|\\.|#.*)",
        any::<String>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn any_text_is_read_or_refused(pieces in prop::collection::vec(piece(), 0..12), whole in any::<bool>()) {
        let place = Place::new();
        let head = if whole { SMALLEST } else { "" };
        place.write("gateway.toml", format!("{head}{}", pieces.concat()), 0o644);
        if let Err(faults) = Config::load(place.path()) {
            prop_assert!(faults.iter().count() > 0);
            for fault in &faults {
                prop_assert!(!fault.message().is_empty() && !fault.hint().is_empty());
                prop_assert!(!fault.message().contains(char::is_control), "{:?}", fault);
                prop_assert!(!fault.hint().contains(char::is_control), "{:?}", fault);
            }
        }
    }

    #[test]
    fn one_changed_byte_is_read_or_refused(at in 0..SMALLEST.len(), byte in any::<u8>()) {
        let place = Place::new();
        let mut toml = SMALLEST.as_bytes().to_vec();
        toml[at] = byte;
        place.write("gateway.toml", toml, 0o644);
        if let Err(faults) = Config::load(place.path()) {
            prop_assert!(faults.iter().count() > 0);
        }
    }
}
