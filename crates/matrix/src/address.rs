//! Where the homeserver is.

use std::net::IpAddr;

use ureq::http::Uri;

/// Why an address is not used; the text says the way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// No absolute URL with an ASCII host.
    #[error(
        "not an absolute URL such as https://matrix.example.org (an international name in its xn-- form)"
    )]
    Malformed,
    /// Neither http nor https.
    #[error("neither https nor http")]
    Scheme,
    /// The token would go over a network in clear text.
    #[error(
        "http is for this machine only (127.0.0.1, ::1, localhost), since the token would cross the network in \
         clear text: use https (a private authority's certificate can be named), or a tunnel to a local port"
    )]
    PlainHttp,
    /// A user name or password in it.
    #[error("carries a user name or password; the access token is all that is needed")]
    UserInfo,
    /// A query or fragment in it.
    #[error("carries a query or fragment; only a path may follow the host")]
    Query,
}

/// A homeserver's base URL: https, or http on loopback; without a final slash, perhaps with a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address(Box<str>);

impl Address {
    pub(crate) fn new(raw: &str) -> Result<Self, AddressError> {
        let uri: Uri = raw.parse().map_err(|_| AddressError::Malformed)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(AddressError::Malformed);
        };
        if authority.as_str().contains('@') {
            return Err(AddressError::UserInfo);
        }
        // The parser drops a fragment in silence.
        if uri.query().is_some() || raw.contains('#') {
            return Err(AddressError::Query);
        }
        match scheme {
            "https" => {}
            "http" if is_loopback(authority.host()) => {}
            "http" => return Err(AddressError::PlainHttp),
            _ => return Err(AddressError::Scheme),
        }
        Ok(Self(format!("{scheme}://{authority}{}", uri.path().trim_end_matches('/')).into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_http(&self) -> bool {
        self.0.starts_with("http:")
    }
}

/// Why an address is no proxy's; the text says the way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// No http URL with an ASCII host, or more than that.
    #[error("not a proxy's address such as http://proxy.example.org:3128, without a path")]
    Malformed,
    /// Another scheme.
    #[error("not http: what goes through the proxy is TLS to the homeserver itself, so http:// it is")]
    Scheme,
    /// A user name or password in it.
    #[error("carries a user name or password, which is not supported")]
    UserInfo,
}

/// A proxy's address: `http`, a host, perhaps a port, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyAddress(Box<str>);

impl ProxyAddress {
    /// Reads one.
    ///
    /// # Errors
    /// When it is none, or has credentials in it.
    pub fn new(raw: &str) -> Result<Self, ProxyError> {
        let uri: Uri = raw.parse().map_err(|_| ProxyError::Malformed)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(ProxyError::Malformed);
        };
        if authority.as_str().contains('@') {
            return Err(ProxyError::UserInfo);
        }
        if scheme != "http" {
            return Err(ProxyError::Scheme);
        }
        // An authority may be a mere ":8080", and the parser drops a fragment in silence.
        if authority.host().is_empty() || uri.path() != "/" || uri.query().is_some() || raw.contains('#') {
            return Err(ProxyError::Malformed);
        }
        Ok(Self(format!("http://{authority}").into()))
    }

    /// The address, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn as_ureq(&self) -> ureq::Proxy {
        ureq::Proxy::new(&self.0).expect("what was read as an http address is one")
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_the_token_safe_is_taken() {
        for (raw, base) in [
            ("https://matrix.example.org", "https://matrix.example.org"),
            ("https://matrix.example.org/", "https://matrix.example.org"),
            ("HTTPS://matrix.example.org:8448/hs//", "https://matrix.example.org:8448/hs"),
            ("http://127.0.0.1:8008", "http://127.0.0.1:8008"),
            ("http://127.8.9.1", "http://127.8.9.1"),
            ("http://[::1]:8008/", "http://[::1]:8008"),
            ("http://LOCALHOST:8008", "http://LOCALHOST:8008"),
            ("https://10.0.0.7", "https://10.0.0.7"),
        ] {
            assert_eq!(Address::new(raw).unwrap().as_str(), base, "{raw}");
        }
    }

    #[test]
    fn a_proxy_is_an_address_without_credentials() {
        use ProxyError::{Malformed, Scheme, UserInfo};
        for (raw, base) in [
            ("http://proxy.example.org:3128", "http://proxy.example.org:3128"),
            ("http://10.0.0.1:8080/", "http://10.0.0.1:8080"),
            ("HTTP://[::1]", "http://[::1]"),
        ] {
            let proxy = ProxyAddress::new(raw).unwrap();
            assert_eq!((proxy.as_str(), proxy.as_ureq().is_from_env()), (base, false), "{raw}");
        }
        for (raw, why) in [
            ("", Malformed),
            ("proxy.example.org:3128", Malformed),
            ("http://", Malformed),
            ("http://:3128", Malformed),
            ("http://proxy/path", Malformed),
            ("http://proxy/?a", Malformed),
            ("http://proxy/#a", Malformed),
            ("https://proxy:3128", Scheme),
            ("socks5://proxy:1080", Scheme),
            ("http://user:pass@proxy:3128", UserInfo),
            ("socks5://user@proxy:1080", UserInfo),
        ] {
            assert_eq!(ProxyAddress::new(raw), Err(why), "{raw}");
        }
    }

    #[test]
    fn what_does_not_says_why() {
        use AddressError::{Malformed, PlainHttp, Query, Scheme, UserInfo};
        for (raw, why) in [
            ("", Malformed),
            ("matrix.example.org", Malformed),
            ("/path", Malformed),
            ("https://", Malformed),
            ("https://a b", Malformed),
            ("https://münchen.example", Malformed),
            ("ftp://matrix.example.org", Scheme),
            ("http://matrix.example.org", PlainHttp),
            ("http://10.0.0.7:8008", PlainHttp),
            ("http://127.0.0.1.example.org", PlainHttp),
            ("http://localhost.example.org", PlainHttp),
            ("http://[2001:db8::1]", PlainHttp),
            ("https://user:pass@matrix.example.org", UserInfo),
            ("http://127.0.0.1@evil.example", UserInfo),
            ("https://matrix.example.org/?a=b", Query),
            ("https://matrix.example.org/#a", Query),
        ] {
            assert_eq!(Address::new(raw), Err(why), "{raw}");
        }
    }
}
