//! Tidying up in the background: Trash that is old enough, contents nobody holds any more, answers
//! and history kept long enough.

use std::{collections::BTreeMap, time::Duration};

use tokio_util::sync::CancellationToken;
use turbomessage_service_kit::{clock::SharedClock, problem::Problem};
use uuid::Uuid;

use crate::{
    commit::{Delete, sweep},
    mail::Mail,
    store::{Queue, Retention, SharedStore, StoreError},
};

const INTERVAL: Duration = Duration::from_secs(5);
const STEP: i64 = 200;
/// How much of one mailbox's history is forgotten in one transaction.
const HISTORY_STEP: i64 = 5000;
/// Answers are promised for 7 days; a day more lets clocks differ.
const ANSWERS_KEPT: Duration = Duration::from_hours(8 * 24);

/// How long things are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keeping {
    /// Messages in Trash.
    pub(crate) trash: Duration,
    /// Entries of the history.
    pub(crate) history: Duration,
    /// The most entries of one mailbox's history.
    pub(crate) history_changes: i64,
}

/// Sweeps one store.
#[derive(Debug, Clone)]
pub(crate) struct Sweeper {
    pub(crate) store: SharedStore,
    pub(crate) mail: Mail,
    pub(crate) clock: SharedClock,
    pub(crate) keeping: Keeping,
}

impl Sweeper {
    /// Sweeps until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let sweeping = async {
            let mut owner = Uuid::nil();
            loop {
                tokio::time::sleep(INTERVAL).await;
                if let Err(problem) = self.empty_trash().await {
                    tracing::warn!(error.cause = %problem, "Trash not emptied");
                }
                if let Err(error) = self.step(&mut owner).await {
                    tracing::warn!(error.cause = %format_args!("{error:#}"), "not swept");
                }
            }
        };
        tokio::select! {
            () = sweeping => {}
            () = stop.cancelled() => {}
        }
    }

    /// Deletes what has been in Trash for too long, whoever's it is.
    async fn empty_trash(&self) -> Result<(), Problem> {
        let before = self.clock.now().minus(self.keeping.trash);
        loop {
            let due = self.store.due(Queue::Trash, before, STEP).await?;
            let last = i64::try_from(due.len()).unwrap_or(STEP) < STEP;
            let mut by_owner: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
            for (owner, message_id) in due {
                by_owner.entry(owner).or_default().push(message_id);
            }
            for (owner_id, message_ids) in by_owner {
                let delete = Delete {
                    owner_id,
                    message_ids,
                    trashed_before: Some(before),
                };
                self.mail.delete(delete).await?;
            }
            if last {
                return Ok(());
            }
        }
    }

    /// All orphans there are; the old answers and the old history of the next few mailboxes after
    /// `owner`.
    async fn step(&self, owner: &mut Uuid) -> Result<(), StoreError> {
        while sweep(&*self.store, STEP).await? > 0 {}
        let owners = self.store.owners(*owner, STEP).await?;
        if let Some(&last) = owners.last() {
            let before = self.clock.now().minus(ANSWERS_KEPT);
            let mut transaction = self.store.begin().await?;
            transaction.forget_answers(&owners, before).await?;
            transaction.commit().await?;
            self.forget_history((*owner, last)).await?;
        }
        *owner = owners.last().copied().unwrap_or_default();
        Ok(())
    }

    async fn forget_history(&self, owners: (Uuid, Uuid)) -> Result<(), StoreError> {
        let kept = Retention {
            since: self.clock.now().minus(self.keeping.history),
            changes: self.keeping.history_changes,
        };
        for owner in self.store.long_histories(owners, kept).await? {
            let mut transaction = self.store.begin().await?;
            for mailbox in transaction.lock_mailboxes(&[owner]).await? {
                let limit = HISTORY_STEP;
                transaction.forget_history(&mailbox, kept, limit).await?;
            }
            transaction.commit().await?;
        }
        Ok(())
    }
}
