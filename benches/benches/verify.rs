//! Verifying against the bare `hmac` crate over the same bytes, and that against other libraries.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use meshhook_benches::{Posted, Ratio, bare_hmac};
use meshhook_verify::Scheme;

const SECRET: &[u8] = b"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0";
const KIBIBYTES: [usize; 3] = [1, 20, 1024];

/// What else checks an HMAC, made ready for a body.
type Other = fn(&[u8]) -> Box<dyn Fn() + '_>;

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
    let size = format!("{kib} KiB");
    group.bench_function(BenchmarkId::new("bare hmac", &size), |b| b.iter(bare_hmac(&body)));
    for (name, other) in others() {
        group.bench_function(BenchmarkId::new(name, &size), |b| b.iter(other(&body)));
    }
    for scheme in schemes() {
        let posted = Posted::of("standard", scheme, body.clone());
        group.bench_function(BenchmarkId::new(scheme.as_str(), &size), |b| b.iter(|| posted.verify()));
    }
    group.finish();
}

fn print_ratios() {
    for kib in KIBIBYTES {
        let body = body(kib);
        for (name, other) in others() {
            print(kib, name, &Ratio::measure(other(&body), bare_hmac(&body)));
        }
        for scheme in schemes() {
            let posted = Posted::of("standard", scheme, body.clone());
            print(kib, scheme.as_str(), &Ratio::measure(|| posted.verify(), bare_hmac(&body)));
        }
    }
}

#[expect(clippy::print_stdout, reason = "the result")]
fn print(kib: usize, name: &str, Ratio { ratio, ours, floor }: &Ratio) {
    println!("verify {kib} KiB, {name}: {ratio:.3} × bare hmac ({ours:.2?} / {floor:.2?})");
}

fn body(kib: usize) -> Vec<u8> {
    b"{\"action\":\"completed\"} ".iter().copied().cycle().take(kib << 10).collect()
}

/// Those that sign a body with a secret that both sides have.
fn schemes() -> impl Iterator<Item = Scheme> {
    let signed = |scheme: &Scheme| scheme.proves_body() && scheme.as_str() != "travis";
    Scheme::ALL.iter().copied().filter(signed)
}

fn others() -> Vec<(&'static str, Other)> {
    vec![
        ("ring", ring),
        #[cfg(feature = "aws-lc")]
        ("aws-lc-rs", aws_lc),
    ]
}

/// As of the bare one: key in, body in, compared.
fn ring(body: &[u8]) -> Box<dyn Fn() + '_> {
    use ring::hmac::{HMAC_SHA256, Key, sign, verify};
    let key = || Key::new(HMAC_SHA256, black_box(SECRET));
    let tag = sign(&key(), body);
    Box::new(move || verify(&key(), black_box(body), tag.as_ref()).expect("the tag is right"))
}

#[cfg(feature = "aws-lc")]
fn aws_lc(body: &[u8]) -> Box<dyn Fn() + '_> {
    use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign, verify};
    let key = || Key::new(HMAC_SHA256, black_box(SECRET));
    let tag = sign(&key(), body);
    Box::new(move || verify(&key(), black_box(body), tag.as_ref()).expect("the tag is right"))
}
