//! Keys: several at once, their secrets out of sight.

use meshhook_verify::{
    HmacEncoding, HmacForm, HmacHash, HmacSettings, HmacTimestamp, Key, KeyError, Scheme, SignError,
    Unverified, Verifier, VerifierError, sign,
};

const NOW: i64 = 1_700_000_000;

/// Every scheme that a receiver's secret can sign for, `hmac` in three of its forms. Public keys have their vectors.
pub(crate) fn signable() -> Vec<Scheme> {
    let bare = HmacSettings::new("X-Bare");
    let long = HmacSettings {
        prefix: "v0 ",
        encoding: HmacEncoding::Base64,
        hash: HmacHash::Sha512,
        ..HmacSettings::new("Authorization")
    };
    let timestamp = Some(HmacTimestamp { header: "X-Time", separator: ":" });
    let timed = HmacSettings { timestamp, ..HmacSettings::new("X-Timed") };
    let forms = [bare, long, timed].map(|settings| Scheme::Hmac(HmacForm::new(&settings).unwrap()));
    let named = Scheme::ALL.iter().copied().filter(|scheme| scheme.as_str() != "travis");
    named.chain(forms).collect()
}

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

/// The same, for one who sends.
pub(crate) fn sender(scheme: Scheme, number: u8) -> Key {
    Key::for_sender(scheme, "sender", secret(scheme, number).as_bytes()).unwrap()
}

/// The headers of a request signed with the secret of this number.
pub(crate) fn signed(scheme: Scheme, number: u8, now: i64, body: &[u8]) -> Vec<(&'static str, String)> {
    sign(&sender(scheme, number), "msg_1", now, body).unwrap()
}

