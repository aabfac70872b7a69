//! The CI systems that can be read.

mod appcircle;
mod appveyor;
mod azure_devops;
mod bitbucket;
mod bitrise;
mod buildbot;
mod buildkite;
mod cdevents;
mod circleci;
mod cirrus;
mod codeship;
mod drone;
mod eas;
mod forgejo;
pub(crate) mod generic;
mod gitea;
mod github;
mod gitlab;
mod gocd;
mod harness;
mod jenkins;
mod semaphore;
mod standard;
mod teamcity;
mod tekton;
mod travis;
mod xcode_cloud;

use std::fmt;

use meshhook_model::{Timestamp, Unit};

use crate::Reading;
use crate::draft::Found;
use crate::tree::Node;
use crate::words::Words;

/// The schemes of a system that signs nothing itself: what a proxy may sign for it, then what proves possession only.
pub(crate) const UNSIGNED: &[&str] = &["bearer", "basic", "path-token", "hmac", "standard-webhooks"];

/// A CI system, or the format that is our own.
///
/// One more costs a file beside this one and a line in [`Provider::ALL`].
pub struct Provider {
    pub(crate) name: &'static str,
    pub(crate) schemes: &'static [&'static str],
    pub(crate) default_scheme: Option<&'static str>,
    /// What is announced where nobody says otherwise: what its people call a build.
    pub(crate) units: &'static [Unit],
    /// Of which a body may not tell that its branch is a fork's.
    pub(crate) forks_untold: &'static [Unit],
    pub(crate) event_header: Option<&'static str>,
    /// Whether a body has the shape of its build events, and of no other provider's.
    pub(crate) fits: fn(Node<'_>) -> bool,
    /// The newest time that the system itself, and no stranger, wrote into the body.
    pub(crate) newest: fn(Node<'_>) -> Option<Timestamp>,
    /// What a body says; the event header may only agree with it.
    pub(crate) read: fn(Node<'_>, Option<&str>) -> Found,
}

/// The units of a system that reports whole runs.
pub(crate) const RUNS: &[Unit] = &[Unit::Run];

/// Every scheme of which the sender chooses the form: for bodies of any shape.
pub(crate) const ANY: &[&str] = &["standard-webhooks", "hmac", "github", "bearer", "basic", "path-token"];

impl Provider {
    /// Every provider, in the order of their names.
    pub const ALL: &'static [&'static Self] = &[
        &appcircle::PROVIDER,
        &appveyor::PROVIDER,
        &azure_devops::PROVIDER,
        &bitbucket::PROVIDER,
        &bitrise::PROVIDER,
        &buildbot::PROVIDER,
        &buildkite::PROVIDER,
        &cdevents::PROVIDER,
        &circleci::PROVIDER,
        &cirrus::PROVIDER,
        &codeship::PROVIDER,
        &drone::PROVIDER,
        &eas::PROVIDER,
        &forgejo::PROVIDER,
        &gitea::PROVIDER,
        &github::PROVIDER,
        &gitlab::PROVIDER,
        &gocd::PROVIDER,
        &harness::PROVIDER,
        &jenkins::PROVIDER,
        &semaphore::PROVIDER,
        &standard::PROVIDER,
        &teamcity::PROVIDER,
        &tekton::PROVIDER,
        &travis::PROVIDER,
        &xcode_cloud::PROVIDER,
    ];

    /// Bodies of any shape, read by a [`FieldMap`](crate::FieldMap): none of [`Self::ALL`].
    pub const GENERIC: &'static Self = &generic::PROVIDER;

    /// The provider of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().copied().chain([Self::GENERIC]).find(|provider| provider.name == name)
    }

    /// Its name in a configuration.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The names of the signature schemes that its senders can use, the best first; never empty.
    #[must_use]
    pub const fn schemes(&self) -> &'static [&'static str] {
        self.schemes
    }

    /// The one of them that it uses where none is configured.
    ///
    /// `None` where one has to be named, since it depends on how the sender is set up.
    #[must_use]
    pub const fn default_scheme(&self) -> Option<&'static str> {
        self.default_scheme
    }

    /// What of it is announced where nothing is configured, as a rule whole runs.
    #[must_use]
    pub const fn units(&self) -> &'static [Unit] {
        self.units
    }

    /// The units of which a body may not tell that its branch is a fork's: a stranger's `main` looks like one's own.
    #[must_use]
    pub const fn forks_untold(&self) -> &'static [Unit] {
        self.forks_untold
    }

    /// The header in which it names the event, where it has one.
    #[must_use]
    pub const fn event_header(&self) -> Option<&'static str> {
        self.event_header
    }

    /// Whether a body has the shape of this system's build events, and of no other's.
    pub(crate) fn fits(&self, body: Node<'_>) -> bool {
        body.is_object() && (self.fits)(body)
    }

    pub(crate) fn reading(&self, body: Node<'_>, event: Option<&str>, words: &Words) -> Reading {
        let newest = if body.is_object() { (self.newest)(body) } else { None };
        Reading { newest, meaning: (self.read)(body, event).judged(words) }
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Provider").field(&self.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_its_name() {
        for provider in Provider::ALL {
            assert_eq!(Provider::by_name(provider.name()).unwrap().name(), provider.name());
        }
        assert!(Provider::ALL.is_sorted_by_key(|provider| provider.name()));
        assert!(Provider::by_name("GitHub").is_none());
    }

    #[test]
    fn what_is_used_by_default_can_be_used() {
        for provider in Provider::ALL {
            assert!(!provider.schemes().is_empty());
            assert!(provider.default_scheme().is_none_or(|own| provider.schemes()[0] == own));
        }
    }
}
