//! Who has failed too often.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// How long failures count.
const WINDOW: Duration = Duration::from_secs(60);

/// So many failures in a window are answered as such; further ones by 429.
const ALLOWED: u32 = 20;

/// So many addresses are counted apart. What comes beyond is counted together: a stranger with many addresses
/// cannot make this grow, and harms only others that are not verified either.
const ADDRESSES: usize = 10_000;

/// Counts failures by address. Verified requests are never asked about here.
#[derive(Debug)]
pub(crate) struct Limiter {
    /// All counts end together, so that forgetting costs nothing by the request.
    since: Instant,
    failures: HashMap<Option<IpAddr>, u32>,
}

impl Limiter {
    pub(crate) fn new(now: Instant) -> Self {
        Self { since: now, failures: HashMap::new() }
    }

    /// Counts a failure of `address`; how long it should wait, if it has failed too often.
    pub(crate) fn failed(&mut self, address: Option<IpAddr>, now: Instant) -> Option<Duration> {
        if now.duration_since(self.since) >= WINDOW {
            *self = Self::new(now);
        }
        let key = self.key(address.map(network));
        let count = self.failures.entry(key).or_default();
        *count = count.saturating_add(1);
        (*count > ALLOWED).then(|| WINDOW.saturating_sub(now.duration_since(self.since)))
    }

    /// How long an address that has failed too often should wait. One that is not counted apart never has: it would
    /// pay for others.
    pub(crate) fn waits(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let failures = *self.failures.get(&Some(network(address)))?;
        let left = WINDOW.saturating_sub(now.duration_since(self.since));
        (failures > ALLOWED && !left.is_zero()).then_some(left)
    }

    fn key(&self, address: Option<IpAddr>) -> Option<IpAddr> {
        let full = self.failures.len() >= ADDRESSES && !self.failures.contains_key(&address);
        address.filter(|_| !full)
    }
}

/// An IPv6 customer has a /64 to choose addresses from.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(limiter: &mut Limiter, address: &str, now: Instant) -> bool {
        limiter.failed(address.parse().ok(), now).is_some()
    }

    #[test]
    fn the_one_that_fails_too_often_waits_and_no_other() {
        let start = Instant::now();
        let mut limiter = Limiter::new(start);
        for _ in 0..ALLOWED {
            assert!(!fail(&mut limiter, "192.0.2.1", start));
        }
        let wait = limiter.failed("192.0.2.1".parse().ok(), start + Duration::from_secs(20));
        assert_eq!(wait, Some(Duration::from_secs(40)));
        assert!(!fail(&mut limiter, "192.0.2.2", start));
        let waits = |address: &str, after| limiter.waits(address.parse().unwrap(), start + after);
        assert_eq!(waits("192.0.2.1", Duration::from_secs(20)), Some(Duration::from_secs(40)));
        assert_eq!(waits("192.0.2.1", WINDOW), None);
        assert_eq!(waits("192.0.2.2", Duration::ZERO), None);
        assert!(!fail(&mut limiter, "192.0.2.1", start + WINDOW));
    }

    #[test]
    fn a_network_of_ipv6_is_one() {
        let start = Instant::now();
        let mut limiter = Limiter::new(start);
        let limited =
            (0..=ALLOWED).filter(|i| fail(&mut limiter, &format!("2001:db8::{i:x}"), start)).count();
        assert_eq!(limited, 1);
        assert!(!fail(&mut limiter, "2001:db8:0:1::", start));
    }

    #[test]
    fn it_does_not_grow_beyond_its_bound() {
        let start = Instant::now();
        let mut limiter = Limiter::new(start);
        for i in 0..20_000u32 {
            limiter.failed(Some(std::net::Ipv4Addr::from_bits(i).into()), start);
        }
        assert_eq!(limiter.failures.len(), ADDRESSES + 1);
        assert!(limiter.failed(None, start).is_some(), "what is beyond is counted together");
        assert!(!fail(&mut limiter, "0.0.0.7", start), "who was counted apart still is");
    }
}
