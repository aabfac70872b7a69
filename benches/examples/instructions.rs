//! Does one thing so many times, and nothing else that depends on how many: `cargo xtask instructions` runs it under
//! callgrind with two numbers of times, and the difference is what one time costs.

use std::hint::black_box;
use std::process::ExitCode;

use meshhook_benches::{Posted, bare_hmac};
use meshhook_testkit::Payload;
use meshhook_verify::Scheme;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let times = words.get(1).and_then(|times| times.parse().ok());
    match (words.first(), times) {
        (Some(case), Some(times)) if run(case, times) => ExitCode::SUCCESS,
        _ => ExitCode::from(2),
    }
}

/// False where there is no such case: `STAGE PAYLOAD KIB`.
fn run(case: &str, times: u32) -> bool {
    let [stage, payload, kib] = case.split(' ').collect::<Vec<_>>()[..] else { return false };
    let Ok(kib) = kib.parse::<usize>() else { return false };
    let posted = match Payload::ALL.into_iter().find(|known| known.name() == payload) {
        Some(payload) => Posted::new(payload, kib << 10),
        None if payload == "any" => Posted::of("standard", Scheme::Github, vec![b' '; kib << 10]),
        None => return false,
    };
    let repeat = |work: &dyn Fn()| (0..times).for_each(|_| work());
    match stage {
        "hmac" => repeat(&bare_hmac(&posted.body)),
        "verify" => repeat(&|| posted.verify()),
        "normalize" => repeat(&|| drop(black_box(posted.normalize()))),
        "render" => {
            let status = posted.status();
            repeat(&|| drop(black_box(posted.render(&status))));
        }
        "admit" => repeat(&|| drop(black_box(posted.admit()))),
        _ => return false,
    }
    true
}
