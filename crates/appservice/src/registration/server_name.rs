//! A homeserver's name, which stands behind the colon of its users' ids.

use std::net::Ipv6Addr;

/// The longest one (Matrix specification, "Server Name").
const LONGEST: usize = 230;

/// Whether that is a server's name: a host's name, an IPv4 address or an IPv6 one in brackets, perhaps with a port.
pub(super) fn is_one(name: &str) -> bool {
    let (host, port) = match name.rfind(']') {
        Some(end) => name.split_at(end + 1),
        None => name.split_at(name.find(':').unwrap_or(name.len())),
    };
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_host = address.map_or_else(|| is_host(host), |address| address.parse::<Ipv6Addr>().is_ok());
    is_host && is_port(port) && name.len() <= LONGEST
}

/// As Synapse wants it (`VALID_HOST_REGEX`).
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    host.split('.').all(is_label)
}

fn is_port(port: &str) -> bool {
    let digits = port.strip_prefix(':');
    port.is_empty()
        || digits
            .is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()) && digits.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_grammar() {
        for name in
            ["example.org", "localhost", "a-b.example:8448", "192.0.2.1", "[2001:db8::1]", "[::1]:8448"]
        {
            assert!(is_one(name), "{name}");
        }
        for name in [
            "",
            ".",
            "example.org.",
            "a..b",
            "https://example.org",
            "example.org/",
            "@a:b",
            "a_b",
            "ex ample",
            "[::1",
            "::1]",
            "[::1]8448",
            "[x]",
            "a:",
            "a:+1",
            "a:65536",
            "a:b",
            "büro.example",
            "a\n",
            &"a".repeat(231),
        ] {
            assert!(!is_one(name), "{name:?}");
        }
    }
}
