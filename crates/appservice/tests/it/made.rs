//! New registrations.

use meshhook_appservice::registration::{MakeError, Reach, UrlError, Wanted};
use meshhook_appservice::{GhostNames, Registration};
use secrecy::ExposeSecret;

use crate::{made, random, wanted, with};

#[test]
fn the_file_is_json_with_everything_in_it() {
    insta::assert_snapshot!(made().to_json().expose_secret());
}

#[test]
fn what_is_made_is_read_without_a_fault() {
    for server_name in ["ci.example.org", "localhost:8448", "[2001:db8::1]:8448", "192.0.2.1"] {
        for localpart in ["buildbot", "ci.bot-1/x_y"] {
            let registration =
                Registration::make(&Wanted { server_name, localpart, ..wanted() }, &random()).unwrap();
            let reading = Registration::read(registration.to_json().expose_secret());
            assert_eq!(reading.faults(), []);
            let (read, _) = reading.usable().unwrap();
            assert_eq!(read.server_name().as_deref(), Some(server_name));
            assert_eq!(read.look_at_users(server_name), []);
            let ghosts = GhostNames::of(&read.sender(server_name)).unwrap();
            assert_eq!(read.covers(&ghosts), Reach::All);
            assert_eq!(read.to_json().expose_secret(), registration.to_json().expose_secret());
        }
    }
}

#[test]
fn what_cannot_be_is_not_made() {
    let refused = |wanted: Wanted<'_>| Registration::make(&wanted, &random()).unwrap_err();
    assert_eq!(refused(Wanted { url: "gateway:8789", ..wanted() }), MakeError::Url(UrlError::NoAddress));
    assert_eq!(refused(Wanted { url: "http://192.0.2.1", ..wanted() }), MakeError::Url(UrlError::ClearText));
    assert_eq!(refused(Wanted { server_name: "https://example.org", ..wanted() }), MakeError::ServerName);
    for localpart in ["", "Build", "build bot", "a=b", "a+b", "@bot", "bot:x", "bü"] {
        assert_eq!(refused(Wanted { localpart, ..wanted() }), MakeError::Localpart, "{localpart}");
    }
    assert_eq!(refused(Wanted { localpart: &"b".repeat(175), ..wanted() }), MakeError::TooLong);
    for id in ["", "a|b", "a/b", "a b", &"i".repeat(256)] {
        assert_eq!(refused(Wanted { id: Some(id), ..wanted() }), MakeError::Id, "{id}");
    }
}

#[test]
fn only_the_homeservers_token_is_its_token() {
    let registration = made();
    let token = registration.hs_token.expose_secret().to_owned();
    assert!(registration.is_hs_token(token.as_bytes()));
    for other in
        ["", &token[1..], &token.to_uppercase(), &format!("{token}\n"), registration.as_token.expose_secret()]
    {
        assert!(!registration.is_hs_token(other.as_bytes()), "{other}");
    }
}

#[test]
fn what_no_header_carries_is_no_part_of_the_homeservers_token() {
    let text = with("hs_token", "hs_token: |\n  hs-0123456789abcdef\n");
    let (registration, doubts) = Registration::read(&text).usable().unwrap();
    assert_eq!(doubts.len(), 1);
    assert!(registration.is_hs_token(b"hs-0123456789abcdef"));
    let none = Registration::read(&with("hs_token", "hs_token: ''"));
    assert!(!none.registration().unwrap().is_hs_token(b""));
}

#[test]
fn no_token_is_shown() {
    let made = made();
    let shown = format!("{made:?} {:?}", Registration::read(made.to_json().expose_secret()));
    assert!(shown.contains("buildbot") && !shown.contains("0102"), "{shown}");
}
