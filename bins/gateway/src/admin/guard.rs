//! Under which names the admin listener answers, and to which pages: none but its own.
//!
//! A page in the operator's browser can make it ask a listener on loopback, by its address or by a name that was
//! pointed there (DNS rebinding). Such a request has a foreign Host, or an Origin that is not ours.

use std::net::IpAddr;

use hyper::header::{HOST, HeaderName, ORIGIN};
use hyper::{HeaderMap, Uri};

use crate::problem::{self, Problem};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses what comes under a foreign name or from a foreign page.
pub(crate) fn check(uri: &Uri, headers: &HeaderMap, hosts: &[String]) -> Result<(), Problem> {
    let Some(host) = only(headers, &HOST)? else { return Err(forbidden("host")) };
    // A target may name a host as well, and nobody has a reason to name another there.
    let is_named_twice = uri.authority().is_some_and(|named| !named.as_str().eq_ignore_ascii_case(host));
    if is_named_twice || !is_ours(host, hosts) {
        return Err(forbidden("host"));
    }
    if only(headers, &ORIGIN)?.is_some_and(|origin| !is_same(origin, host)) {
        return Err(forbidden("origin"));
    }
    match only(headers, &SEC_FETCH_SITE)? {
        None | Some("same-origin" | "none") => Ok(()),
        Some(_) => Err(forbidden("origin")),
    }
}

/// A header's value, where there is one; a repeated one, or bytes that are no text, are refused.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Problem> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next().map(|line| line.to_str()), lines.next()) {
        (None, _) => Ok(None),
        (Some(Ok(value)), None) => Ok(Some(value)),
        _ => Err(forbidden("header")),
    }
}

fn forbidden(reason: &'static str) -> Problem {
    let detail = "This listener answers to loopback names and admin_hosts, and to no other site's pages.";
    Problem::new(&problem::FORBIDDEN, detail, reason)
}

/// Whether a Host header, with or without a port, names loopback or one of `hosts`.
fn is_ours(host: &str, hosts: &[String]) -> bool {
    let Some(name) = without_port(host) else { return false };
    if name.eq_ignore_ascii_case("localhost") || hosts.iter().any(|ours| ours.eq_ignore_ascii_case(name)) {
        return true;
    }
    name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The name or address alone; an IPv6 address without its brackets.
fn without_port(host: &str) -> Option<&str> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let digits = |port: &str| port.bytes().all(|b| b.is_ascii_digit());
    (port.is_empty() || port.strip_prefix(':').is_some_and(digits)).then_some(name)
}

fn is_same(origin: &str, host: &str) -> bool {
    let rest = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    rest.is_some_and(|rest| rest.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(lines: &[(&'static str, &'static str)]) -> Result<(), &'static str> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        check(&Uri::from_static("/"), &headers, &["gateway.example.org".to_owned(), "fd00::7".to_owned()])
            .map_err(|problem| problem.reason)
    }

    #[test]
    fn loopback_and_named_hosts_are_answered() {
        for host in [
            "localhost",
            "LocalHost:8788",
            "127.0.0.1",
            "127.0.0.1:8788",
            "127.1.2.3",
            "[::1]",
            "[::1]:8788",
            "gateway.example.org:80",
            "Gateway.Example.Org",
            "[fd00::7]:1",
        ] {
            assert_eq!(checked(&[("host", host)]), Ok(()), "{host}");
        }
    }

    #[test]
    fn other_hosts_are_not() {
        for host in [
            "",
            "evil.example.org",
            "localhost.evil.example.org",
            "127.0.0.1.evil.example.org",
            "10.0.0.1",
            "[::2]",
            "[::1",
            "::1",
            "localhost:",
            "localhost:80:80",
            "localhost:x",
            "0.0.0.0",
            "user@localhost",
            "localhost/",
            "gateway.example.org.",
        ] {
            // An empty port is allowed by RFC 3986, section 3.2.3.
            let expected = if host == "localhost:" { Ok(()) } else { Err("host") };
            assert_eq!(checked(&[("host", host)]), expected, "{host}");
        }
        assert_eq!(checked(&[]), Err("host"));
        assert_eq!(checked(&[("host", "localhost"), ("host", "localhost")]), Err("header"));
    }

    #[test]
    fn only_our_own_pages_may_ask() {
        let with = |name, value| checked(&[("host", "localhost:8788"), (name, value)]);
        assert_eq!(with("origin", "http://localhost:8788"), Ok(()));
        for origin in [
            "null",
            "http://localhost",
            "http://localhost:8789",
            "https://evil.example.org",
            "localhost:8788",
        ] {
            assert_eq!(with("origin", origin), Err("origin"), "{origin}");
        }
        assert_eq!(with("sec-fetch-site", "same-origin"), Ok(()));
        assert_eq!(with("sec-fetch-site", "none"), Ok(()));
        for site in ["cross-site", "same-site", "anything"] {
            assert_eq!(with("sec-fetch-site", site), Err("origin"), "{site}");
        }
    }
}
