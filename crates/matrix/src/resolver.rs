//! Addresses of hosts.

use std::net::IpAddr;

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::unversioned::transport::time::Duration;

/// Looks names up, within the time there is: ureq begins a thread for that, which it can leave behind. An address needs
/// neither.
#[derive(Debug, Default)]
pub(crate) struct Hosts(DefaultResolver);

impl Resolver for Hosts {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let after = if is_address(uri) { Duration::NotHappening } else { timeout.after };
        self.0.resolve(uri, config, NextTimeout { after, ..timeout })
    }
}

fn is_address(uri: &Uri) -> bool {
    uri.host().is_some_and(|host| host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve_at_once(uri: &str) -> Result<String, Error> {
        let timeout =
            NextTimeout { after: Duration::Exact(std::time::Duration::ZERO), ..NextTimeout::default() };
        let found = Hosts::default().resolve(&uri.parse().unwrap(), &Config::default(), timeout)?;
        Ok(found[0].to_string())
    }

    #[test]
    fn an_address_is_not_looked_up() {
        for (uri, address) in [
            ("http://127.0.0.1:8008/_matrix", "127.0.0.1:8008"),
            ("http://[::1]:8008", "[::1]:8008"),
            ("https://192.0.2.1", "192.0.2.1:443"),
        ] {
            assert_eq!(resolve_at_once(uri).unwrap(), address);
        }
        assert!(matches!(resolve_at_once("https://matrix.example.invalid"), Err(Error::Timeout(_))));
    }
}
