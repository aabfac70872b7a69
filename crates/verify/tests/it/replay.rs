//! Captured genuine requests, changed where a naive receiver would not notice.

use meshhook_verify::{Refusal, Scheme, Unverified, Verified, Verifier, sign};

use crate::keys::{key, signed};

const NOW: i64 = 1_700_000_000;

/// `id.timestamp.body` can be cut at another dot, and the signature still fits.
#[test]
fn a_dotted_webhook_id_cannot_re_split_the_signed_bytes() {
    let captured = signed(Scheme::StandardWebhooks, 1, NOW, b"1700000007.{\"state\":\"failed\"}");
    let [(_, id), (_, time), signature] = &captured[..] else { panic!("{captured:?}") };

    let forged_id = format!("{id}.{time}");
    let forged = [
        ("webhook-id", forged_id.as_str()),
        ("webhook-timestamp", "1700000007"),
        (signature.0, &signature.1),
    ];
    assert_eq!(standard("{\"state\":\"failed\"}", &forged, NOW).unwrap_err(), Refusal::MessageIdMalformed);

    // The same bytes as they were sent do verify: it is the cut that is refused, not the signature.
    assert!(standard("1700000007.{\"state\":\"failed\"}", &captured.as_slice(), NOW).is_ok());
}

#[test]
fn a_dotted_webhook_id_is_never_signed() {
    let key = key(Scheme::StandardWebhooks, 1);
    assert!(sign(&key, "msg_1.1700000000", NOW, b"{}").is_err());
}

/// A part of the body moved into the time, or the other way round.
#[test]
fn the_time_and_the_body_cannot_trade_digits() {
    let captured = signed(Scheme::StandardWebhooks, 1, NOW, b"{}");
    for (time, body) in
        [("170000000", "0.{}"), ("17000000000", "{}"), ("1700000000.", "{}"), ("1700000000.{}", "")]
    {
        let mut forged = captured.clone();
        forged[1].1 = time.to_owned();
        assert!(standard(body, &forged.as_slice(), NOW).is_err(), "{time} {body}");
    }
}

#[test]
fn a_captured_request_is_no_good_after_five_minutes() {
    let captured = signed(Scheme::StandardWebhooks, 1, NOW, b"{}");
    assert!(standard("{}", &captured.as_slice(), NOW + 300).is_ok());
    assert_eq!(standard("{}", &captured.as_slice(), NOW + 301).unwrap_err(), Refusal::Stale { seconds: 301 });
    let mut forged = captured;
    forged[1].1 = (NOW + 301).to_string();
    assert_eq!(standard("{}", &forged.as_slice(), NOW + 301).unwrap_err(), Refusal::SignatureMismatch);
}

/// GitHub signs no header: another event name over the same body verifies. So nothing of it is given out.
#[test]
fn nothing_unsigned_is_vouched_for() {
    let mut captured = signed(Scheme::Github, 1, NOW, b"{}");
    captured.push(("X-GitHub-Event", "deployment".to_owned()));
    captured.push(("webhook-id", "msg_of_another".to_owned()));
    captured.push(("webhook-timestamp", "1".to_owned()));
    let verifier = Verifier::new(Scheme::Github, vec![key(Scheme::Github, 1)]).unwrap();
    let verified = Unverified::new("{}").verify(&verifier, &captured, NOW).unwrap();
    assert_eq!((verified.message_id(), verified.signed_at()), (None, None));
}

/// The other signature in front of, behind, or joined with the right one.
#[test]
fn a_second_line_is_never_passed_over() {
    for &scheme in Scheme::ALL {
        let genuine = signed(scheme, 1, NOW, b"{}");
        let verifier = Verifier::new(scheme, vec![key(scheme, 1)]).unwrap();
        for at in 0..genuine.len() {
            let mut forged = genuine.clone();
            forged.insert(0, genuine[at].clone());
            let refusal = Unverified::new("{}").verify(&verifier, &forged, NOW).unwrap_err();
            assert_eq!(refusal, Refusal::HeaderRepeated { header: genuine[at].0 });
        }
    }
}

fn standard<'b>(
    body: &'b str,
    headers: &dyn meshhook_verify::Headers,
    now: i64,
) -> Result<Verified<&'b str>, Refusal> {
    let scheme = Scheme::StandardWebhooks;
    let verifier = Verifier::new(scheme, vec![key(scheme, 1)]).unwrap();
    Unverified::new(body).verify(&verifier, headers, now)
}
