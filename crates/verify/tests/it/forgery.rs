//! Properties: what is signed verifies, and nothing else does.

use meshhook_verify::{Key, Scheme, Unverified, Verifier, sign};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::keys::key;

prop_compose! {
    /// A message id, a time and a body that every scheme can sign.
    fn message()(
        id in "[A-Za-z0-9_-]{1,128}",
        now in 0i64..1_000_000_000_000,
        body in prop::collection::vec(any::<u8>(), 0..300),
    ) -> (String, i64, Vec<u8>) {
        (id, now, body)
    }
}

fn scheme() -> impl Strategy<Value = Scheme> {
    select(Scheme::ALL)
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
        "(sha256=)?[0-9a-fA-F]{0,70}".prop_map(String::into_bytes),
        "(v1a?,[A-Za-z0-9+/]{42,44}={0,2} ?){0,9}".prop_map(String::into_bytes),
        "[-+]?[0-9]{0,400}".prop_map(String::into_bytes),
    ]
}

#[test]
fn every_single_bit_counts() {
    for &scheme in Scheme::ALL {
        let body = b"{\"state\":\"failed\"}";
        let headers = sign(&key(scheme, 1), "msg_1", 1_700_000_000, body).unwrap();
        let genuine: Vec<_> = headers.iter().map(|(_, value)| value.as_bytes()).chain([&body[..]]).collect();
        for (part, bit) in
            (0..genuine.len()).flat_map(|part| (0..genuine[part].len() * 8).map(move |bit| (part, bit)))
        {
            let mut forged: Vec<_> = genuine.iter().map(|value| value.to_vec()).collect();
            forged[part][bit / 8] ^= 1 << (bit % 8);
            let body = forged.pop().unwrap();
            let lines: Vec<_> = headers.iter().map(|(name, _)| *name).zip(forged).collect();
            let taken = Unverified::new(body).verify(&verifier(scheme, [1, 2]), &lines, 1_700_000_000);
            assert!(taken.is_err(), "{scheme}: part {part}, bit {bit}");
        }
    }
}

proptest! {
    #[test]
    fn what_is_signed_verifies((id, now, body) in message(), scheme in scheme(), by in 0u8..4) {
        let headers = sign(&key(scheme, by), &id, now, &body).unwrap();
        let verified = Unverified::new(&body).verify(&verifier(scheme, 0..4), &headers, now).unwrap();
        prop_assert_eq!(verified.body(), &body[..]);
        prop_assert_eq!(verified.key(), format!("key {by}"));
        let signs_both = scheme == Scheme::StandardWebhooks;
        prop_assert_eq!(verified.message_id(), signs_both.then_some(id.as_str()));
        prop_assert_eq!(verified.signed_at(), signs_both.then_some(now));
    }

    #[test]
    fn another_key_does_not((id, now, body) in message(), scheme in scheme()) {
        let headers = sign(&key(scheme, 9), &id, now, &body).unwrap();
        prop_assert!(Unverified::new(&body).verify(&verifier(scheme, 0..4), &headers, now).is_err());
    }

    #[test]
    fn one_bit_of_the_body_is_enough((id, now, mut body) in message(), scheme in scheme(), at: Index) {
        prop_assume!(!body.is_empty());
        let headers = sign(&key(scheme, 1), &id, now, &body).unwrap();
        flip(&mut body, at);
        prop_assert!(Unverified::new(&body).verify(&verifier(scheme, [1]), &headers, now).is_err());
    }

    #[test]
    fn one_bit_of_a_header_is_enough((id, now, body) in message(), scheme in scheme(), line: Index, at: Index) {
        let headers = sign(&key(scheme, 1), &id, now, &body).unwrap();
        let mut headers: Vec<_> = headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
        flip(&mut line.get_mut(&mut headers).1, at);
        prop_assert!(Unverified::new(&body).verify(&verifier(scheme, [1]), &headers, now).is_err());
    }

    #[test]
    fn one_byte_more_or_less_is_enough((id, now, body) in message(), scheme in scheme(), line: Index, at: Index, byte: u8) {
        let headers = sign(&key(scheme, 1), &id, now, &body).unwrap();
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
    fn any_clock_judges_alike(signed_at in 0i64..1_000_000_000_000, now in clock()) {
        let headers = sign(&key(Scheme::StandardWebhooks, 1), "msg", signed_at, b"{}").unwrap();
        let taken = Unverified::new("{}").verify(&verifier(Scheme::StandardWebhooks, [1]), &headers, now);
        let off = i128::from(now) - i128::from(signed_at);
        let expected = match off {
            -300..=300 => "accepted",
            301.. => "stale",
            _ => "future",
        };
        prop_assert_eq!(taken.map_or_else(|refusal| refusal.code(), |_| "accepted"), expected);
    }

    #[test]
    fn no_secret_panics(scheme in scheme(), secret: Vec<u8>, text in "(whsec_)?[A-Za-z0-9+/]{0,100}={0,2}") {
        for secret in [secret.as_slice(), text.as_bytes()] {
            if let Ok(key) = Key::new(scheme, "any", secret) {
                prop_assert!(!secret.is_empty());
                let headers = sign(&key, "msg", 1, b"{}").unwrap();
                let verifier = Verifier::new(scheme, vec![key]).unwrap();
                let verified = Unverified::new("{}").verify(&verifier, &headers, 1);
                prop_assert!(verified.is_ok());
            }
        }
    }
}

fn clock() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), -1000i64..1_000_000_001_000]
}
