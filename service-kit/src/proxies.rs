//! Proxies between clients and the edge, and what is believed of them.

use std::{net::IpAddr, sync::Arc};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

/// Where a proxy tells whom it speaks for: each proxy adds the address that it was called from at the end.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The networks that proxies call from. Only what comes from there is believed to name somebody else.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// Those in `networks`.
    #[must_use]
    pub fn new(networks: &[IpNet]) -> Self {
        Self(networks.into())
    }

    /// Whether `address` is that of a proxy.
    pub(crate) fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Where a call with `headers` comes from that came over a connection from `peer`: the last address on the
    /// way that is no proxy's. What stands before it, anybody may have written.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let values = headers.get_all(FORWARDED_FOR);
        let mut hops = values
            .iter()
            .rev()
            .flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
        while self.contain(client) {
            // What cannot be read ends what can be known.
            let Some(hop) = hops.next().and_then(address) else {
                break;
            };
            client = hop.to_canonical();
        }
        client
    }
}

/// An address as proxies write it, some with a port.
fn address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let with_port = || hop.parse().map(|socket: std::net::SocketAddr| socket.ip());
    hop.parse().or_else(|_| with_port()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(trusted: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let networks: Vec<IpNet> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        let peer = peer.parse().unwrap();
        let client = TrustedProxies::new(&networks).client(peer, &headers);
        client.to_string()
    }

    #[test]
    fn a_client_cannot_name_somebody_else() {
        assert_eq!(client(&[], "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        let trusted = &["10.0.0.0/8"];
        assert_eq!(client(trusted, "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        // What it made up stands before what the proxy saw.
        let made_up = ["203.0.113.9, 198.51.100.7"];
        assert_eq!(client(trusted, "10.1.2.3", &made_up), "198.51.100.7");
        let made_up = ["10.9.9.9", "198.51.100.7"];
        assert_eq!(client(trusted, "10.1.2.3", &made_up), "198.51.100.7");
    }

    #[test]
    fn the_client_is_the_last_that_is_no_proxy() {
        let trusted = &["10.0.0.0/8", "2001:db8::/32"];
        for (forwarded, expected) in [
            (&["198.51.100.7"][..], "198.51.100.7"),
            (&["198.51.100.7, 10.2.0.1,10.3.0.1"], "198.51.100.7"),
            (&["198.51.100.7", "10.2.0.1"], "198.51.100.7"),
            (&["198.51.100.7:4711"], "198.51.100.7"),
            (&["[2001:db9::1]:4711"], "2001:db9::1"),
            (&["198.51.100.7, 2001:db8::5"], "198.51.100.7"),
            (&["::ffff:198.51.100.7"], "198.51.100.7"),
            // All of them are inside.
            (&["10.2.0.1"], "10.2.0.1"),
            (&[], "10.1.2.3"),
            // The proxy did not say who; what another wrote before is not believed.
            (&["198.51.100.7, unknown"], "10.1.2.3"),
        ] {
            assert_eq!(client(trusted, "10.1.2.3", forwarded), expected);
            assert_eq!(client(trusted, "::ffff:10.1.2.3", forwarded), expected);
        }
    }
}
