//! The fuzz targets: what has to hold whatever a stranger sends.
//!
//! Each is a function of bytes, so that a stable compiler can replay the corpus: `tests/it`. A program for libFuzzer is
//! a line around it, in `fuzz_targets`; `cargo xtask fuzz` runs them where there are a nightly compiler and cargo-fuzz.

mod headers;
mod provider;
mod push;
mod render;

pub use headers::headers;
pub use provider::{generic, provider};
pub use push::push;
pub use render::render;

/// A target by its name: what the corpus's folder of that name is for.
pub type Target = fn(&[u8]);

/// Every target.
pub const TARGETS: [(&str, Target); 5] =
    [("headers", headers), ("provider", provider), ("render", render), ("generic", generic), ("push", push)];

/// The first byte as a choice, and the rest.
fn choice(data: &[u8]) -> Option<(usize, &[u8])> {
    data.split_first().map(|(first, rest)| (usize::from(*first), rest))
}
