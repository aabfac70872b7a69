//! Which addresses something is allowed from.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::document::Value;
use crate::fault::Wrong;
use crate::value::text;

/// Networks in CIDR notation; an empty list contains no address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them contains `address`; an IPv4 address mapped into IPv6 counts as the IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    pub(crate) fn of(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self(networks.into_iter().collect())
    }

    /// Each as it would be written.
    pub(crate) fn texts(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(ToString::to_string)
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.texts().collect::<Vec<_>>().join(", "))
    }
}

/// Reads one network.
pub(crate) fn network(value: &Value<'_>) -> Result<IpNet, Wrong> {
    let text = text(value)?;
    if let Ok(address) = text.parse::<IpAddr>() {
        return Err(Wrong::new(
            "an address without prefix length",
            format!("write \"{}\"", IpNet::from(address)),
        ));
    }
    let network: IpNet = text.parse().map_err(|_| {
        Wrong::new("not a network", "write address/prefix length, like \"10.0.0.0/8\" or \"fd00::/8\"")
    })?;
    check(network)
}

fn check(network: IpNet) -> Result<IpNet, Wrong> {
    if network.prefix_len() == 0 {
        let hint = "name the networks that are meant; leave the list out where none is";
        return Err(Wrong::new("a network with /0 is every address", hint));
    }
    if network.addr() != network.trunc().addr() {
        let hint =
            format!("\"{}\", or one address of it: \"{}\"", network.trunc(), IpNet::from(network.addr()));
        return Err(Wrong::new("the address has bits beyond its prefix", hint));
    }
    match network.addr() {
        IpAddr::V6(address) if address.to_ipv4_mapped().is_some() => {
            Err(Wrong::new("an IPv4 address mapped into IPv6 never matches", "write the IPv4 network"))
        }
        _ => Ok(network),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<IpNet, Wrong> {
        network(&Value::String(text.into()))
    }

    #[test]
    fn mapped_addresses_count_as_ipv4() {
        let networks = Networks::of([read("10.0.0.0/8").unwrap()]);
        for (address, inside) in
            [("10.1.2.3", true), ("::ffff:10.1.2.3", true), ("11.0.0.1", false), ("::1", false)]
        {
            assert_eq!(networks.contains(address.parse().unwrap()), inside, "{address}");
        }
    }

    #[test]
    fn no_list_contains_nothing() {
        assert!(!Networks::default().contains("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_network_says_what_to_write() {
        for (text, hint) in [
            ("10.0.0.7", "write \"10.0.0.7/32\""),
            ("10.0.0.7/8", "\"10.0.0.0/8\", or one address of it: \"10.0.0.7/32\""),
            ("0.0.0.0/0", "name the networks that are meant; leave the list out where none is"),
            ("::/0", "name the networks that are meant; leave the list out where none is"),
            ("::ffff:10.0.0.0/104", "write the IPv4 network"),
            ("example.org", "write address/prefix length, like \"10.0.0.0/8\" or \"fd00::/8\""),
        ] {
            assert_eq!(read(text).unwrap_err().hint, hint, "{text}");
        }
    }
}
