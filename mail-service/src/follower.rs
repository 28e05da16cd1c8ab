//! Following auth-service's log of account events: names are kept up to date, and the mailboxes of
//! deleted accounts erased, however long mail-service was away.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, anyhow};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, Streaming};
use turbomessage_proto::auth_internal_v1::{
    WatchAccountsRequest, WatchAccountsResponse, directory_service_client::DirectoryServiceClient,
};
use turbomessage_service_kit::{clock::SharedClock, upstream::Upstream};
use uuid::Uuid;

use crate::{
    commit::{MailboxDefaults, erase_mailbox},
    directory::{Directory, account},
    store::{Account, SharedStore, StoreError},
};

/// auth-service says something every few seconds; longer silence means that the way is cut.
const SILENCE: Duration = Duration::from_secs(15);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Keeps one replica in step with the log.
#[derive(Debug, Clone)]
pub(crate) struct Follower {
    /// Where the log comes from.
    pub(crate) auth: Upstream,
    /// Where its effects are kept.
    pub(crate) store: SharedStore,
    /// What to tell of new names.
    pub(crate) directory: Directory,
    /// The time of erasures.
    pub(crate) clock: SharedClock,
    /// What mailboxes are made with.
    pub(crate) defaults: MailboxDefaults,
}

impl Follower {
    /// Follows until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let following = async {
            let mut pause = FIRST_PAUSE;
            loop {
                let error = match self.follow(&mut pause).await {
                    Ok(never) => match never {},
                    Err(error) => error,
                };
                tracing::warn!(error.cause = %format_args!("{error:#}"), "account events are not followed");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        };
        tokio::select! {
            () = following => {}
            () = stop.cancelled() => {}
        }
    }

    async fn follow(&self, pause: &mut Duration) -> anyhow::Result<std::convert::Infallible> {
        let position = self.store.feed_position().await?;
        let mut events = match self.watch(position).await {
            Err(status) if status.code() == Code::OutOfRange => {
                // The log is shorter than what was followed: auth-service was restored from a
                // backup. Following it again from the start does no harm.
                tracing::warn!(feed.position = position, "account events begin anew");
                self.directory.forget();
                self.watch(0).await?
            }
            answer => answer?,
        };
        loop {
            let event = tokio::time::timeout(SILENCE, events.message())
                .await
                .context("silence")??;
            self.apply(event.ok_or_else(|| anyhow!("the stream ended"))?)
                .await?;
            *pause = FIRST_PAUSE;
        }
    }

    async fn watch(&self, position: i64) -> Result<Streaming<WatchAccountsResponse>, Status> {
        let mut client = DirectoryServiceClient::new(self.auth.streams());
        let request = client.watch_accounts(WatchAccountsRequest { position });
        match tokio::time::timeout(SILENCE, request).await {
            Ok(answer) => Ok(answer?.into_inner()),
            Err(_) => Err(Status::deadline_exceeded("silence")),
        }
    }

    /// The position moves on only after the effects are durable: what was cut short is done again.
    async fn apply(&self, event: WatchAccountsResponse) -> Result<(), StoreError> {
        if event.entries.is_empty() {
            return Ok(());
        }
        // Of several events about one account the last one counts.
        let accounts = event.entries.into_iter().filter_map(account);
        let accounts: BTreeMap<Uuid, Account> = accounts.map(|a| (a.account_id, a)).collect();
        let accounts: Vec<Account> = accounts.into_values().collect();
        for account in accounts.iter().filter(|a| a.deleted) {
            erase_mailbox(
                &*self.store,
                &*self.clock,
                &self.defaults,
                account.account_id,
            )
            .await?;
            tracing::info!(account.id = %account.account_id, "mailbox erased");
        }
        let mut transaction = self.store.begin().await?;
        transaction.note_accounts(&accounts, event.position).await?;
        transaction.commit().await?;
        self.directory.learn(&accounts);
        Ok(())
    }
}
