//! The settings of auth-service.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use clap::{Args, builder::RangedU64ValueParser};
use turbomessage_service_kit::{
    redis::RedisArgs,
    settings::{Secret, seconds, secret},
};

use crate::domain::Lifetimes;

mod store_url;

pub(crate) use store_url::{AccountStoreUrl, SessionStoreUrl};

/// The settings of auth-service.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Where accounts are: `postgres://…` or `sqlite:FILE`.
    #[arg(
        long,
        env = "TM_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    database_url: Option<Secret>,
    /// A file with the value of --database-url.
    #[arg(long, env = "TM_DATABASE_URL_FILE", value_name = "FILE")]
    database_url_file: Option<PathBuf>,
    /// Where sessions are: `redis://…`, `rediss://…` or `sqlite:FILE`.
    #[arg(
        long,
        env = "TM_SESSION_STORE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    session_store_url: Option<Secret>,
    /// A file with the value of --session-store-url.
    #[arg(long, env = "TM_SESSION_STORE_URL_FILE", value_name = "FILE")]
    session_store_url_file: Option<PathBuf>,
    #[command(flatten)]
    redis: RedisArgs,
    /// The keys that tickets are signed with: PEM blocks `PRIVATE KEY`, Ed25519. The first signs,
    /// all are announced; a changed file is read again. Without it every process has a key of its
    /// own, which is for one replica only.
    #[arg(long, env = "TM_TICKET_KEY_FILE", value_name = "FILE")]
    ticket_key_file: Option<PathBuf>,
    /// How long a session lives without being used, in seconds.
    #[arg(long, env = "TM_SESSION_IDLE_SECONDS", default_value = "2592000", value_parser = positive_seconds, value_name = "SECONDS")]
    session_idle_seconds: Duration,
    /// How long a session lives however often it is used, in seconds.
    #[arg(long, env = "TM_SESSION_LIFETIME_SECONDS", default_value = "15552000", value_parser = positive_seconds, value_name = "SECONDS")]
    session_lifetime_seconds: Duration,
    /// How many passwords are hashed at once; each takes 19 MiB. Default: half of the processors.
    #[arg(long, env = "TM_HASH_CONCURRENCY", value_parser = at_once, value_name = "COUNT")]
    hash_concurrency: Option<NonZeroUsize>,
    /// How many callers may wait for a password to be hashed; more are told to come back.
    #[arg(
        long,
        env = "TM_HASH_QUEUE",
        default_value = "128",
        value_parser = RangedU64ValueParser::<usize>::new().range(..=MOST_WAITING),
        value_name = "COUNT"
    )]
    hash_queue: usize,
    /// How many failed logins one username may have from one address in a window of time.
    #[arg(
        long,
        env = "TM_LOGIN_FAILURES_PER_NAME",
        default_value = "10",
        value_name = "COUNT"
    )]
    login_failures_per_name: NonZeroU32,
    /// How many failed logins one address may have in a window of time.
    #[arg(
        long,
        env = "TM_LOGIN_FAILURES_PER_ADDRESS",
        default_value = "100",
        value_name = "COUNT"
    )]
    login_failures_per_address: NonZeroU32,
    /// How long the window of time is that failed logins are counted in, in seconds.
    #[arg(long, env = "TM_LOGIN_WINDOW_SECONDS", default_value = "900", value_parser = positive_seconds, value_name = "SECONDS")]
    login_window_seconds: Duration,
    /// Whether this process is the whole system, so that a ticket key of its own is all right.
    #[arg(skip)]
    whole_system: bool,
}

/// What may wait at the most, and be hashed at once: more is a slip of the pen.
const MOST_WAITING: u64 = 1_000_000;
const MOST_AT_ONCE: usize = 1024;

fn at_once(text: &str) -> Result<NonZeroUsize, String> {
    let number: NonZeroUsize = text.parse().map_err(|error| format!("{error}"))?;
    if number.get() > MOST_AT_ONCE {
        return Err(format!("must be {MOST_AT_ONCE} at the most"));
    }
    Ok(number)
}

fn positive_seconds(text: &str) -> Result<Duration, String> {
    match seconds(text)? {
        Duration::ZERO => Err("must be at least one second".into()),
        duration => Ok(duration),
    }
}

