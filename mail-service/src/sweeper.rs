//! Tidying up in the background: contents nobody holds any more, answers kept long enough.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use turbomessage_service_kit::clock::SharedClock;
use uuid::Uuid;

use crate::{
    commit::sweep,
    store::{SharedStore, StoreError},
};

const INTERVAL: Duration = Duration::from_secs(5);
const STEP: i64 = 200;
/// Answers are promised for 7 days; a day more lets clocks differ.
const ANSWERS_KEPT: Duration = Duration::from_hours(8 * 24);

/// Sweeps one store.
#[derive(Debug, Clone)]
pub(crate) struct Sweeper {
    pub(crate) store: SharedStore,
    pub(crate) clock: SharedClock,
}

impl Sweeper {
    /// Sweeps until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let sweeping = async {
            let mut owner = Uuid::nil();
            loop {
                tokio::time::sleep(INTERVAL).await;
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

    /// All orphans there are, and the old answers of the next few mailboxes after `owner`.
    async fn step(&self, owner: &mut Uuid) -> Result<(), StoreError> {
        while sweep(&*self.store, STEP).await? > 0 {}
        let owners = self.store.owners(*owner, STEP).await?;
        if !owners.is_empty() {
            let before = self.clock.now().minus(ANSWERS_KEPT);
            let mut transaction = self.store.begin().await?;
            transaction.forget_answers(&owners, before).await?;
            transaction.commit().await?;
        }
        *owner = owners.last().copied().unwrap_or_default();
        Ok(())
    }
}
