//! Who there is, for the rest of the system.

use std::sync::Arc;

use turbomessage_service_kit::{
    fields::Fields,
    problem::{Problem, Reason, Rule, Unit},
};
use uuid::Uuid;

use crate::{
    domain::{DirectoryEntry, Username},
    store::{AccountEvents, AccountStore},
};

/// Most names and ids that are looked up at once.
const MOST: usize = 1000;

/// Looks accounts up.
pub(crate) struct Directory {
    accounts: Arc<dyn AccountStore>,
}

/// Which accounts to look up.
#[derive(Debug)]
pub(crate) struct LookUp {
    usernames: Vec<Username>,
    account_ids: Vec<Uuid>,
}

impl LookUp {
    /// Reads what to look up. What cannot be a username is nobody's.
    ///
    /// # Errors
    /// `FIELD_INVALID` for ids that are none, and for more than 1000 of both together.
    pub(crate) fn parse(usernames: &[String], account_ids: &[String]) -> Result<Self, Problem> {
        let mut fields = Fields::new();
        if usernames.len() + account_ids.len() > MOST {
            let field = if usernames.len() > account_ids.len() {
                "usernames"
            } else {
                "account_ids"
            };
            fields.reject(field, Rule::TooLong(MOST, Unit::Items));
        }
        let account_ids = if account_ids.is_empty() {
            Vec::new()
        } else {
            fields.ids("account_ids", account_ids, MOST)
        };
        fields.finish()?;
        let known = usernames
            .iter()
            .filter_map(|name| Username::parse(name).ok());
        Ok(Self {
            usernames: known.collect(),
            account_ids,
        })
    }
}

impl Directory {
    /// A directory of `accounts`.
    pub(crate) fn new(accounts: Arc<dyn AccountStore>) -> Self {
        Self { accounts }
    }

    /// The accounts that there are, each once.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub(crate) async fn look_up(&self, wanted: LookUp) -> Result<Vec<DirectoryEntry>, Problem> {
        let mut entries = self
            .accounts
            .look_up(&wanted.usernames, &wanted.account_ids)
            .await?;
        entries.sort_by_key(|entry| entry.account_id);
        entries.dedup_by_key(|entry| entry.account_id);
        Ok(entries)
    }

    /// Checks that the log of events reaches as far as `position`: it does not if the database was
    /// restored from a backup that is older than the caller's knowledge.
    ///
    /// # Errors
    /// `FIELD_INVALID` or `HISTORY_EXPIRED`.
    pub(crate) async fn check_position(&self, position: i64) -> Result<(), Problem> {
        if position < 0 {
            return Err(Problem::field("position", Rule::Negative));
        }
        if position > self.accounts.end_of_events().await? {
            return Err(Problem::new(Reason::HistoryExpired));
        }
        Ok(())
    }

    /// The first events after `position`.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub(crate) async fn events_after(&self, position: i64) -> Result<AccountEvents, Problem> {
        self.accounts.events_after(position, EVENTS_AT_ONCE).await
    }

    /// Rings when this process has added events.
    pub(crate) fn events_added(&self) -> tokio::sync::watch::Receiver<()> {
        self.accounts.events_added()
    }
}

/// Events in one message.
const EVENTS_AT_ONCE: u32 = 500;
