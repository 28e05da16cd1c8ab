//! Settings of mail-service.

use std::{
    path::{Path, PathBuf},
    str::FromStr as _,
    time::Duration,
};

use anyhow::{Context, anyhow, bail};
use clap::Args;
use sqlx::postgres::PgConnectOptions;
use turbomessage_service_kit::{
    redis::RedisArgs,
    settings::{self, Secret},
};

use crate::{commit::MailboxDefaults, sweeper::Keeping};

/// Settings of mail-service.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Where mailboxes are kept: `postgres://user:password@host/database` or `sqlite:FILE`.
    #[arg(
        long,
        env = "TM_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub database_url: Option<Secret>,
    /// A file that holds the database URL.
    #[arg(long, env = "TM_DATABASE_URL_FILE", value_name = "FILE")]
    pub database_url_file: Option<PathBuf>,
    /// Where replicas tell each other of changes, so that those who watch a mailbox hear of them at
    /// once: `redis://…` or `rediss://…`. Without it only changes made here are told at once.
    #[arg(
        long,
        env = "TM_WAKEUP_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub wakeup_url: Option<Secret>,
    /// A file that holds the wake-up URL.
    #[arg(long, env = "TM_WAKEUP_URL_FILE", value_name = "FILE")]
    pub wakeup_url_file: Option<PathBuf>,
    #[command(flatten)]
    /// How that server is connected to.
    pub redis: RedisArgs,
    /// Seconds for which those who watch may not hear of a change whose wake-up was lost.
    #[arg(long, env = "TM_WAKEUP_POLL_SECONDS", default_value_t = 2, value_name = "SECONDS",
          value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub wakeup_poll_seconds: u32,
    /// Messages a mailbox may hold.
    #[arg(long, env = "TM_QUOTA_MESSAGES", default_value_t = 1_000_000, value_name = "N",
          value_parser = clap::value_parser!(i64).range(1..=i64::from(i32::MAX)))]
    pub quota_messages: i64,
    /// Bytes a mailbox may hold.
    #[arg(long, env = "TM_QUOTA_BYTES", default_value_t = 1 << 30, value_name = "BYTES",
          value_parser = clap::value_parser!(i64).range(1..))]
    pub quota_bytes: i64,
    /// Days after which a message in Trash is deleted.
    #[arg(long, env = "TM_TRASH_DAYS", default_value_t = 30, value_name = "DAYS",
          value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub trash_days: u32,
    /// Days for which the changes of a mailbox can be asked for.
    #[arg(long, env = "TM_HISTORY_DAYS", default_value_t = 30, value_name = "DAYS",
          value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub history_days: u32,
    /// Changes of a mailbox that can be asked for: older ones go, however young they are.
    #[arg(long, env = "TM_HISTORY_CHANGES", default_value_t = 200_000, value_name = "N",
          value_parser = clap::value_parser!(i64).range(1000..))]
    pub history_changes: i64,
    /// The domain in the `Message-ID` of messages sent here.
    #[arg(
        long,
        env = "TM_MAIL_DOMAIN",
        default_value = "turbomessage.invalid",
        value_name = "DOMAIN"
    )]
    pub mail_domain: String,
    /// After the database was restored from a backup: any word that was not given before, such as the date.
    /// Clients' old states expire then, once, so that nobody takes what is lost for what is there.
    #[arg(long, env = "TM_RESTORED", value_name = "MARK")]
    pub restored: Option<String>,
    /// Tasks that commit writes. One was enough for PostgreSQL in all that was measured; `SQLite` has one writer anyway.
    #[arg(long, env = "TM_WRITERS", default_value_t = 1, value_name = "N",
          value_parser = clap::value_parser!(u8).range(1..=4))]
    pub writers: u8,
}

impl Config {
    /// Everything in one file in `data_dir`.
    #[must_use]
    pub fn embedded(data_dir: &Path) -> Self {
        let file = data_dir.join("mail.db");
        Self {
            database_url: Some(Secret::new(format!("sqlite:{}", file.display()))),
            database_url_file: None,
            wakeup_url: None,
            wakeup_url_file: None,
            redis: RedisArgs::default(),
            wakeup_poll_seconds: 2,
            quota_messages: 1_000_000,
            quota_bytes: 1 << 30,
            trash_days: 30,
            history_days: 30,
            history_changes: 200_000,
            mail_domain: "turbomessage.invalid".into(),
            restored: None,
            writers: 1,
        }
    }

