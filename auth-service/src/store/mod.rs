//! Where accounts and sessions are kept. The traits name no driver; every implementation passes
//! the same conformance suite.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use turbomessage_service_kit::{clock::Timestamp, problem::Problem};
use uuid::Uuid;

use crate::{
    config::{AccountStoreUrl, SessionStoreUrl},
    domain::{
        Account, Credentials, DirectoryEntry, DisplayName, PasswordHash, RevokedSession, Session,
        TokenHash, Username,
    },
};

pub(crate) mod accounts;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub(crate) mod sessions;
pub(crate) mod sql;
pub(crate) mod sqlite;

/// Accounts, and the log of what happened to them. Every method fails with `STORE_UNAVAILABLE` if
/// the database does not answer.
#[async_trait::async_trait]
pub(crate) trait AccountStore: Send + Sync + 'static {
    /// Keeps a new account. `USERNAME_TAKEN` if the name is or was somebody's.
    async fn open(&self, account: &Account, hash: &PasswordHash) -> Result<(), Problem>;

    /// The account and its password's hash, unless it was deleted or never was.
    async fn find(&self, account_id: Uuid) -> Result<Option<Credentials>, Problem>;

    /// Like `find`, by name.
    async fn find_named(&self, username: &Username) -> Result<Option<Credentials>, Problem>;

    /// Changes the display name. Answers the account as it is then, unless it is gone.
    async fn rename(
        &self,
        account_id: Uuid,
        display_name: &DisplayName,
        now: Timestamp,
    ) -> Result<Option<Account>, Problem>;

    /// Changes the password's hash, if it still is `from`. Answers whether it was.
    async fn change_password(
        &self,
        account_id: Uuid,
        from: &PasswordHash,
        to: &PasswordHash,
    ) -> Result<bool, Problem>;

    /// Erases all of the account but its id and its name, which stays taken, if its password's
    /// hash still is `hash`. Answers whether it was.
    async fn delete(
        &self,
        account_id: Uuid,
        hash: &PasswordHash,
        now: Timestamp,
    ) -> Result<bool, Problem>;

    /// Those of the accounts that there are, in no order; deleted ones by id only. One that is
    /// named twice may come twice.
    async fn look_up(
        &self,
        usernames: &[Username],
        account_ids: &[Uuid],
    ) -> Result<Vec<DirectoryEntry>, Problem>;

    /// The first events after `position`, at most `most`: the accounts as they are now, in the
    /// order of the events.
    async fn events_after(&self, position: i64, most: u32) -> Result<AccountEvents, Problem>;

    /// Where the log of events ends.
    async fn end_of_events(&self) -> Result<i64, Problem>;

    /// Rings when this process has added events. What other replicas add, it does not tell.
    fn events_added(&self) -> watch::Receiver<()>;

    /// How far `follower` has acted on the log of events; 0 if it never has.
    async fn follower_position(&self, follower: &str) -> Result<i64, Problem>;

    /// Notes that `follower` has acted on the events up to `position`. It never goes back.
    async fn advance_follower(&self, follower: &str, position: i64) -> Result<(), Problem>;

    /// Whether the store answers.
    async fn ping(&self) -> Result<(), Problem>;
}

/// A part of the log of account events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccountEvents {
    /// The position of the last of them; where one asked from if there is none.
    pub(crate) position: i64,
    /// An entry for each event.
    pub(crate) entries: Vec<DirectoryEntry>,
}

/// Sessions, the log of those revoked, and counters of failed logins, shared by all replicas.
/// Expiry is decided by the time passed in; a store's own clock only cleans up. Every method fails
/// with `STORE_UNAVAILABLE` if the store does not answer or has no room.
#[async_trait::async_trait]
pub(crate) trait SessionStore: Send + Sync + 'static {
    /// Keeps a new session that `token` opens.
    async fn open(&self, session: &Session, token: &TokenHash) -> Result<(), Problem>;

    /// The session that `token` opens, unless it has ended. Counts as a use: once the last one
    /// noted is [`Session::TOUCH_AFTER`] ago, the session lives for `idle` from now. A store that
    /// takes no writes still answers.
    async fn check(
        &self,
        token: &TokenHash,
        now: Timestamp,
        idle: Duration,
    ) -> Result<Option<Session>, Problem>;

    /// The account's sessions that have not ended, newest use first.
    async fn list(&self, account_id: Uuid, now: Timestamp) -> Result<Vec<Session>, Problem>;

    /// Ends sessions of the account's and logs those that had not ended yet. Answers how many
    /// those were.
    async fn revoke(&self, account_id: Uuid, which: Which, now: Timestamp) -> Result<u32, Problem>;

    /// The first revocations after `position`, waiting for one until `wait` is over; without a
    /// position, where the log ends. `HISTORY_EXPIRED` if the log does not reach back to
    /// `position`, or never was there.
    async fn revocations_after(
        &self,
        position: Option<&str>,
        wait: Duration,
    ) -> Result<Revocations, Problem>;

    /// Takes one of the attempts left to each of `limits` in this window of time, from all or from
    /// none. Answers whether all had one.
    async fn take_attempt(&self, limits: &[Limit], window: Window) -> Result<bool, Problem>;

    /// Gives back what `take_attempt` took.
    async fn give_back_attempt(&self, limits: &[Limit], window: Window) -> Result<(), Problem>;

    /// Forgets what is over.
    async fn clean_up(&self, now: Timestamp) -> Result<(), Problem>;

    /// Whether the store answers.
    async fn ping(&self) -> Result<(), Problem>;
}

/// Which of an account's sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// This one.
    One(Uuid),
    /// All but this one.
    AllBut(Uuid),
    /// Every one.
    All,
}

/// A part of the log of revocations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Revocations {
    /// Where the log stands after them.
    pub(crate) position: String,
    /// The sessions, in the order in which they ended.
    pub(crate) sessions: Vec<RevokedSession>,
}

/// How many attempts somebody has in a window of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit {
    /// Who, as a hash: stores need not know names and addresses.
    pub(crate) scope: [u8; 32],
    /// How many.
    pub(crate) most: u32,
}

/// A window of time that attempts are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    /// When it began.
    pub(crate) start: Timestamp,
    /// When it is over.
    pub(crate) end: Timestamp,
}

/// How many entries of the log of revocations are read at once.
const REVOCATIONS_AT_ONCE: u32 = 256;

/// Opens the account store at `url`.
///
/// # Errors
/// A file cannot be opened. A database server that does not answer is no error: the store answers
/// once it does.
pub(crate) async fn open_accounts(
    url: &AccountStoreUrl,
    shutdown: CancellationToken,
) -> anyhow::Result<Arc<dyn AccountStore>> {
    Ok(match url {
        AccountStoreUrl::Sqlite(path) => Arc::new(accounts::SqliteAccounts::open(path).await?),
        AccountStoreUrl::Postgres(options) => {
            Arc::new(accounts::PostgresAccounts::open(options, shutdown))
        }
    })
}

/// Opens the session store at `url`.
///
/// # Errors
/// As for [`open_accounts`].
pub(crate) async fn open_sessions(
    url: &SessionStoreUrl,
    shutdown: CancellationToken,
) -> anyhow::Result<Arc<dyn SessionStore>> {
    Ok(match url {
        SessionStoreUrl::Sqlite(path) => Arc::new(sessions::SqliteSessions::open(path).await?),
        SessionStoreUrl::Redis(client) => Arc::new(sessions::RedisSessions::open(client, shutdown)),
    })
}