#[test]
fn whichever_key_fits_is_named() {
    for scheme in signable() {
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
    for scheme in signable() {
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

/// What a gateway picks a source by, where the path names none.
#[test]
fn a_scheme_applies_to_its_own_requests() {
    for scheme in signable() {
        let verifier = Verifier::new(scheme, vec![key(scheme, 1)]).unwrap();
        let headers = signed(scheme, 1, NOW, b"{}");
        assert!(verifier.applies_to(&headers), "{scheme}");
        for at in 0..headers.len() {
            let mut fewer = headers.clone();
            fewer.remove(at);
            assert!(!verifier.applies_to(&fewer), "{scheme} without {}", headers[at].0);
        }
        for other in signable().into_iter().filter(|other| *other != scheme) {
            assert!(!verifier.applies_to(&signed(other, 1, NOW, b"{}")), "{scheme} to {other}");
        }
    }
}

#[test]
fn whether_headers_are_right_is_not_asked() {
    let applies = |scheme, name, value| {
        Verifier::new(scheme, vec![key(scheme, 1)]).unwrap().applies_to(&[(name, value)])
    };
    assert!(applies(Scheme::Github, "x-hub-signature-256", ""));
    assert!(!applies(Scheme::Github, "x-hub-signature", "sha1=00"));
    for header in ["x-gitea-signature", "x-forgejo-signature", "x-gogs-signature"] {
        assert!(applies(Scheme::Gitea, header, ""));
    }
    assert!(applies(Scheme::Bearer, "authorization", "Bearer "));
    assert!(!applies(Scheme::Bearer, "authorization", "Basic dTpw"));
    assert!(applies(Scheme::Basic, "authorization", "Basic "));
    assert!(applies(Scheme::Bitbucket, "x-hub-signature", "sha256="));
    assert!(!applies(Scheme::Bitbucket, "x-hub-signature", "sha1=00"), "GitHub's");
}

#[test]
fn a_decoy_does_the_work_and_takes_nothing() {
    let mut random = (1..).map(|byte| [byte; 32]);
    for scheme in signable() {
        let verifier = Verifier::new(scheme, vec![key(scheme, 1), key(scheme, 2)]).unwrap();
        let decoy = verifier.decoy(3, || random.next().unwrap());
        assert_eq!(decoy.scheme(), scheme);
        assert_eq!(format!("{decoy:?}").matches("Key {").count(), 3);
        let headers = signed(scheme, 1, NOW, b"{}");
        assert!(verifier.applies_to(&headers) && decoy.applies_to(&headers));
        let refusal = Unverified::new("{}").verify(&decoy, &headers, NOW).unwrap_err();
        assert!(refusal.code().ends_with("_mismatch"), "{scheme}: {refusal}");
    }
}

#[test]
fn a_padded_verifier_takes_what_it_took_and_costs_as_much_as_any() {
    let mut random = (1..).map(|byte| [byte; 32]);
    for scheme in signable() {
        for (keys, count) in [(0, 2), (2, 2), (5, 5)] {
            let verifier = Verifier::new(scheme, vec![key(scheme, 1), key(scheme, 2)]).unwrap();
            let padded = verifier.padded(keys, || random.next().unwrap());
            assert_eq!(format!("{padded:?}").matches("Key {").count(), count, "{scheme}");
            for number in [1, 2] {
                let headers = signed(scheme, number, NOW, b"{}");
                let verified = Unverified::new("{}").verify(&padded, &headers, NOW).unwrap();
                assert_eq!(verified.key(), format!("key {number}"));
            }
            let stranger = signed(scheme, 3, NOW, b"{}");
            assert!(Unverified::new("{}").verify(&padded, &stranger, NOW).is_err(), "{scheme}");
        }
    }
}

#[test]
fn no_debug_shows_a_secret_or_a_body() {
    for scheme in signable() {
        let secret = secret(scheme, 1);
        let body = "a body with a password in it";
        let verifier = Verifier::new(scheme, vec![key(scheme, 1)]).unwrap();
        let unverified = Unverified::new(body);
        let mut shown =
            format!("{:#?} {:#?} {:#?} {unverified:#?}", key(scheme, 1), sender(scheme, 1), verifier);
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
        for scheme in signable() {
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
    for scheme in signable().into_iter().filter(|scheme| scheme.signs_time()) {
        for now in [i64::MIN, -1, 1_000_000_000_000, i64::MAX] {
            assert_eq!(sign(&sender(scheme, 1), "msg", now, b""), Err(SignError::Time), "{scheme} {now}");
        }
        assert!(sign(&sender(scheme, 1), "msg", 253_402_300_799, b"").is_ok(), "{scheme}");
    }
    for scheme in signable().into_iter().filter(|scheme| !scheme.signs_time()) {
        assert!(sign(&sender(scheme, 1), "", i64::MIN, b"").is_ok(), "{scheme}");
    }
}

/// A gateway has no use for a token but to compare it.
#[test]
fn only_a_senders_key_keeps_its_token() {
    for scheme in signable() {
        let kept = sign(&key(scheme, 1), "msg", NOW, b"{}");
        assert_eq!(kept.is_ok(), scheme.proves_body(), "{scheme}");
        assert!(kept.is_ok() || kept == Err(SignError::TokenNotKept), "{scheme}");
    }
}

#[test]
fn the_lines_of_the_bearer_class_are_those_that_senders_write() {
    let secret = "0123456789abcdef0123456789abcdef";
    for (scheme, name, value) in [
        (Scheme::Bearer, "Authorization", "Bearer 0123456789abcdef0123456789abcdef"),
        (Scheme::Basic, "Authorization", "Basic bWVzaGhvb2s6MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
        (Scheme::GitlabToken, "X-Gitlab-Token", secret),
        (Scheme::BuildkiteToken, "X-Buildkite-Token", secret),
        (Scheme::PathToken, ":path-token", secret),
    ] {
        let key = Key::for_sender(scheme, "key", secret.as_bytes()).unwrap();
        assert_eq!(sign(&key, "", NOW, b"").unwrap(), [(name, value.to_owned())]);
    }
}

#[test]
fn a_token_that_could_not_be_sent_is_no_key() {
    let error = |scheme, secret: &str| Key::new(scheme, "key", secret.as_bytes()).unwrap_err();
    assert_eq!(error(Scheme::Bearer, "a b"), KeyError::NotAToken);
    assert_eq!(error(Scheme::GitlabToken, &"x".repeat(1025)), KeyError::NotAToken);
    assert_eq!(error(Scheme::Basic, "a\nb"), KeyError::NotAPassword);
    assert_eq!(error(Scheme::PathToken, &"x".repeat(31)), KeyError::TooShort { characters: 31 });
    assert_eq!(error(Scheme::PathToken, &"x/".repeat(20)), KeyError::NotASegment);
}

#[cfg(feature = "ed25519")]
#[test]
fn a_public_key_signs_nothing_and_serves_beside_a_shared_one() {
    let scheme = Scheme::StandardWebhooks;
    let public = || Key::new(scheme, "public", format!("whpk_{}=", "A".repeat(43)).as_bytes()).unwrap();
    assert_eq!(sign(&public(), "msg", NOW, b"{}"), Err(SignError::OnlyTheSender));
    let verifier = Verifier::new(scheme, vec![public(), key(scheme, 1)]).unwrap();
    let verified = Unverified::new("{}").verify(&verifier, &signed(scheme, 1, NOW, b"{}"), NOW).unwrap();
    assert_eq!(verified.key(), "key 1");
}
