#![doc = include_str!("../README.md")]

mod appcircle;
mod appveyor;
mod bitrise;
mod body;
mod branch;
mod cdevents;
mod cirrus;
mod cloud_event;
mod codeship;
mod draft;
mod eas;
mod github;
mod gitlab;
mod harness;
mod newest;
mod provider;
mod reading;
mod semaphore;
mod standard;
mod surrogates;
mod tekton;
mod travis;
mod tree;
mod words;
mod xcode_cloud;

pub use body::BodyError;
pub use provider::Provider;
pub use reading::{Event, Identity, Ignored, Machine, Meaning, Reading, Unreadable};
pub use words::Words;

/// Reads the body of a POST whose signature has been checked.
///
/// `event_header` is the value of [`Provider::event_header`], where the POST had one. It is not signed: it may
/// agree with what the body is, it never decides. No other header has a say, the `Content-Type` least of all.
///
/// # Errors
/// The body is neither JSON nor a form that holds JSON, or it is too deep or too fine-grained to be a report.
pub fn read(provider: &Provider, body: &[u8], event_header: Option<&str>) -> Result<Reading, BodyError> {
    let text = body::text(body)?;
    let text = surrogates::mend(&text);
    let root = tree::parse(&text)?;
    Ok(provider.reading(&root, event_header, &Words::default()))
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
