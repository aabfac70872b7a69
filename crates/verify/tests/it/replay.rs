//! Captured genuine requests, changed where a naive receiver would not notice.

use meshhook_verify::{Refusal, Scheme, Unverified, Verified, Verifier, sign};

use crate::keys::{key, signable, signed};

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

/// Most sign no header: another event name over the same body verifies. So nothing of it is given out.
#[test]
fn nothing_unsigned_is_vouched_for() {
    for scheme in signable().into_iter().filter(|scheme| !scheme.signs_time()) {
        let mut captured = signed(scheme, 1, NOW, b"{}");
        captured.push(("X-GitHub-Event", "deployment".to_owned()));
        captured.push(("webhook-id", "msg_of_another".to_owned()));
        captured.push(("webhook-timestamp", "1".to_owned()));
        let verifier = Verifier::new(scheme, vec![key(scheme, 1)]).unwrap();
        let verified = Unverified::new("{}").verify(&verifier, &captured, NOW).unwrap();
        assert_eq!((verified.message_id(), verified.signed_at()), (None, None));
    }
}

/// A captured request of the bearer class is good for any other, at any time: the caller has to know.
#[test]
fn the_bearer_class_proves_neither_body_nor_time() {
    for scheme in signable() {
        let captured = signed(scheme, 1, NOW, b"{\"state\":\"passed\"}");
        let verifier = Verifier::new(scheme, vec![key(scheme, 1)]).unwrap();
        let other = Unverified::new("{\"state\":\"failed\"}").verify(&verifier, &captured, NOW + 1_000_000);
        assert_eq!(other.is_ok(), !scheme.proves_body(), "{scheme}");
    }
    let unproved = signable().into_iter().filter(|scheme| !scheme.proves_body());
    assert_eq!(unproved.count(), 5);
}

/// Every scheme that signs the time, five minutes later.
#[test]
fn a_signed_time_runs_out() {
    for scheme in signable().into_iter().filter(|scheme| scheme.signs_time()) {
        let captured = signed(scheme, 1, NOW, b"{}");
        let verifier = Verifier::new(scheme, vec![key(scheme, 1)]).unwrap();
        let at = |now| {
            Unverified::new("{}").verify(&verifier, &captured, now).map(|verified| verified.signed_at())
        };
        assert_eq!(at(NOW + 300), Ok(Some(NOW)), "{scheme}");
        assert_eq!(at(NOW + 301), Err(Refusal::Stale { seconds: 301 }), "{scheme}");
        assert_eq!(at(NOW - 301), Err(Refusal::Future { seconds: 301 }), "{scheme}");
    }
}

/// Drone signs the digest, not the body: a captured signature fits any body, were the digest not compared.
#[test]
fn a_digest_is_that_of_the_body() {
    let mut captured = signed(Scheme::Drone, 1, NOW, b"{\"state\":\"passed\"}");
    let verifier = Verifier::new(Scheme::Drone, vec![key(Scheme::Drone, 1)]).unwrap();
    let forged = Unverified::new("{\"state\":\"failed\"}").verify(&verifier, &captured, NOW);
    assert_eq!(forged.unwrap_err(), Refusal::DigestMismatch);
    captured[2].1 = signed(Scheme::Drone, 9, NOW, b"{\"state\":\"failed\"}")[2].1.clone();
    let forged = Unverified::new("{\"state\":\"failed\"}").verify(&verifier, &captured, NOW);
    assert_eq!(forged.unwrap_err(), Refusal::SignatureMismatch);
}

/// The same text in a form, and out of it: whichever way a captured request is wrapped, what is read is what was signed.
#[test]
fn a_captured_text_reads_the_same_in_a_form_and_without() {
    let text = b"{\"a\":\"payload=1\"}";
    let form = b"payload=%7B%22a%22:%22payload%3D1%22%7D";
    let verifier = Verifier::new(Scheme::Gitea, vec![key(Scheme::Gitea, 1)]).unwrap();
    for (sent, wrapped) in [(&text[..], &form[..]), (form, text)] {
        let captured = signed(Scheme::Gitea, 1, NOW, sent);
        let verified = Unverified::new(wrapped).verify(&verifier, &captured, NOW).unwrap();
        assert_eq!(verified.body(), text);
    }
}

/// The other signature in front of, behind, or joined with the right one.
#[test]
fn a_second_line_is_never_passed_over() {
    for scheme in signable() {
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
