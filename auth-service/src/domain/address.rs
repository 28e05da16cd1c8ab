//! Where a call comes from, as far as failed logins are counted.

use std::net::{IpAddr, Ipv6Addr};

/// The network that a client calls from: an IPv4 address, or the /64 of an IPv6 address, which is
/// what one subscriber gets. All calls without an address that can be read share one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientAddress(String);

impl ClientAddress {
    /// Reads what the gateway says of the client.
    pub(crate) fn new(text: Option<&str>) -> Self {
        let address = text.and_then(|t| t.trim().parse::<IpAddr>().ok());
        Self(match address.map(|a| a.to_canonical()) {
            Some(IpAddr::V4(v4)) => v4.to_string(),
            Some(IpAddr::V6(v6)) => network(v6).to_string(),
            None => "unknown".into(),
        })
    }

    /// The network as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

fn network(address: Ipv6Addr) -> Ipv6Addr {
    Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_subscriber_are_one() {
        let of = |text| ClientAddress::new(Some(text));
        assert_eq!(of("2001:db8:1:2::3"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::3"), of("2001:db8:1:3::3"));
        assert_eq!(of("::ffff:192.0.2.1"), of(" 192.0.2.1 "));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("nonsense"), ClientAddress::new(None));
    }
}
