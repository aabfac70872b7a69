//! The reference library of Standard Webhooks as a judge beside this one.

use std::time::{SystemTime, UNIX_EPOCH};

use base64ct::{Base64, Encoding};
use http::{HeaderMap, HeaderValue};
use meshhook_verify::{Key, Scheme, Unverified, Verifier, sign};
use proptest::prelude::*;
use standardwebhooks::Webhook;

type Lines = Vec<(&'static str, Vec<u8>)>;

prop_compose! {
    fn message()(
        secret in prop::collection::vec(any::<u8>(), 24..=64),
        id in "[A-Za-z0-9_-]{1,128}",
        body in any::<String>(),
    ) -> (Vec<u8>, String, String) {
        (secret, id, body)
    }
}

proptest! {
    #[test]
    fn both_sign_alike((secret, id, body) in message(), time in 0i64..1_000_000_000_000) {
        let theirs = Webhook::from_bytes(secret.clone()).unwrap().sign(&id, time, body.as_bytes()).unwrap();
        let ours = sign(&key(&secret), &id, time, body.as_bytes()).unwrap();
        prop_assert_eq!(&ours[2].1, &theirs);
    }

    #[test]
    fn both_take_what_is_right((secret, id, body) in message(), off in -290i64..=290) {
        let lines = signed(&secret, &id, now() + off, &body);
        prop_assert!(we_take(&secret, &lines, &body));
        prop_assert!(they_take(&secret, &lines, &body));
    }

    /// Far from the edge, so that the second between two looks at the clock cannot matter.
    #[test]
    fn both_refuse_what_is_old((secret, id, body) in message(), off in 310i64..1_000_000_000, ahead: bool) {
        let lines = signed(&secret, &id, if ahead { now() + off } else { now() - off }, &body);
        prop_assert!(!we_take(&secret, &lines, &body));
        prop_assert!(!they_take(&secret, &lines, &body));
    }

    /// Ours is the stricter of the two, never the laxer.
    #[test]
    fn what_we_take_they_take_too(
        (secret, id, body) in message(),
        line in 0usize..3,
        at: prop::sample::Index,
        with in "[ -~]{0,3}",
    ) {
        let mut lines = signed(&secret, &id, now(), &body);
        let value = &mut lines[line].1;
        let at = at.index(value.len());
        value.splice(at..=at, with.bytes());
        prop_assert!(!we_take(&secret, &lines, &body) || they_take(&secret, &lines, &body));
    }

    /// Lists of entries in form: both agree, whichever of them is right.
    #[test]
    fn both_read_a_list_alike(
        (secret, id, body) in message(),
        others in prop::collection::vec(prop::sample::select(vec!["v1", "v1a", "v2"]), 0..7),
        right: Option<prop::sample::Index>,
    ) {
        let mut lines = signed(&secret, &id, now(), &body);
        let wrong = signed(&[7; 32], &id, now(), &body)[2].1[2..].to_vec();
        let mut entries: Vec<Vec<u8>> =
            others.iter().map(|version| [version.as_bytes(), &wrong].concat()).collect();
        if let Some(at) = right {
            entries.insert(at.index(entries.len() + 1), lines[2].1.clone());
        }
        prop_assume!(!entries.is_empty());
        lines[2].1 = entries.join(&b' ');
        prop_assert_eq!(we_take(&secret, &lines, &body), right.is_some());
        prop_assert_eq!(they_take(&secret, &lines, &body), right.is_some());
    }
}

fn key(secret: &[u8]) -> Key {
    Key::new(Scheme::StandardWebhooks, "key", Base64::encode_string(secret).as_bytes()).unwrap()
}

/// Signed by the reference library.
fn signed(secret: &[u8], id: &str, time: i64, body: &str) -> Lines {
    let signature = Webhook::from_bytes(secret.to_vec()).unwrap().sign(id, time, body.as_bytes()).unwrap();
    vec![
        ("webhook-id", id.into()),
        ("webhook-timestamp", time.to_string().into()),
        ("webhook-signature", signature.into()),
    ]
}

fn we_take(secret: &[u8], lines: &Lines, body: &str) -> bool {
    let verifier = Verifier::new(Scheme::StandardWebhooks, vec![key(secret)]).unwrap();
    Unverified::new(body).verify(&verifier, lines, now()).is_ok()
}

fn they_take(secret: &[u8], lines: &Lines, body: &str) -> bool {
    let headers: HeaderMap = lines
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_bytes(value).unwrap()))
        .collect();
    Webhook::from_bytes(secret.to_vec()).unwrap().verify(body.as_bytes(), &headers).is_ok()
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}
