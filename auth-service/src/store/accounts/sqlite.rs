//! Accounts in a SQLite file.

use std::{
    future::{Ready, ready},
    path::Path,
};

use futures::future::BoxFuture;
use sqlx::{SqliteConnection, SqlitePool};
use turbomessage_service_kit::telemetry::database::traced;

use super::{rows::EntryRow, shared::account_store};
use crate::store::sqlite::SqliteFile;

/// `$1` a JSON list of names.
const NAMED: &str = "\
    SELECT account_id, username, display_name, state FROM accounts \
    WHERE username IN (SELECT value FROM json_each($1)) AND state = 'ACTIVE'";

/// `$1` a JSON list of ids in hexadecimal.
const WITH_IDS: &str = "\
    SELECT account_id, username, display_name, state FROM accounts \
    WHERE account_id IN (SELECT unhex(value) FROM json_each($1))";

/// Accounts in a SQLite file.
#[derive(Debug)]
pub(crate) struct SqliteAccounts {
    file: SqliteFile,
    added: watch::Sender<()>,
}

impl SqliteAccounts {
    /// Opens the file at `path`, made if it is not there.
    ///
    /// # Errors
    /// The file cannot be opened or is no database.
    pub(crate) async fn open(path: &Path) -> anyhow::Result<Self> {
        let file = SqliteFile::open(
            path,
            sqlx::migrate!("migrations/sqlite/accounts"),
            ["accounts.writers", "accounts.readers"],
        )
        .await?;
        Ok(Self {
            file,
            added: watch::Sender::new(()),
        })
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "the other engine may not be ready"
    )]
    fn readers(&self) -> Result<&SqlitePool, Problem> {
        Ok(self.file.readers())
    }

    fn check_writes(&self) -> Ready<Result<(), Problem>> {
        ready(self.file.check_writes())
    }

    async fn transaction<T: Send + 'static>(
        &self,
        work: impl for<'t> FnOnce(&'t mut SqliteConnection) -> BoxFuture<'t, sqlx::Result<T>>
        + Send
        + 'static,
    ) -> Result<T, Problem> {
        self.file.transaction(work).await
    }

    async fn named(&self, usernames: &[Username]) -> Result<Vec<EntryRow>, Problem> {
        let names = json_list(usernames.iter().map(|name| name.as_str().to_owned()));
        let read = query_as(NAMED)
            .bind(names)
            .fetch_all(traced(self.readers()?));
        within(TIME_LIMIT, read).await
    }

    async fn with_ids(&self, account_ids: &[Uuid]) -> Result<Vec<EntryRow>, Problem> {
        let ids = json_list(account_ids.iter().map(|id| id.simple().to_string()));
        let read = query_as(WITH_IDS)
            .bind(ids)
            .fetch_all(traced(self.readers()?));
        within(TIME_LIMIT, read).await
    }
}

/// A JSON list of strings that need no escapes: usernames and hexadecimal digits.
fn json_list(items: impl Iterator<Item = String>) -> String {
    let quoted: Vec<_> = items.map(|item| format!("\"{item}\"")).collect();
    format!("[{}]", quoted.join(","))
}

account_store!(SqliteAccounts, SqliteConnection);
