//! The CI systems that can be read.

use std::fmt;

use meshhook_model::Timestamp;

use crate::newest::{ReadTime, newest};
use crate::tree::Node;
use crate::{Meaning, github, gitlab, standard};

/// A CI system, or the format that is our own.
///
/// One more costs a file beside this one and a line in [`Provider::ALL`].
pub struct Provider {
    pub(crate) name: &'static str,
    pub(crate) schemes: &'static [&'static str],
    pub(crate) default_scheme: Option<&'static str>,
    pub(crate) event_header: Option<&'static str>,
    pub(crate) time: ReadTime,
    pub(crate) read: fn(&Node<'_>, Option<&str>) -> Meaning,
}

impl Provider {
    /// Every provider, in the order of their names.
    pub const ALL: &'static [&'static Self] = &[&github::PROVIDER, &gitlab::PROVIDER, &standard::PROVIDER];

    /// The provider of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().copied().find(|provider| provider.name == name)
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

    /// The header in which it names the event, where it has one.
    #[must_use]
    pub const fn event_header(&self) -> Option<&'static str> {
        self.event_header
    }

    pub(crate) fn newest(&self, body: &Node<'_>) -> Option<Timestamp> {
        newest(body, self.time)
    }

    pub(crate) fn meaning(&self, body: &Node<'_>, event: Option<&str>) -> Meaning {
        (self.read)(body, event)
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
            assert!(provider.default_scheme().is_none_or(|own| provider.schemes().contains(&own)));
        }
    }
}
