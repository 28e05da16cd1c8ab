//! Redis servers, for those who keep something there.

use std::{fs, path::PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use redis::{Client, TlsCertificates};

use crate::settings::Secret;

/// How Redis servers are connected to.
#[derive(Debug, Clone, Default, Args)]
pub struct RedisArgs {
    /// A file with the certificates, in PEM, of those who vouch for the Redis server behind a `rediss://` URL,
    /// instead of those that everybody trusts.
    #[arg(long, env = "TM_REDIS_CA_FILE", value_name = "FILE")]
    pub redis_ca_file: Option<PathBuf>,
}

impl RedisArgs {
    /// The server at `url`: `redis://…`, or `rediss://…` for TLS. It is not connected to yet.
    ///
    /// # Errors
    /// What is wrong, without showing the URL: it may hold a password.
    pub fn server(&self, url: &Secret) -> anyhow::Result<Client> {
        let url = url.expose();
        let is_tls = url.starts_with("rediss://");
        if !is_tls && !url.starts_with("redis://") {
            return Err(anyhow!("must begin with `redis://` or `rediss://`"));
        }
        let client = match &self.redis_ca_file {
            Some(file) if is_tls => {
                let pem = fs::read(file)
                    .with_context(|| format!("--redis-ca-file: cannot read {}", file.display()))?;
                let certificates = TlsCertificates {
                    client_tls: None,
                    root_cert: Some(pem),
                };
                Client::build_with_tls(url, certificates)
            }
            _ => Client::open(url),
        };
        client.map_err(|_| {
            anyhow!("this is no URL of a Redis server, or --redis-ca-file no certificates")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_one_of_a_redis_server_and_is_never_shown() {
        let server = |url: &str| RedisArgs::default().server(&Secret::new(url));
        for good in ["redis://h", "redis://:hunter2@h:6379/1", "rediss://h:6380"] {
            assert!(server(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "redis",
            "redis:h",
            "http://hunter2@h",
            "redis://hunter2@h:port",
        ] {
            let error = server(bad).unwrap_err();
            assert!(!format!("{error:#}").contains("hunter2"), "{error:#}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_used_is_told() {
        let server = |file: &str| {
            let args = RedisArgs {
                redis_ca_file: Some(file.into()),
            };
            args.server(&Secret::new("rediss://h"))
        };
        assert!(format!("{:#}", server("/nonexistent").unwrap_err()).contains("/nonexistent"));
        assert!(server(file!()).is_err(), "that is no certificate");
    }
}
