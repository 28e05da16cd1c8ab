//! Where the stores are: URLs that name an engine by their scheme.

use std::{path::PathBuf, str::FromStr};

use anyhow::{anyhow, bail};
use sqlx::{ConnectOptions, postgres::PgConnectOptions};
use turbomessage_service_kit::{
    redis::RedisArgs,
    settings::{Secret, sqlite_path},
};

/// Where accounts are.
pub(crate) enum AccountStoreUrl {
    /// In a file.
    Sqlite(PathBuf),
    /// On a server.
    Postgres(Box<PgConnectOptions>),
}

impl AccountStoreUrl {
    /// Reads a database's URL.
    ///
    /// # Errors
    /// What is wrong, without showing the URL: it may hold a password.
    pub(crate) fn parse(url: &Secret) -> anyhow::Result<Self> {
        if let Some(path) = sqlite_path(url)? {
            return Ok(Self::Sqlite(path));
        }
        match scheme(url) {
            "postgres" | "postgresql" => {
                let options = PgConnectOptions::from_str(url.expose())
                    .map_err(|_| anyhow!("this is no URL of a Postgres database"))?
                    .application_name("turbomessage-auth-service")
                    .disable_statement_logging();
                Ok(Self::Postgres(Box::new(options)))
            }
            _ => bail!("must begin with `postgres://` or `sqlite:`"),
        }
    }
}

impl std::fmt::Debug for AccountStoreUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sqlite(_) => "Sqlite(..)",
            Self::Postgres(_) => "Postgres(..)",
        })
    }
}

/// Where sessions are.
pub(crate) enum SessionStoreUrl {
    /// In a file.
    Sqlite(PathBuf),
    /// On a server.
    Redis(Box<redis::Client>),
}

impl SessionStoreUrl {
    /// Reads a session store's URL.
    ///
    /// # Errors
    /// What is wrong, without showing the URL: it may hold a password.
    pub(crate) fn parse(url: &Secret, redis: &RedisArgs) -> anyhow::Result<Self> {
        if let Some(path) = sqlite_path(url)? {
            return Ok(Self::Sqlite(path));
        }
        match scheme(url) {
            "redis" | "rediss" => Ok(Self::Redis(Box::new(redis.server(url)?))),
            _ => bail!("must begin with `redis://`, `rediss://` or `sqlite:`"),
        }
    }
}

impl std::fmt::Debug for SessionStoreUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sqlite(_) => "Sqlite(..)",
            Self::Redis(_) => "Redis(..)",
        })
    }
}

fn scheme(url: &Secret) -> &str {
    url.expose()
        .split_once("://")
        .map_or("", |(scheme, _)| scheme)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn accounts(url: &str) -> Result<AccountStoreUrl, String> {
        AccountStoreUrl::parse(&Secret::new(url)).map_err(|e| format!("{e:#}"))
    }

    #[test]
    fn urls_name_a_store_by_their_scheme() {
        assert!(matches!(
            accounts("postgres://u:p@h/db"),
            Ok(AccountStoreUrl::Postgres(_))
        ));
        for url in ["sqlite:/a b/c?d.db", "sqlite:///a b/c?d.db"] {
            let Ok(AccountStoreUrl::Sqlite(path)) = accounts(url) else {
                panic!("{url}")
            };
            assert_eq!(path, Path::new("/a b/c?d.db"));
        }
        let sessions = |url| SessionStoreUrl::parse(&Secret::new(url), &RedisArgs::default());
        assert!(matches!(
            sessions("rediss://h:6380/0"),
            Ok(SessionStoreUrl::Redis(_))
        ));
        assert!(sessions("postgres://h/db").is_err());
    }

    #[test]
    fn a_wrong_url_is_refused_without_showing_it() {
        for url in [
            "",
            "mysql://u:hunter2@h/db",
            "sqlite:",
            "sqlite::memory:",
            "postgres://u:hunter2@h:port/db",
        ] {
            let error = accounts(url).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
