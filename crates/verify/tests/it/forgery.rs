//! Properties: what is signed verifies, and nothing else does.
//!
//! The bearer class proves nothing of the body: there another body has to pass, so that nobody takes it for proved.

use meshhook_verify::{
    HmacForm, HmacSettings, HmacTimestamp, Key, Scheme, SignError, Unverified, Verifier, sign,
};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::keys::{key, sender, signable};

prop_compose! {
    /// A message id, a time and a body that every scheme can sign.
    fn message()(
        id in "[A-Za-z0-9_-]{1,128}",
        now in 0i64..253_402_300_800,
        body in prop::collection::vec(any::<u8>(), 0..300),
    ) -> (String, i64, Vec<u8>) {
        (id, now, body)
    }
}

fn scheme() -> impl Strategy<Value = Scheme> {
    select(signable())
}

/// Whether each byte of the headers counts; the user's name of `basic` does not.
fn is_all_proof(scheme: Scheme) -> bool {
    scheme != Scheme::Basic
}

fn verifier(scheme: Scheme, numbers: impl IntoIterator<Item = u8>) -> Verifier {
    Verifier::new(scheme, numbers.into_iter().map(|n| key(scheme, n)).collect()).unwrap()
}

fn flip(bytes: &mut [u8], at: Index) {
    let bit = at.index(bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
}

/// Bytes that come close to a header's form, or not at all.
fn header_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..100),
        "((sha256|sha1|v1)=)?[0-9a-fA-F]{0,70}".prop_map(String::into_bytes),
        "timestamp=[0-9]{0,13},signature=[0-9a-f]{0,70}".prop_map(String::into_bytes),
        "((Bearer|Basic) )?[ -~]{0,50}".prop_map(String::into_bytes),
        "(SHA-256=)?[A-Za-z0-9+/]{42,44}={0,2}".prop_map(String::into_bytes),
        "((keyId|algorithm|signature|headers)=\"[a-z0-9 -]{0,20}\",?){0,5}".prop_map(String::into_bytes),
        "[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT"
            .prop_map(String::into_bytes),
        "(v1a?,[A-Za-z0-9+/]{42,44}={0,2} ?){0,9}".prop_map(String::into_bytes),
        "[-+]?[0-9]{0,400}".prop_map(String::into_bytes),
    ]
}

#[test]
fn every_single_bit_counts() {
    for scheme in signable().into_iter().filter(|scheme| is_all_proof(*scheme)) {
        let body = b"{\"state\":\"failed\"}";
        let headers = sign(&sender(scheme, 1), "msg_1", 1_700_000_000, body).unwrap();
        let genuine: Vec<_> = headers.iter().map(|(_, value)| value.as_bytes()).chain([&body[..]]).collect();
        for (part, bit) in
            (0..genuine.len()).flat_map(|part| (0..genuine[part].len() * 8).map(move |bit| (part, bit)))
        {
            let mut forged: Vec<_> = genuine.iter().map(|value| value.to_vec()).collect();
            forged[part][bit / 8] ^= 1 << (bit % 8);
            let body = forged.pop().unwrap();
            let lines: Vec<_> = headers.iter().map(|(name, _)| *name).zip(forged).collect();
            let taken = Unverified::new(body).verify(&verifier(scheme, [1, 2]), &lines, 1_700_000_000);
            let is_unproved = part == headers.len() && !scheme.proves_body();
            assert_eq!(taken.is_ok(), is_unproved, "{scheme}: part {part}, bit {bit}");
        }
    }
}

