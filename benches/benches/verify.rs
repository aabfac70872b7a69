//! Verifying against the bare `hmac` crate over the same bytes.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use hmac::{Hmac, KeyInit, Mac};
use meshhook_benches::Ratio;
use meshhook_verify::{Key, Scheme, Unverified, Verifier, sign};
use sha2::Sha256;

const SECRET: &[u8] = b"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0";
const NOW: i64 = 1_700_000_000;
const KIBIBYTES: [usize; 3] = [1, 20, 1024];

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for kib in KIBIBYTES {
        compare(&mut criterion, kib);
    }
    criterion.final_summary();
    // As criterion does: without this flag it is a test, and every way is only gone once.
    if std::env::args().any(|arg| arg == "--bench") {
        print_ratios();
    }
}

fn compare(criterion: &mut Criterion, kib: usize) {
    let body = body(kib);
    let mut group = criterion.benchmark_group("verify");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function(BenchmarkId::new("bare hmac", format!("{kib} KiB")), |b| b.iter(bare(&body)));
    for scheme in schemes() {
        group.bench_function(BenchmarkId::new(scheme.as_str(), format!("{kib} KiB")), |b| {
            b.iter(verify(scheme, &body));
        });
    }
    group.finish();
}

#[expect(clippy::print_stdout, reason = "the result")]
fn print_ratios() {
    for kib in KIBIBYTES {
        let body = body(kib);
        for scheme in schemes() {
            let Ratio { ratio, ours, floor } = Ratio::measure(verify(scheme, &body), bare(&body));
            println!("verify {kib} KiB, {scheme}: {ratio:.3} × bare hmac ({ours:.2?} / {floor:.2?})");
        }
    }
}

fn body(kib: usize) -> Vec<u8> {
    b"{\"action\":\"completed\"} ".iter().copied().cycle().take(kib << 10).collect()
}

/// A whole HMAC: key in, body in, compared.
fn bare(body: &[u8]) -> impl FnMut() {
    let keyed = || Hmac::<Sha256>::new_from_slice(black_box(SECRET)).expect("any length will do");
    let tag = keyed().chain_update(body).finalize().into_bytes();
    move || keyed().chain_update(black_box(body)).verify_slice(&tag).expect("the tag is right")
}

/// Those that sign a body with a secret that both sides have.
fn schemes() -> impl Iterator<Item = Scheme> {
    let signed = |scheme: &Scheme| scheme.proves_body() && scheme.as_str() != "travis";
    Scheme::ALL.iter().copied().filter(signed)
}

/// What the gateway does with a request's body and headers.
fn verify(scheme: Scheme, body: &[u8]) -> impl FnMut() {
    let key = Key::new(scheme, "bench", SECRET).expect("the secret is one of every scheme");
    let headers = sign(&key, "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", NOW, body).expect("all of it can be signed");
    let verifier = Verifier::new(scheme, vec![key]).expect("the key is of the scheme");
    move || {
        let verified = Unverified::new(black_box(body)).verify(&verifier, black_box(&headers), NOW);
        black_box(verified.expect("the request is genuine"));
    }
}
