//! Whose request it is, where proxies stand in between.

use std::net::IpAddr;

use hyper::HeaderMap;
use meshhook_config::Networks;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The client's address; none where a trusted proxy does not tell it, or not in a way that can be read.
///
/// `X-Forwarded-For` is walked from the right over all its lines: each trusted proxy vouches for the entry it
/// added, and the first address that is no trusted proxy's is the client's. What stands left of it anybody could
/// have written. Where every entry is a trusted one, the client is the farthest of them.
pub(crate) fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &Networks) -> Option<IpAddr> {
    let peer = peer.to_canonical();
    if !trusted.contains(peer) {
        return Some(peer);
    }
    let mut farthest = None;
    for line in headers.get_all(FORWARDED_FOR).iter().rev() {
        for entry in line.to_str().ok()?.rsplit(',') {
            let address = entry.trim_matches([' ', '\t']).parse::<IpAddr>().ok()?.to_canonical();
            if !trusted.contains(address) {
                return Some(address);
            }
            farthest = Some(address);
        }
    }
    farthest
}
