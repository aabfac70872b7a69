#![doc = include_str!("../README.md")]

mod appcircle;
mod appveyor;
mod azure_devops;
mod bitbucket;
mod bitrise;
mod body;
mod branch;
mod buildbot;
mod buildkite;
mod cdevents;
mod circleci;
mod cirrus;
mod cloud_event;
mod codeship;
mod draft;
mod drone;
mod eas;
mod explain;
mod forgejo;
mod generic;
mod gitea;
mod github;
mod gitlab;
mod gocd;
mod harness;
mod jenkins;
mod newest;
mod provider;
mod reader;
mod reading;
mod refs;
mod remote;
mod rounds;
mod semaphore;
mod standard;
mod surrogates;
mod teamcity;
mod tekton;
mod times;
mod travis;
mod tree;
mod words;
mod xcode_cloud;

pub use body::BodyError;
pub use explain::Explanation;
pub use generic::{FieldMap, Origin, Pointer};
pub use provider::Provider;
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
    let text = body::text(body)?;
    let text = surrogates::mend(&text);
    let root = tree::parse(&text)?;
    Ok(Provider::ALL.iter().copied().find(|provider| provider.fits(&root)))
}
