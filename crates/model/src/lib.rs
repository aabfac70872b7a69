#![doc = include_str!("../README.md")]

mod glob;
mod link;
mod status;
mod text;
mod time;
mod words;

pub use glob::{Glob, GlobError, Globs};
pub use link::{LinkError, RunUrl, WebLink};
pub use status::{BuildStatus, Details};
pub use text::Text;
pub use time::Timestamp;
pub use words::{Attempt, Round, State, Unit, UnknownWord};
