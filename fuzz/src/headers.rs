//! The headers of a request that is verified.

use meshhook_verify::{Key, Scheme, Unverified, Verifier};

use crate::choice;

const NOW: i64 = 1_777_885_960;

/// The key that no fuzzer finds, as text and as base64 of 48 bytes.
const SECRET: &[u8] = b"dGhlIGtleSB0aGF0IG5vIGZ1enplciBmaW5kcywgaG93ZXZlciBsb25nIGl0IHJ1bnM=";

/// The key of Travis CI, of which nobody has the private one.
const PUBLIC_KEY: &[u8] = include_bytes!("../../crates/config/tests/it/public-key.pem");

/// Of the first byte's scheme: no headers panic, and none is genuine.
///
/// # Panics
/// Where something holds that must not.
pub fn headers(data: &[u8]) {
    let Some((first, rest)) = choice(data) else { return };
    let scheme = Scheme::ALL[first % Scheme::ALL.len()];
    let key = Key::new(scheme, "fuzz", secret(scheme)).expect("it is one of the scheme's");
    let verifier = Verifier::new(scheme, vec![key]).expect("there is a key");
    let (head, body) = split(rest, b"\n\n");
    let lines: Vec<(String, &[u8])> = head.split(|byte| *byte == b'\n').map(line).collect();
    let verified = Unverified::new(body).verify(&verifier, &lines, NOW);
    assert!(verified.is_err(), "a stranger is genuine to {scheme}");
    // Whether its headers are there is asked of strangers, too.
    std::hint::black_box(verifier.applies_to(&lines));
}

/// As the scheme writes it.
fn secret(scheme: Scheme) -> &'static [u8] {
    match scheme {
        Scheme::Travis => PUBLIC_KEY,
        // The rest stands for itself in no path.
        Scheme::PathToken => &SECRET[..40],
        _ => SECRET,
    }
}

fn line(line: &[u8]) -> (String, &[u8]) {
    let (name, value) = split(line, b":");
    (String::from_utf8_lossy(name).into_owned(), value.trim_ascii())
}

fn split<'a>(bytes: &'a [u8], at: &[u8]) -> (&'a [u8], &'a [u8]) {
    match bytes.windows(at.len()).position(|window| window == at) {
        Some(found) => (&bytes[..found], &bytes[found + at.len()..]),
        None => (bytes, &[]),
    }
}
