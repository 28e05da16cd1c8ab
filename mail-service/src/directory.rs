//! Who is who: names to accounts and back, from auth-service's directory, kept near.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use moka::sync::Cache;
use turbomessage_proto::auth_internal_v1::{
    DirectoryEntry, LookUpAccountsRequest, directory_service_client::DirectoryServiceClient,
};
use turbomessage_service_kit::{
    fields::parse_id,
    problem::Problem,
    upstream::{GrpcService, Upstream},
};
use uuid::Uuid;

use crate::store::{Account, SharedStore};

/// Accounts remembered. One takes some 300 bytes.
const REMEMBERED: u64 = 100_000;
/// How long what is remembered of an account may be behind, should the log of events be.
const FRESH: Duration = Duration::from_secs(60);
/// How long a name is remembered: it is its account's for ever, and is never given out again. Not without end, as
/// auth-service may go back to a backup.
const NAMES_FRESH: Duration = Duration::from_secs(60 * 60);

/// The directory as mail-service sees it.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    client: DirectoryServiceClient<GrpcService>,
    store: SharedStore,
    by_name: Cache<String, Uuid>,
    by_id: Cache<Uuid, Arc<Account>>,
}

impl Directory {
    /// The directory of the auth-service at `auth`.
    #[must_use]
    pub(crate) fn new(auth: &Upstream, store: SharedStore) -> Self {
        Self {
            client: DirectoryServiceClient::new(auth.calls()),
            store,
            by_name: Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_live(NAMES_FRESH)
                .build(),
            by_id: Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_live(FRESH)
                .build(),
        }
    }

    /// The accounts called `names`; a name nobody has is left out.
    ///
    /// # Errors
    /// auth-service does not answer and a name is not remembered.
    pub(crate) async fn resolve<'a>(
        &self,
        names: impl Iterator<Item = &'a String>,
    ) -> Result<HashMap<String, Uuid>, Problem> {
        let mut found = HashMap::new();
        let mut asked = Vec::new();
        for name in names {
            match self.by_name.get(name) {
                Some(id) => drop(found.insert(name.clone(), id)),
                None => asked.push(name.clone()),
            }
        }
        if !asked.is_empty() {
            for account in self.look_up(asked, Vec::new()).await? {
                found.insert(account.username, account.account_id);
            }
        }
        Ok(found)
    }

    /// What is known of the accounts `ids`. Where auth-service does not answer, those not known
    /// here are left out: mail can be read all the same.
    ///
    /// # Errors
    /// The store does not answer.
    pub(crate) async fn accounts(
        &self,
        ids: impl Iterator<Item = Uuid>,
    ) -> Result<HashMap<Uuid, Arc<Account>>, Problem> {
        let mut found = HashMap::new();
        let mut missing = HashSet::new();
        // A page is of few people: what is remembered is asked once for each.
        for id in ids.collect::<HashSet<_>>() {
            match self.by_id.get(&id) {
                Some(account) => drop(found.insert(id, account)),
                None => drop(missing.insert(id)),
            }
        }
        let mut missing: Vec<Uuid> = missing.into_iter().collect();
        if missing.is_empty() {
            return Ok(found);
        }
        let mut known = self.store.accounts(&missing).await?;
        let there: HashSet<Uuid> = known.iter().map(|a| a.account_id).collect();
        missing.retain(|id| !there.contains(id));
        if !missing.is_empty() {
            let ids = missing.iter().map(ToString::to_string).collect();
            match self.look_up(Vec::new(), ids).await {
                Ok(accounts) => known.extend(accounts),
                Err(problem) => tracing::warn!(error.cause = %problem, "names are missing"),
            }
        }
        for account in known {
            let account = Arc::new(account);
            self.by_id.insert(account.account_id, Arc::clone(&account));
            found.insert(account.account_id, account);
        }
        Ok(found)
    }

    /// Takes note of accounts as the log of events has them.
    pub(crate) fn learn(&self, accounts: &[Account]) {
        for account in accounts {
            if account.deleted {
                // Its name is not in the event: an erased mailbox refuses what is sent to it.
                self.by_id
                    .insert(account.account_id, Arc::new(account.clone()));
            } else {
                self.remember(account);
            }
        }
    }

    /// Remembers nothing any more: accounts may be others now.
    pub(crate) fn forget(&self) {
        self.by_name.invalidate_all();
        self.by_id.invalidate_all();
    }

    fn remember(&self, account: &Account) {
        self.by_name
            .insert(account.username.clone(), account.account_id);
        self.by_id
            .insert(account.account_id, Arc::new(account.clone()));
    }

    async fn look_up(
        &self,
        usernames: Vec<String>,
        account_ids: Vec<String>,
    ) -> Result<Vec<Account>, Problem> {
        let request = LookUpAccountsRequest {
            usernames,
            account_ids,
        };
        let response = self
            .client
            .clone()
            .look_up_accounts(request)
            .await?
            .into_inner();
        let accounts: Vec<Account> = response.entries.into_iter().filter_map(account).collect();
        for account in accounts.iter().filter(|a| !a.deleted) {
            self.remember(account);
        }
        Ok(accounts)
    }
}

/// An entry of the directory; `None` if its id is none.
pub(crate) fn account(entry: DirectoryEntry) -> Option<Account> {
    Some(Account {
        account_id: parse_id(&entry.account_id).ok()?,
        username: entry.username,
        display_name: entry.display_name,
        deleted: entry.deleted,
    })
}
