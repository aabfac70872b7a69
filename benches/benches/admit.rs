//! From bytes to a message, stage by stage, against the bare HMAC of the same bytes.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use meshhook_benches::{Posted, Ratio, bare_hmac};
use meshhook_testkit::Payload;
use serde::de::IgnoredAny;

const KIBIBYTES: [usize; 3] = [1, 20, 100];

/// What is done with a request, by its name.
type Stage = (&'static str, fn(&Posted) -> Box<dyn Fn() + '_>);

const STAGES: [Stage; 5] =
    [("verify", verify), ("skip", skip), ("normalize", normalize), ("render", render), ("admit", admit)];

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    each(|name, posted| compare(&mut criterion, name, posted));
    criterion.final_summary();
    // As criterion does: without this flag it is a test, and every way is only gone once.
    if std::env::args().any(|arg| arg == "--bench") {
        each(print_ratios);
    }
}

fn each(mut work: impl FnMut(&str, &Posted)) {
    for payload in Payload::ALL {
        for kib in KIBIBYTES {
            work(&format!("{} {kib} KiB", payload.name()), &Posted::new(payload, kib << 10));
        }
    }
}

fn compare(criterion: &mut Criterion, name: &str, posted: &Posted) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(posted.body.len() as u64));
    group.bench_function("bare hmac", |b| b.iter(bare_hmac(&posted.body)));
    for (stage, work) in STAGES {
        group.bench_function(stage, |b| b.iter(work(posted)));
    }
    group.finish();
}

#[expect(clippy::print_stdout, reason = "the result")]
fn print_ratios(name: &str, posted: &Posted) {
    for (stage, work) in STAGES {
        let Ratio { ratio, ours, floor } = Ratio::measure(work(posted), bare_hmac(&posted.body));
        println!("{name}, {stage}: {ratio:.3} × bare hmac ({ours:.2?} / {floor:.2?})");
    }
}

fn verify(posted: &Posted) -> Box<dyn Fn() + '_> {
    Box::new(|| posted.verify())
}

/// The least that reading JSON can cost: it is gone through, and nothing is kept.
fn skip(posted: &Posted) -> Box<dyn Fn() + '_> {
    Box::new(|| {
        let skipped: serde_json::Result<IgnoredAny> = serde_json::from_slice(black_box(&posted.body));
        black_box(skipped.expect("it is JSON"));
    })
}

fn normalize(posted: &Posted) -> Box<dyn Fn() + '_> {
    Box::new(|| drop(black_box(posted.normalize())))
}

fn render(posted: &Posted) -> Box<dyn Fn() + '_> {
    let status = posted.status();
    Box::new(move || drop(black_box(posted.render(&status))))
}

fn admit(posted: &Posted) -> Box<dyn Fn() + '_> {
    Box::new(|| drop(black_box(posted.admit())))
}
