//! The address that a homeserver pushes to.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Why an address is not one to push to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// Not an address, or not of http or https.
    #[error("url is no address")]
    NoAddress,
    /// A user's name or password, a query or a fragment stands in it.
    #[error("url has a user, a query or a fragment in it")]
    More,
    /// Over a network that is nobody's own, in clear text.
    #[error("url is http to an address that is not of a private network")]
    ClearText,
}

impl UrlError {
    /// What to do about it.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            Self::NoAddress => {
                "write it like https://gateway.example.org:8789, with https:// or http:// before it"
            }
            Self::More => "write scheme, host, port and path alone",
            Self::ClearText => {
                "write https, with TLS before the gateway: hs_token and the rooms' messages go there. http is for \
                 loopback, private addresses, and names such as meshhook or gateway.internal"
            }
        }
    }
}

/// Whether a homeserver may push there: https, or http where that stays on a private network.
pub(super) fn check(text: &str) -> Result<(), UrlError> {
    let url = Url::parse(text).map_err(|_| UrlError::NoAddress)?;
    let host = url.host().ok_or(UrlError::NoAddress)?;
    // The parser forgives blanks around, control characters inside, and backslashes; Synapse does not.
    if !matches!(url.scheme(), "http" | "https") || !is_plain(text, url.scheme()) {
        return Err(UrlError::NoAddress);
    }
    if text.contains(['@', '?', '#']) {
        return Err(UrlError::More);
    }
    if url.scheme() == "http" && !is_private(&host) { Err(UrlError::ClearText) } else { Ok(()) }
}

fn is_plain(text: &str, scheme: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && text.strip_prefix(scheme).is_some_and(|rest| rest.starts_with("://"))
}

fn is_private(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(address) => is_private_v4(*address),
        Host::Ipv6(address) => {
            address.to_ipv4_mapped().map_or_else(|| is_private_v6(*address), is_private_v4)
        }
        Host::Domain(name) => is_private_name(name),
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    address.is_loopback() || address.is_private() || address.is_link_local()
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
}

/// A name of one word, or below one that the public DNS never has (RFC 6761, 6762, 8375; `internal` by ICANN).
fn is_private_name(name: &str) -> bool {
    let ends = [".localhost", ".local", ".internal", ".home.arpa"];
    !name.contains('.') || ends.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clear_text_stays_at_home() {
        for url in [
            "https://gateway.example.org",
            "https://192.0.2.1:8789/as/",
            "http://127.0.0.1:8789",
            "http://[::1]:8789",
            "http://10.1.2.3:8789",
            "http://[fd00::1]:8789",
            "http://[::ffff:10.0.0.1]:1",
            "http://meshhook:8789",
            "http://meshhook.ci.svc.cluster.local:8789",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
        for url in
            ["http://gateway.example.org", "http://192.0.2.1", "http://[2001:db8::1]", "http://8.8.8.8:1"]
        {
            assert_eq!(check(url), Err(UrlError::ClearText), "{url}");
        }
    }

    #[test]
    fn what_is_no_address_is_none() {
        for url in [
            "",
            "gateway.example.org",
            "gateway.example.org:8789",
            "ftp://a.example",
            "https://",
            "https:a.example",
            "https:\\\\a",
            " https://a",
            "https://a\n",
            "https://a b",
            "HTTPS://a",
            "https://büro.example",
            "mailto:a@b",
        ] {
            assert_eq!(check(url), Err(UrlError::NoAddress), "{url:?}");
        }
        for url in
            ["https://user@a.example", "https://a:b@c.example", "https://a/?x", "https://a/#x", "https://a/@"]
        {
            assert_eq!(check(url), Err(UrlError::More), "{url}");
        }
    }
}
