//! Where the server is: a URL, or `host:port` for short.

use std::{fmt, str::FromStr};

use url::{Host, Url};

/// The port that a TurboMessage server listens on unless it is told otherwise.
const DEFAULT_PORT: u16 = 50051;

/// The address of a server: scheme, host and port, nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerAddress(Url);

impl ServerAddress {
    /// Whether calls are encrypted.
    pub(crate) fn is_tls(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The host, without the brackets of an IPv6 address, and the port.
    pub(crate) fn host_and_port(&self) -> (String, u16) {
        let host = match self.0.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => host.to_string(),
            None => String::new(),
        };
        let port = self.0.port_or_known_default().unwrap_or(DEFAULT_PORT);
        (host, port)
    }

    /// Whether nothing that is said to it leaves this machine.
    pub(crate) fn is_this_machine(&self) -> bool {
        match self.0.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        }
    }

    /// The address as a file name: one for each server, so that no server is ever given another's
    /// token.
    pub(crate) fn file_name(&self) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        let text = self.to_string().replacen("://", "_", 1);
        text.replace(|c| !plain(c), "_")
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.origin().ascii_serialization())
    }
}

impl FromStr for ServerAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = if text.contains("://") {
            text.to_owned()
        } else if has_port(text) {
            format!("http://{text}")
        } else {
            format!("http://{text}:{DEFAULT_PORT}")
        };
        let url = Url::parse(&url).map_err(|error| error.to_string())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("the scheme must be http or https".into());
        }
        let bare = matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if url.host_str().is_none_or(str::is_empty) || !bare {
            return Err("give scheme, host and port only".into());
        }
        Ok(Self(url))
    }
}

fn has_port(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(_, port)| {
        !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_leave_out_scheme_and_port() {
        for (text, expected) in [
            ("http://127.0.0.1:50051", "http://127.0.0.1:50051"),
            ("http://127.0.0.1:50051/", "http://127.0.0.1:50051"),
            ("localhost:9000", "http://localhost:9000"),
            ("localhost:80", "http://localhost"),
            ("mail.example.org", "http://mail.example.org:50051"),
            ("[::1]", "http://[::1]:50051"),
            ("[::1]:7000", "http://[::1]:7000"),
            ("https://mail.example.org", "https://mail.example.org"),
        ] {
            let address: ServerAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            ":50051",
            "ftp://host:1",
            "http://host/path",
            "http://me@host",
            "http://host?q",
            "host:99999",
            "a b",
        ] {
            assert!(text.parse::<ServerAddress>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn every_server_has_a_file_of_its_own() {
        let name = |text: &str| text.parse::<ServerAddress>().unwrap().file_name();
        assert_eq!(name("127.0.0.1:50051"), "http_127.0.0.1_50051");
        assert_eq!(name("[::1]:50051"), "http____1__50051");
        assert_ne!(name("http://host:1"), name("https://host:1"));
        assert_ne!(name("http://host:1"), name("http://host:2"));
    }
}
