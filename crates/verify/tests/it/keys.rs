//! Keys: several at once, their secrets out of sight.

use meshhook_verify::{Key, KeyError, Scheme, SignError, Unverified, Verifier, VerifierError, sign};

const NOW: i64 = 1_700_000_000;

/// The secret with this number, as a settings page would show it.
pub(crate) fn secret(scheme: Scheme, number: u8) -> String {
    let letters = format!("secret{number:02}").repeat(4);
    match scheme {
        Scheme::StandardWebhooks => format!("whsec_{letters}"),
        _ => letters,
    }
}

pub(crate) fn key(scheme: Scheme, number: u8) -> Key {
    Key::new(scheme, &format!("key {number}"), secret(scheme, number).as_bytes()).unwrap()
}

/// The headers of a request signed with the secret of this number.
pub(crate) fn signed(scheme: Scheme, number: u8, now: i64, body: &[u8]) -> Vec<(&'static str, String)> {
    sign(&key(scheme, number), "msg_1", now, body).unwrap()
}

#[test]
fn whichever_key_fits_is_named() {
    for &scheme in Scheme::ALL {
        let verifier = Verifier::new(scheme, (1..=5).map(|n| key(scheme, n)).collect()).unwrap();
        for number in 1..=5 {
            let verified =
                Unverified::new("{}").verify(&verifier, &signed(scheme, number, NOW, b"{}"), NOW).unwrap();
            assert_eq!(verified.key(), format!("key {number}"));
        }
        assert!(Unverified::new("{}").verify(&verifier, &signed(scheme, 6, NOW, b"{}"), NOW).is_err());
    }
}

#[test]
fn of_two_keys_with_one_secret_the_first_is_named() {
    for &scheme in Scheme::ALL {
        let twin = Key::new(scheme, "twin", secret(scheme, 1).as_bytes()).unwrap();
        let verifier = Verifier::new(scheme, vec![key(scheme, 2), key(scheme, 1), twin]).unwrap();
        let verified = Unverified::new("{}").verify(&verifier, &signed(scheme, 1, NOW, b"{}"), NOW).unwrap();
        assert_eq!(verified.key(), "key 1");
    }
}

#[test]
fn a_verifier_has_keys_of_its_scheme() {
    assert_eq!(Verifier::new(Scheme::Github, vec![]).unwrap_err(), VerifierError::NoKey);
    let keys = vec![key(Scheme::Github, 1), key(Scheme::StandardWebhooks, 2)];
    let error = Verifier::new(Scheme::Github, keys).unwrap_err();
    assert_eq!(error.to_string(), "the key key 2 is one of standard-webhooks, not of github");
}

#[test]
fn a_scheme_applies_where_all_its_headers_are() {
    let github = Verifier::new(Scheme::Github, vec![key(Scheme::Github, 1)]).unwrap();
    assert!(github.applies_to(&[("x-hub-signature-256", "")]));
    assert!(!github.applies_to(&[("x-hub-signature", "sha1=00")]));

    let standard = Verifier::new(Scheme::StandardWebhooks, vec![key(Scheme::StandardWebhooks, 1)]).unwrap();
    let headers = signed(Scheme::StandardWebhooks, 1, NOW, b"");
    assert!(standard.applies_to(&headers));
    assert!(!standard.applies_to(&&headers[..2]));
    assert!(!github.applies_to(&headers));
}

#[test]
fn no_debug_shows_a_secret_or_a_body() {
    for &scheme in Scheme::ALL {
        let secret = secret(scheme, 1);
        let body = "a body with a password in it";
        let verifier = Verifier::new(scheme, vec![key(scheme, 1)]).unwrap();
        let unverified = Unverified::new(body);
        let mut shown = format!("{:#?} {:#?} {unverified:#?}", key(scheme, 1), verifier);
        let verified = unverified.verify(&verifier, &signed(scheme, 1, NOW, body.as_bytes()), NOW).unwrap();
        shown += &format!("{verified:#?}");
        assert!(shown.contains("key 1"));
        assert!(
            !shown.contains(&secret[..8]) && !shown.contains("secret01") && !shown.contains("password"),
            "{shown}"
        );
    }
}

#[test]
fn no_error_shows_a_secret() {
    let secrets: [&[u8]; 4] = [b"", b"\xffnot text", b"not base64 at all", b"dG9vIHNob3J0"];
    for secret in secrets {
        for &scheme in Scheme::ALL {
            let Err(error) = Key::new(scheme, "key", secret) else { continue };
            let shown = format!("{error} {error:?}");
            assert!(secret.is_empty() || !shown.contains(&*String::from_utf8_lossy(secret)), "{shown}");
        }
    }
    assert_eq!(Key::new(Scheme::Github, "key", b"").unwrap_err(), KeyError::Empty);
}

#[test]
fn what_is_signed_could_be_verified() {
    let standard = key(Scheme::StandardWebhooks, 1);
    for id in ["", "a.b", "a b", "\u{e9}", &"x".repeat(129)] {
        assert_eq!(sign(&standard, id, NOW, b""), Err(SignError::MessageId), "{id}");
    }
    for now in [i64::MIN, -1, 1_000_000_000_000, i64::MAX] {
        assert_eq!(sign(&standard, "msg", now, b""), Err(SignError::Time), "{now}");
        assert!(sign(&key(Scheme::Github, 1), "", now, b"").is_ok());
    }
    assert!(sign(&standard, "msg", 999_999_999_999, b"").is_ok());
}
