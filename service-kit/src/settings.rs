//! Settings that services share, and how a wrong one ends the program: one clear line and exit
//! code 64 (`EX_USAGE` of BSD's `sysexits.h`), before anything listens.

use std::{fmt, fs, net::SocketAddr, path::PathBuf, process::exit, str::FromStr, time::Duration};

use anyhow::{Context, anyhow, bail};
use clap::{Args, Parser, ValueEnum, error::ErrorKind};
use zeroize::Zeroizing;

use crate::tls::TlsArgs;

/// The exit code for a setting that cannot be used.
pub const EXIT_USAGE: i32 = 64;

/// Text that must not be shown: its `Debug` and `Display` print no part of it.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Keeps `text` from view.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(text))
    }
}

/// The file in `sqlite:FILE` or `sqlite://FILE`: what follows is a path as it stands, so that every
/// character may be in it. None if the URL is of something else.
///
/// # Errors
/// There is no path in it.
pub fn sqlite_path(url: &Secret) -> anyhow::Result<Option<PathBuf>> {
    let Some(path) = url.expose().strip_prefix("sqlite:") else {
        return Ok(None);
    };
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.starts_with(':') {
        bail!("`sqlite:` must be followed by the path of a file");
    }
    Ok(Some(path.into()))
}

/// The secret given directly or in a file, of which exactly one must be there.
///
/// # Errors
/// Says which of the two settings to give, or which file cannot be read.
pub fn secret(
    name: &str,
    direct: Option<&Secret>,
    file: Option<&PathBuf>,
) -> anyhow::Result<Secret> {
    match (direct, file) {
        (Some(_), Some(_)) => Err(anyhow!("give --{name} or --{name}-file, not both")),
        (Some(secret), None) => Ok(secret.clone()),
        (None, Some(path)) => {
            let text = fs::read_to_string(path)
                .with_context(|| format!("--{name}-file: cannot read {}", path.display()))?;
            Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
        }
        (None, None) => Err(anyhow!("--{name} is missing: give it, or --{name}-file")),
    }
}

/// How a service listens and stops.
#[derive(Debug, Clone, Args)]
pub struct ServerArgs {
    /// How long calls in flight may go on after SIGTERM, in seconds; then the process ends all the
    /// same.
    #[arg(long, env = "TM_DRAIN_SECONDS", default_value = "20", value_parser = seconds, value_name = "SECONDS")]
    pub drain_seconds: Duration,
    /// Where those who run this find `/metrics` (for Prometheus), `/livez` and `/readyz`, such as
    /// `0.0.0.0:9464`.
    /// Nowhere, if it is not given.
    #[arg(long, env = "TM_ADMIN_LISTEN", value_name = "ADDRESS:PORT")]
    pub admin_listen: Option<SocketAddr>,
    #[command(flatten)]
    /// What clients are shown.
    pub tls: TlsArgs,
    #[command(flatten)]
    /// How to log.
    pub log: LogArgs,
}

/// How to log.
#[derive(Debug, Clone, Args)]
pub struct LogArgs {
    /// How log lines look.
    #[arg(long, env = "TM_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,
    /// What is logged: targets and levels, in the syntax of the `tracing-subscriber` crate's `EnvFilter`.
    #[arg(long, env = "TM_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Pretty,
}

/// Parses a whole number of seconds.
///
/// # Errors
/// Says what a number of seconds looks like.
pub fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .map(Duration::from_secs)
        .map_err(|_| format!("`{text}` is no whole number of seconds"))
}

/// Reads the settings from arguments and environment, or ends the program: 0 after `--help` and
/// `--version`, [`EXIT_USAGE`] after a wrong one.
#[must_use]
pub fn parse<T: Parser>() -> T {
    T::try_parse().unwrap_or_else(|error| {
        let _ = error.print();
        let asked = matches!(
            error.kind(),
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
        );
        exit(if asked { 0 } else { EXIT_USAGE })
    })
}

/// Ends the program because of a wrong setting.
pub fn refuse(error: &anyhow::Error) -> ! {
    eprintln!("error: {error:#}");
    exit(EXIT_USAGE)
}

/// The address that a listener got, as an address to connect to: `0.0.0.0` becomes `127.0.0.1`.
#[must_use]
pub fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => std::net::Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
        SocketAddr::V4(_) | SocketAddr::V6(_) => address.ip(),
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_nothing_of_itself() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret:?} {secret}"), "*** ***");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn a_secret_comes_from_one_place() {
        let direct = Secret::new("x");
        let file = PathBuf::from("/nonexistent/secret");
        assert!(secret("key", Some(&direct), Some(&file)).is_err());
        assert!(secret("key", None, None).is_err());
        assert!(secret("key", None, Some(&file)).is_err());
        assert_eq!(secret("key", Some(&direct), None).unwrap().expose(), "x");
    }
}