proptest! {
    #[test]
    fn what_is_signed_verifies((id, now, body) in message(), scheme in scheme(), by in 0u8..4) {
        let headers = sign(&sender(scheme, by), &id, now, &body).unwrap();
        let verified = Unverified::new(&body).verify(&verifier(scheme, 0..4), &headers, now).unwrap();
        prop_assert_eq!(verified.body(), &body[..]);
        prop_assert_eq!(verified.key(), format!("key {by}"));
        let signs_id = scheme == Scheme::StandardWebhooks;
        prop_assert_eq!(verified.message_id(), signs_id.then_some(id.as_str()));
        prop_assert_eq!(verified.signed_at(), scheme.signs_time().then_some(now));
    }

    #[test]
    fn another_key_does_not((id, now, body) in message(), scheme in scheme()) {
        let headers = sign(&sender(scheme, 9), &id, now, &body).unwrap();
        prop_assert!(Unverified::new(&body).verify(&verifier(scheme, 0..4), &headers, now).is_err());
    }

    #[test]
    fn one_bit_of_the_body_is_enough((id, now, mut body) in message(), scheme in scheme(), at: Index) {
        prop_assume!(!body.is_empty());
        let headers = sign(&sender(scheme, 1), &id, now, &body).unwrap();
        flip(&mut body, at);
        let taken = Unverified::new(&body).verify(&verifier(scheme, [1]), &headers, now);
        prop_assert_eq!(taken.is_err(), scheme.proves_body());
    }

    #[test]
    fn one_bit_of_a_header_is_enough((id, now, body) in message(), scheme in scheme(), line: Index, at: Index) {
        prop_assume!(is_all_proof(scheme));
        let headers = sign(&sender(scheme, 1), &id, now, &body).unwrap();
        let mut headers: Vec<_> = headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
        flip(&mut line.get_mut(&mut headers).1, at);
        prop_assert!(Unverified::new(&body).verify(&verifier(scheme, [1]), &headers, now).is_err());
    }

    #[test]
    fn one_byte_more_or_less_is_enough((id, now, body) in message(), scheme in scheme(), line: Index, at: Index, byte: u8) {
        prop_assume!(is_all_proof(scheme));
        let headers = sign(&sender(scheme, 1), &id, now, &body).unwrap();
        let headers: Vec<_> = headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
        let (mut longer, mut shorter) = (headers.clone(), headers);
        let longer_value = &mut line.get_mut(&mut longer).1;
        longer_value.insert(at.index(longer_value.len() + 1), byte);
        let shorter_value = &mut line.get_mut(&mut shorter).1;
        shorter_value.remove(at.index(shorter_value.len()));
        for headers in [longer, shorter] {
            prop_assert!(Unverified::new(&body).verify(&verifier(scheme, [1]), &headers, now).is_err());
        }
    }

    #[test]
    fn no_header_panics_or_passes(
        scheme in scheme(),
        values in prop::collection::vec((select(vec![0usize, 1, 2]), header_bytes()), 0..5),
        body: Vec<u8>,
        now: i64,
    ) {
        let names = scheme.security_headers();
        let headers: Vec<_> = values.into_iter().map(|(at, value)| (names[at % names.len()], value)).collect();
        prop_assert!(Unverified::new(&body).verify(&verifier(scheme, [1, 2]), &headers, now).is_err());
    }

    #[test]
    fn any_clock_judges_alike(scheme in scheme(), signed_at in 0i64..253_402_300_800, now in clock()) {
        let headers = sign(&sender(scheme, 1), "msg", signed_at, b"{}").unwrap();
        let taken = Unverified::new("{}").verify(&verifier(scheme, [1]), &headers, now);
        let off = i128::from(now) - i128::from(signed_at);
        let expected = match off {
            _ if !scheme.signs_time() => "accepted",
            -300..=300 => "accepted",
            301.. => "stale",
            _ => "future",
        };
        prop_assert_eq!(taken.map_or_else(|refusal| refusal.code(), |_| "accepted"), expected);
    }

    #[test]
    fn what_a_form_holds_is_what_was_signed(text: Vec<u8>, now: i64) {
        let escaped: String = text.iter().map(|byte| format!("%{byte:02X}")).collect();
        let form = format!("payload={escaped}");
        let of_text = sign(&key(Scheme::Gitea, 1), "", now, &text);
        prop_assume!(!text.starts_with(b"payload="));
        let of_form = sign(&key(Scheme::Gitea, 1), "", now, form.as_bytes()).unwrap();
        prop_assert_eq!(of_text.as_ref(), Ok(&of_form));
        let verified = Unverified::new(form.into_bytes()).verify(&verifier(Scheme::Gitea, [1]), &of_form, now).unwrap();
        prop_assert_eq!(verified.body(), &text[..]);
        prop_assert_eq!(verified.into_body(), text);
    }

    #[test]
    fn no_secret_panics(
        scheme in select([&signable()[..], Scheme::ALL].concat()),
        secret: Vec<u8>,
        text in "((whsec|whpk|whsk)_)?[A-Za-z0-9+/]{0,100}={0,2}",
        pem in "-----BEGIN (RSA )?PUBLIC KEY-----[A-Za-z0-9+/\n]{0,600}={0,2}\n?-----END (RSA )?PUBLIC KEY-----",
    ) {
        for secret in [secret.as_slice(), text.as_bytes(), pem.as_bytes()] {
            let Ok(key) = Key::for_sender(scheme, "any", secret) else { continue };
            prop_assert!(!secret.is_empty());
            let headers = match sign(&key, "msg", 1, b"{}") {
                Err(SignError::OnlyTheSender) => continue,
                headers => headers.unwrap(),
            };
            let verifier = Verifier::new(scheme, vec![key]).unwrap();
            let verified = Unverified::new("{}").verify(&verifier, &headers, 1);
            prop_assert!(verified.is_ok());
        }
    }

    /// The few that are taken are kept for ever, so this makes few.
    #[test]
    fn no_form_panics(header: String, prefix in "[ -~é]{0,40}", time: Option<String>, separator: String) {
        let timestamp = time.as_deref().map(|header| HmacTimestamp { header, separator: &separator });
        let settings = HmacSettings { prefix: &prefix, timestamp, ..HmacSettings::new(&header) };
        if let Ok(form) = HmacForm::new(&settings) {
            let scheme = Scheme::Hmac(form);
            let headers = sign(&sender(scheme, 1), "", 1, b"{}").unwrap();
            let verified = Unverified::new("{}").verify(&verifier(scheme, [1]), &headers, 1);
            prop_assert!(verified.is_ok());
        }
    }
}

fn clock() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), -1000i64..1_000_000_001_000]
}
