//! Whose request it is, where proxies stand in between.

use std::net::IpAddr;

use hyper::HeaderMap;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The client's address; none where a trusted proxy does not tell it, or not in a way that can be read.
///
/// `X-Forwarded-For` is walked from the right over all its lines: each trusted proxy vouches for the entry it
/// added, and the first address that is no trusted proxy's is the client's. What stands left of it anybody could
/// have written. Where every entry is a trusted one, the client is the farthest of them.
pub(crate) fn client_address(
    peer: IpAddr,
    headers: &HeaderMap,
    is_trusted: impl Fn(IpAddr) -> bool,
) -> Option<IpAddr> {
    let peer = peer.to_canonical();
    if !is_trusted(peer) {
        return Some(peer);
    }
    let mut farthest = None;
    for line in headers.get_all(FORWARDED_FOR).iter().rev() {
        for entry in line.to_str().ok()?.rsplit(',') {
            let address = entry.trim_matches([' ', '\t']).parse::<IpAddr>().ok()?.to_canonical();
            if !is_trusted(address) {
                return Some(address);
            }
            farthest = Some(address);
        }
    }
    farthest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The client's address behind `peer`, where 10.0.0.0/8 and loopback are trusted proxies.
    fn client(peer: &str, lines: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        headers.append("x-real-ip", "192.0.2.99".parse().unwrap());
        headers.append("forwarded", "for=192.0.2.98".parse().unwrap());
        let is_trusted = |address: IpAddr| address.is_loopback() || address.to_string().starts_with("10.");
        client_address(peer.parse().unwrap(), &headers, is_trusted).map(|address| address.to_string())
    }

    #[test]
    fn a_stranger_is_who_connects() {
        for lines in [&[][..], &["192.0.2.1"], &["garbage"]] {
            assert_eq!(client("198.51.100.1", lines).as_deref(), Some("198.51.100.1"));
        }
        assert_eq!(client("::ffff:198.51.100.1", &[]).as_deref(), Some("198.51.100.1"));
    }

    #[test]
    fn behind_a_proxy_the_first_from_the_right_that_is_not_trusted_is() {
        for (lines, address) in [
            (&["192.0.2.1"][..], "192.0.2.1"),
            (&["203.0.113.9, 192.0.2.1"], "192.0.2.1"),
            (&["203.0.113.9,192.0.2.1,\t10.1.2.3 , ::1"], "192.0.2.1"),
            (&["203.0.113.9", "192.0.2.1", "10.1.2.3"], "192.0.2.1"),
            (&["garbage, 192.0.2.1"], "192.0.2.1"),
            (&["::ffff:192.0.2.1, ::ffff:10.0.0.1"], "192.0.2.1"),
            (&["2001:db8::1"], "2001:db8::1"),
            (&["10.9.9.9, 10.1.1.1"], "10.9.9.9"),
        ] {
            assert_eq!(client("127.0.0.1", lines).as_deref(), Some(address), "{lines:?}");
            assert_eq!(client("::ffff:10.0.0.1", lines).as_deref(), Some(address), "{lines:?}");
        }
    }

    #[test]
    fn what_a_proxy_does_not_tell_is_not_known() {
        for lines in [
            &[][..],
            &[""],
            &["unknown"],
            &["192.0.2.1, "],
            &["192.0.2.1,,10.0.0.1"],
            &["192.0.2.1:443"],
            &["[2001:db8::1]"],
            &["192.0.2.1 10.0.0.1"],
            &["192.0.2.01"],
            &["10.0.0.1, garbage"],
        ] {
            assert_eq!(client("10.0.0.1", lines), None, "{lines:?}");
        }
    }
}
