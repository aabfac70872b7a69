//! Verifying allocates nothing, whatever comes of it.

use allocation_counter::measure;
use meshhook_verify::{Unverified, Verifier};

use crate::keys::{key, signable, signed};

const NOW: i64 = 1_700_000_000;

/// Of the forms that are signed as what they hold, see the next; public keys are not measured.
#[test]
fn verifying_allocates_nothing() {
    for scheme in signable() {
        let body = vec![b'x'; 20 << 10];
        let (headers, other) = (signed(scheme, 1, NOW, &body), signed(scheme, 3, NOW, &body));
        let verifier = Verifier::new(scheme, vec![key(scheme, 1), key(scheme, 2)]).unwrap();
        let counted = measure(|| {
            let verified = Unverified::new(&body).verify(&verifier, &headers, NOW).unwrap();
            assert_eq!(verified.key(), "key 1");
            assert!(Unverified::new(&body).verify(&verifier, &other, NOW).is_err());
            assert!(Unverified::new(&body).verify(&verifier, &[("a", "b")], NOW).is_err());
        });
        assert_eq!(counted.count_total, 0, "{scheme}");
    }
    assert_eq!(measure(|| drop(std::hint::black_box(vec![1]))).count_total, 1, "the counter counts");
}

/// The text that was signed has to be held somewhere: once.
#[test]
fn a_form_is_decoded_once() {
    use meshhook_verify::Scheme::Gitea;
    let body = [&b"payload="[..], &b"%7b".repeat(20 << 10)].concat();
    let headers = signed(Gitea, 1, NOW, &body);
    let verifier = Verifier::new(Gitea, vec![key(Gitea, 1), key(Gitea, 2)]).unwrap();
    let counted = measure(|| {
        let verified = Unverified::new(&body).verify(&verifier, &headers, NOW).unwrap();
        assert_eq!(verified.body(), b"{".repeat(20 << 10));
    });
    // The text, and what it is compared with here.
    assert_eq!(counted.count_total, 2);
    let counted = measure(|| {
        assert!(Unverified::new(&body).verify(&verifier, &[("X-Gitea-Signature", "00")], NOW).is_err());
    });
    assert_eq!(counted.count_total, 0, "nothing is decoded for headers that are out of form");
}
