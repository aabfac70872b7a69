//! The run's address: the one link of a message, or text.

use std::fmt;

use meshhook_model::{RunUrl, WebLink};

use crate::outside::escape;

/// At most how many bytes a link takes in HTML or JSON; a message holds it four times.
const MAX_BYTES: usize = WebLink::MAX_BYTES;

/// A run's address as a message may show it.
pub(crate) enum Address<'a> {
    /// May be clicked.
    Link(Link),
    /// Must stay text.
    Text(&'a str),
}

impl<'a> Address<'a> {
    /// Decides what `url` may be.
    pub(crate) fn new(url: &'a RunUrl) -> Self {
        match url {
            RunUrl::Link(web) => Link::new(web).map_or(Self::Text(web.as_str()), Self::Link),
            RunUrl::Refused(text, _) => Self::Text(text.as_str()),
        }
    }

    /// The link, if it may be one.
    pub(crate) fn link(&self) -> Option<&Link> {
        match self {
            Self::Link(link) => Some(link),
            Self::Text(_) => None,
        }
    }
}

/// An address that clients find the end of and see no mention in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link(String);

impl Link {
    fn new(web: &WebLink) -> Option<Self> {
        let link = Self(encode(web.as_str()));
        (!is_client_link(web.as_str()) && link.html().len() <= MAX_BYTES).then_some(link)
    }

    /// The address.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// For a double-quoted attribute.
    pub(crate) fn html(&self) -> String {
        escape(&self.0)
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Percent-encodes what a client could take for a mention (`@room`) or for something behind the address.
///
/// Clients look for addresses in the plain body, Nheko also within attributes, and leave punctuation at the end
/// out. None of these signs means anything else when it is encoded, but to very few servers.
fn encode(link: &str) -> String {
    let end = link.trim_end_matches(['!', ',', '.', ':', ';', '(', ')', '[', ']', '{', '}']).len();
    let mut out = String::with_capacity(link.len());
    for (at, c) in link.char_indices() {
        if at >= end || matches!(c, '@' | '\'' | '\\') {
            out.push_str(&format!("%{:02X}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether the address leads to a user or room within a Matrix client, on whatever host.
///
/// Element decodes an address of its own host once, and shows one with such a fragment as a mention.
fn is_client_link(link: &str) -> bool {
    let link = decode(link);
    ["#/room/", "#/user/", "#/group/", "#/@", "#/!", "#/#", "#/+"].iter().any(|start| link.contains(start))
}

/// Percent-decodes ASCII, once.
fn decode(text: &str) -> String {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let byte = part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(u8::is_ascii);
        match byte {
            Some(byte) => out.extend([char::from(byte).encode_utf8(&mut [0; 4]), &part[2..]]),
            None => out.extend(["%", part]),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(raw: &str) -> Option<String> {
        let url = RunUrl::new(raw).unwrap();
        Address::new(&url).link().map(ToString::to_string)
    }

    #[test]
    fn runs_of_real_systems_stay_as_they_are() {
        for raw in [
            "https://github.com/o/r/actions/runs/1?pr=2&check=3#step:1",
            "http://ci.local:8080/job/a%20b/18/",
            "https://app.harness.io/ng/#/account/x/cd/orgs/default",
            "https://dev.azure.com/o/_build/results?buildId=1000",
        ] {
            assert_eq!(link(raw).as_deref(), Some(raw));
        }
    }

    #[test]
    fn what_a_client_could_misread_is_encoded() {
        assert_eq!(link("https://h/@room/it's?q=\\").as_deref(), Some("https://h/%40room/it%27s?q=%5C"));
        assert_eq!(link("https://h/a(1).)").as_deref(), Some("https://h/a(1%29%2E%29"));
    }

    #[test]
    fn an_address_within_a_matrix_client_is_text() {
        for raw in [
            "https://app.element.io/#/user/@admin:example.org",
            "https://chat.example.org/#/room/!abc",
            "https://chat.example.org/%23/user/x",
            "https://chat.example.org/#%2Froom%2Fx",
            "https://to.example.org/#/%40admin:example.org",
        ] {
            assert_eq!(link(raw), None, "{raw}");
        }
    }

    #[test]
    fn a_link_that_escaping_makes_too_long_is_text() {
        assert!(link(&format!("https://h/?{}", "a".repeat(2000))).is_some());
        assert_eq!(link(&format!("https://h/?{}", "&".repeat(2000))), None);
    }

    #[test]
    fn only_whole_ascii_is_decoded() {
        for (text, decoded) in
            [("a%2Fb", "a/b"), ("%", "%"), ("%4", "%4"), ("%zz%C3%A4", "%zz%C3%A4"), ("%ä", "%ä")]
        {
            assert_eq!(decode(text), decoded);
        }
    }
}