impl Config {
    /// For a system in one process: accounts and sessions in files in `data_dir`, which is made if
    /// it is not there, and limits on failed logins that nobody meets by accident.
    #[must_use]
    pub fn embedded(data_dir: &Path) -> Self {
        let file = |name| {
            Some(Secret::new(format!(
                "sqlite:{}",
                data_dir.join(name).display()
            )))
        };
        Self {
            database_url: file("accounts.db"),
            database_url_file: None,
            session_store_url: file("sessions.db"),
            session_store_url_file: None,
            redis: RedisArgs::default(),
            ticket_key_file: None,
            session_idle_seconds: Duration::from_secs(30 * 24 * 3600),
            session_lifetime_seconds: Duration::from_secs(180 * 24 * 3600),
            hash_concurrency: None,
            hash_queue: 128,
            login_failures_per_name: NonZeroU32::new(1_000).unwrap_or(NonZeroU32::MAX),
            login_failures_per_address: NonZeroU32::new(10_000).unwrap_or(NonZeroU32::MAX),
            login_window_seconds: Duration::from_secs(900),
            whole_system: true,
        }
    }

    /// Reads what the settings name and checks that it can be used, without asking any server.
    ///
    /// # Errors
    /// Which setting cannot be used, and why.
    pub fn check(&self) -> anyhow::Result<()> {
        self.resolve().map(drop)
    }

    pub(crate) fn resolve(&self) -> anyhow::Result<Settings> {
        let database = secret(
            "database-url",
            self.database_url.as_ref(),
            self.database_url_file.as_ref(),
        )?;
        let sessions = secret(
            "session-store-url",
            self.session_store_url.as_ref(),
            self.session_store_url_file.as_ref(),
        )?;
        if let Some(file) = &self.ticket_key_file {
            crate::keys::read(file).context("--ticket-key-file")?;
        }
        let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Ok(Settings {
            accounts: AccountStoreUrl::parse(&database).context("--database-url")?,
            sessions: SessionStoreUrl::parse(&sessions, &self.redis)
                .context("--session-store-url")?,
            ticket_keys: match &self.ticket_key_file {
                Some(file) => TicketKeys::File(file.clone()),
                None if self.whole_system => TicketKeys::Own,
                None => TicketKeys::OwnForWantOfAFile,
            },
            lifetimes: Lifetimes {
                idle: self.session_idle_seconds,
                absolute: self.session_lifetime_seconds,
            },
            hashing: HashingLimits {
                at_once: self
                    .hash_concurrency
                    .map_or((processors / 2).max(1), NonZeroUsize::get),
                waiting: self.hash_queue,
            },
            logins: LoginLimits {
                per_name: self.login_failures_per_name.get(),
                per_address: self.login_failures_per_address.get(),
                window: self.login_window_seconds,
            },
        })
    }
}

/// The settings in a form that can be used.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) accounts: AccountStoreUrl,
    pub(crate) sessions: SessionStoreUrl,
    pub(crate) ticket_keys: TicketKeys,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) hashing: HashingLimits,
    pub(crate) logins: LoginLimits,
}

/// Where the keys come from that sign tickets.
#[derive(Debug)]
pub(crate) enum TicketKeys {
    /// A file that several replicas share.
    File(PathBuf),
    /// Made up by this process, which is the whole system.
    Own,
    /// Made up by this process, which may be one of several.
    OwnForWantOfAFile,
}

/// How much hashing is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HashingLimits {
    /// Passwords hashed at once.
    pub(crate) at_once: usize,
    /// Callers that may wait for that.
    pub(crate) waiting: usize,
}

/// How many failed logins there may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LoginLimits {
    /// Of one username from one address, in a window.
    pub(crate) per_name: u32,
    /// From one address, in a window.
    pub(crate) per_address: u32,
    /// How long a window is.
    pub(crate) window: Duration,
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        _config: Config,
    }

    #[test]
    fn more_passwords_at_once_than_there_can_be_are_refused() {
        for (setting, good, bad) in [
            ("--hash-queue", "0", "1000001"),
            ("--hash-queue", "1000000", "4611686018427387904"),
            ("--hash-concurrency", "1", "0"),
            ("--hash-concurrency", "1024", "1025"),
        ] {
            let read = |value| Program::try_parse_from(["auth-service", setting, value]);
            assert!(read(good).is_ok(), "{setting} {good}");
            let refused = read(bad).expect_err(bad).to_string();
            assert!(refused.contains(setting), "{refused}");
        }
    }
}
