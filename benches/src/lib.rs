//! What benchmarks have in common: ratios within one run, and requests as CI systems make them.

mod posted;
mod ratio;

pub use posted::{Posted, bare_hmac};
pub use ratio::{Ratio, median};
