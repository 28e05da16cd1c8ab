//! The gateway's settings.

use std::str::FromStr;

use anyhow::{Context, bail};
use clap::{Args, value_parser};
use ipnet::IpNet;
use url::Url;

/// The largest setting for a number of calls.
const MOST: i64 = 1_000_000;

/// What the edge allows, and how much of it at once.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// A web origin whose pages may call over gRPC-Web, such as `https://mail.example`; repeat it or
    /// separate several by commas. The gateway's own origin is always allowed.
    #[arg(
        long = "allow-origin",
        env = "TM_ALLOW_ORIGIN",
        value_delimiter = ',',
        value_name = "ORIGIN"
    )]
    pub allow_origins: Vec<Origin>,
    /// How many calls may be under way at once. Four times as many wait for a second; more are refused with OVERLOADED.
    #[arg(long, env = "TM_MAX_CALLS", default_value_t = 2048, value_parser = value_parser!(u32).range(1..=MOST), value_name = "NUMBER")]
    pub max_calls: u32,
    /// How many streams may be open at once; more are refused with OVERLOADED.
    #[arg(long, env = "TM_MAX_STREAMS", default_value_t = 10_000, value_parser = value_parser!(u32).range(1..=MOST), value_name = "NUMBER")]
    pub max_streams: u32,
    /// How many of the calls may be such that hash a password: registrations, logins and the like.
    #[arg(long, env = "TM_MAX_PASSWORD_CALLS", default_value_t = 128, value_parser = value_parser!(u32).range(1..=MOST), value_name = "NUMBER")]
    pub max_password_calls: u32,
    /// A network that proxies call from, such as `10.0.0.0/8`; repeat it or separate several by commas. Only
    /// theirs is the `x-forwarded-for` that is believed: failed logins count against the address it names.
    #[arg(
        long = "trusted-proxy",
        env = "TM_TRUSTED_PROXIES",
        value_delimiter = ',',
        value_name = "NETWORK"
    )]
    pub trusted_proxies: Vec<IpNet>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            allow_origins: Vec::new(),
            max_calls: 2048,
            max_streams: 10_000,
            max_password_calls: 128,
            trusted_proxies: Vec::new(),
        }
    }
}

/// A web origin: scheme, host and port (RFC 6454).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// The origin as browsers send it in the `origin` header.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).context("an origin looks like `https://mail.example`")?;
        let origin = url.origin();
        if !origin.is_tuple() || url.path() != "/" || url.query().is_some() {
            bail!("an origin is a scheme, a host and perhaps a port, nothing more");
        }
        Ok(Self(origin.ascii_serialization()))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        config: Config,
    }

    #[test]
    fn the_defaults_are_those_of_the_command_line() {
        let parsed = Cli::try_parse_from(["gateway"]).unwrap().config;
        assert_eq!(format!("{parsed:?}"), format!("{:?}", Config::default()));
    }

    #[test]
    fn origins_are_repeated_or_separated_by_commas() {
        let args = [
            "gateway",
            "--allow-origin",
            "https://a.example,HTTP://B.example:8080/",
            "--allow-origin",
            "https://c.example:443",
        ];
        let config = Cli::try_parse_from(args).unwrap().config;
        let origins: Vec<_> = config.allow_origins.iter().map(Origin::as_str).collect();
        assert_eq!(
            origins,
            [
                "https://a.example",
                "http://b.example:8080",
                "https://c.example"
            ]
        );
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in ["", "*", "null", "mail.example", "https://a/b", "data:x"] {
            assert!(text.parse::<Origin>().is_err(), "{text:?}");
        }
        assert!(Cli::try_parse_from(["gateway", "--max-calls", "0"]).is_err());
        for network in ["", "everybody", "10.0.0.0/33", "10.0.0.1"] {
            assert!(Cli::try_parse_from(["gateway", "--trusted-proxy", network]).is_err());
        }
    }
}
