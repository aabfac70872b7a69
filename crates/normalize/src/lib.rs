#![doc = include_str!("../README.md")]

mod body;
mod cloud_event;
mod draft;
mod explain;
mod json;
mod newest;
mod provider;
mod reader;
mod reading;
mod refs;
mod remote;
mod rounds;
mod surrogates;
mod times;
mod tree;
mod words;

pub use body::BodyError;
pub use explain::Explanation;
pub use provider::Provider;
pub use provider::generic::{FieldMap, Origin, Pointer};
pub use reader::Reader;
pub use reading::{Event, Identity, Ignored, Machine, Meaning, Reading, Unreadable};
pub use words::Words;

/// Reads a body as its provider documents it: [`Reader::read`] without what an operator may add.
///
/// # Errors
/// As [`Reader::read`].
pub fn read(
    provider: &'static Provider,
    body: &[u8],
    event_header: Option<&str>,
) -> Result<Reading, BodyError> {
    Reader::new(provider).read(body, event_header)
}

/// The provider whose build events have the shape of this body, if one has: a guess, for people.
///
/// # Errors
/// As [`read`].
pub fn guess(body: &[u8]) -> Result<Option<&'static Provider>, BodyError> {
    json::read(body, |tree| Provider::ALL.iter().copied().find(|provider| provider.fits(tree.root())))
}
