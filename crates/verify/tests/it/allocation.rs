//! Verifying allocates nothing, whatever comes of it.

use allocation_counter::measure;
use meshhook_verify::{Scheme, Unverified, Verifier};

use crate::keys::{key, signed};

const NOW: i64 = 1_700_000_000;

#[test]
fn verifying_allocates_nothing() {
    for &scheme in Scheme::ALL {
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
