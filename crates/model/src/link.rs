//! Addresses from outside that a person may click.

use std::fmt;

use serde::{Serialize, Serializer};
use url::{Host, Url};

use crate::Text;

/// Why an address is not made a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// Longer than [`WebLink::MAX_BYTES`].
    #[error("longer than 2,048 bytes")]
    TooLong,
    /// No absolute URL.
    #[error("not an absolute URL")]
    Malformed,
    /// Neither http nor https.
    #[error("neither http nor https")]
    Scheme,
    /// A user name or password in it.
    #[error("carries a user name or password")]
    UserInfo,
    /// A host written in other than ASCII, or none.
    #[error("its host is not ASCII")]
    Host,
    /// A Matrix permalink, which clients show as a mention.
    #[error("a Matrix permalink")]
    Permalink,
}

/// An http(s) address with an ASCII host and without credentials, in the URL Standard's serialization.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WebLink(Box<str>);

impl WebLink {
    /// The longest address that becomes a link.
    pub const MAX_BYTES: usize = 2048;

    /// Checks `raw`.
    ///
    /// # Errors
    /// The first reason against it.
    pub fn new(raw: &str) -> Result<Self, LinkError> {
        if raw.len() > Self::MAX_BYTES {
            return Err(LinkError::TooLong);
        }
        if raw.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(LinkError::Malformed);
        }
        let url = Url::parse(raw).map_err(|_| LinkError::Malformed)?;
        check(raw, &url)?;
        let link = String::from(url);
        if link.len() > Self::MAX_BYTES { Err(LinkError::TooLong) } else { Ok(Self(link.into())) }
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check(raw: &str, url: &Url) -> Result<(), LinkError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(LinkError::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() || authority(raw).contains('@') {
        return Err(LinkError::UserInfo);
    }
    // Url turns an international name into its ASCII form; what the sender wrote is what a reader would compare.
    if !authority(raw).is_ascii() {
        return Err(LinkError::Host);
    }
    match url.host() {
        Some(Host::Domain(name)) if !is_plain_host(name) || authority(raw).contains('%') => {
            Err(LinkError::Host)
        }
        Some(Host::Domain(name)) if is_permalink_host(name) => Err(LinkError::Permalink),
        Some(_) => Ok(()),
        None => Err(LinkError::Host),
    }
}

/// The URL Standard lets quotes and other signs into a host; names of machines have none.
fn is_plain_host(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

/// What stands between `//` and the path, as it was written.
fn authority(raw: &str) -> &str {
    let rest = raw.split_once(':').map_or(raw, |(_, rest)| rest);
    let rest = rest.trim_start_matches(['/', '\\']);
    &rest[..rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len())]
}

fn is_permalink_host(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name.eq_ignore_ascii_case("matrix.to") || name.to_ascii_lowercase().ends_with(".matrix.to")
}

impl fmt::Display for WebLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for WebLink {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// The address of a run as its sender gave it: a link, or text that must not become one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RunUrl {
    /// May be clicked.
    Link(WebLink),
    /// Shown, if at all, as text.
    Refused(Text, LinkError),
}

impl RunUrl {
    /// Reads an address; `None` when there is none.
    #[must_use]
    pub fn new(raw: &str) -> Option<Self> {
        let raw = raw.trim();
        match WebLink::new(raw) {
            Ok(link) => Some(Self::Link(link)),
            Err(why) => Text::new(raw).map(|text| Self::Refused(text, why)),
        }
    }

    /// The link, if it may be one.
    #[must_use]
    pub fn link(&self) -> Option<&WebLink> {
        match self {
            Self::Link(link) => Some(link),
            Self::Refused(..) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn runs_of_real_systems_are_links() {
        for url in [
            "https://github.com/o/r/actions/runs/1?pr=2#step:1",
            "http://ci.local:8080/job/a%20b/18/",
            "https://[::1]:8443/x",
            "http://10.0.0.7/",
        ] {
            assert_eq!(WebLink::new(url).unwrap().as_str(), url);
        }
    }

    #[test]
    fn what_is_no_link_says_why() {
        for (url, why) in [
            ("javascript:alert(1)", LinkError::Scheme),
            ("data:text/html,x", LinkError::Scheme),
            ("/relative", LinkError::Malformed),
            ("https://a\nb/", LinkError::Malformed),
            ("https://", LinkError::Malformed),
            ("https://user@host/", LinkError::UserInfo),
            ("https://@host/", LinkError::UserInfo),
            ("https:\\\\user@host/", LinkError::UserInfo),
            ("https://münchen.example/", LinkError::Host),
            ("https://ex%61mple.org/", LinkError::Host),
            ("http://\"a/", LinkError::Host),
            ("https://matrix.to/#/@a:b", LinkError::Permalink),
            ("https://MATRIX.TO./#/@a:b", LinkError::Permalink),
            ("https:matrix.to/#/@a:b", LinkError::Permalink),
            ("https://www.matrix.to/#/@a:b", LinkError::Permalink),
        ] {
            assert_eq!(WebLink::new(url), Err(why), "{url}");
        }
        assert_eq!(WebLink::new(&format!("https://h/{}", "x".repeat(2048))), Err(LinkError::TooLong));
        // Encoding can make an address longer than it was sent.
        assert_eq!(WebLink::new(&format!("https://h/{}", "ä".repeat(700))), Err(LinkError::TooLong));
    }

    #[test]
    fn a_refused_address_is_kept_as_text() {
        let Some(RunUrl::Refused(text, LinkError::Permalink)) = RunUrl::new("https://matrix.to/#/@a:b")
        else {
            panic!("a permalink became a link");
        };
        assert_eq!(text.as_str(), "https://matrix.to/#/@a:b");
        assert_eq!(RunUrl::new(" "), None);
    }

    proptest! {
        #[test]
        fn a_link_is_ascii_and_safe_in_an_attribute(raw in "https?://[ -~äß\u{202e}]{0,60}") {
            if let Ok(link) = WebLink::new(&raw) {
                prop_assert!(link.as_str().is_ascii());
                prop_assert!(!link.as_str().contains(['"', '<', '>', ' ']));
                prop_assert_eq!(WebLink::new(link.as_str()), Ok(link.clone()));
            }
        }
    }
}