    /// Finds everything that can be wrong with it.
    ///
    /// # Errors
    /// Says which setting to change, without showing secrets.
    pub fn check(&self) -> anyhow::Result<()> {
        self.database()?;
        self.wakeup_server()?;
        Ok(())
    }

    /// The database to use.
    ///
    /// # Errors
    /// There is none, it is of no kind that is known here, or it cannot be read.
    pub(crate) fn database(&self) -> anyhow::Result<Secret> {
        let (direct, file) = (self.database_url.as_ref(), self.database_url_file.as_ref());
        let url = settings::secret("database-url", direct, file)?;
        if settings::sqlite_path(&url)
            .context("--database-url")?
            .is_some()
        {
            return Ok(url);
        }
        let known = ["postgres://", "postgresql://"];
        if !known.iter().any(|scheme| url.expose().starts_with(scheme)) {
            bail!("--database-url must begin with postgres:// or sqlite:");
        }
        // What is wrong is not said in its words: there may be a password in them.
        let read = PgConnectOptions::from_str(url.expose());
        read.map_err(|_| anyhow!("--database-url is no URL of a PostgreSQL database"))?;
        Ok(url)
    }

    /// The server through which replicas wake each other, if there is one.
    ///
    /// # Errors
    /// It cannot be used.
    pub(crate) fn wakeup_server(&self) -> anyhow::Result<Option<redis::Client>> {
        // An empty variable is one that is not set.
        let direct = self.wakeup_url.as_ref();
        let direct = direct.filter(|url| !url.expose().is_empty());
        let file = self.wakeup_url_file.as_ref();
        if direct.is_none() && file.is_none() {
            return Ok(None);
        }
        let url = settings::secret("wakeup-url", direct, file)?;
        if url.expose().is_empty() {
            return Ok(None);
        }
        Ok(Some(self.redis.server(&url).context("--wakeup-url")?))
    }

    pub(crate) fn wakeup_poll(&self) -> Duration {
        Duration::from_secs(self.wakeup_poll_seconds.into())
    }

    pub(crate) fn keeping(&self) -> Keeping {
        let days = |days: u32| Duration::from_hours(24 * u64::from(days));
        Keeping {
            trash: days(self.trash_days),
            history: days(self.history_days),
            history_changes: self.history_changes,
        }
    }

    pub(crate) fn defaults(&self) -> MailboxDefaults {
        MailboxDefaults {
            quota_messages: self.quota_messages,
            quota_bytes: self.quota_bytes,
            mail_domain: self.mail_domain.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_named_by_a_url_that_can_be_read() {
        let database = |url: &str| {
            let config = Config {
                database_url: Some(Secret::new(url)),
                ..Config::embedded(Path::new("data"))
            };
            let said = config.check().err();
            said.map(|error| format!("{error:#}"))
        };
        for good in [
            "postgres://u:p@h:5432/db",
            "sqlite:/a b/c?d%41.db",
            "sqlite:///x",
        ] {
            assert_eq!(database(good), None, "{good}");
        }
        for bad in [
            "postgres://u:hunter2@h:port/db",
            "mysql://u:hunter2@h/db",
            "sqlite:",
            "sqlite::memory:",
        ] {
            let said = database(bad).expect(bad);
            assert!(said.starts_with("--database-url"), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn an_empty_wakeup_url_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("wakeup-url");
        let server = |direct: Option<&str>, in_file: Option<&str>| {
            std::fs::write(&file, in_file.unwrap_or_default()).unwrap();
            let config = Config {
                wakeup_url: direct.map(Secret::new),
                wakeup_url_file: in_file.map(|_| file.clone()),
                ..Config::embedded(folder.path())
            };
            config.wakeup_server().map(|server| server.is_some())
        };
        for (direct, in_file, expected) in [
            (None, None, false),
            (Some(""), None, false),
            (None, Some("\n"), false),
            (Some("redis://h"), None, true),
            (None, Some("redis://h\n"), true),
            (Some(""), Some("redis://h"), true),
        ] {
            assert_eq!(
                server(direct, in_file).unwrap(),
                expected,
                "{direct:?} {in_file:?}"
            );
        }
        assert!(server(Some("redis://h"), Some("redis://h")).is_err());
    }
}
