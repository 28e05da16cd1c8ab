//! Looking at the mailboxes that are watched, for wake-ups that were lost: one statement for many.

use std::time::Duration;

use super::Hub;
use crate::store::SharedStore;

/// How many mailboxes are looked at in one statement.
const STEP: usize = 500;

/// Looks every `interval`, for ever.
pub(super) async fn run(hub: Hub, store: SharedStore, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        for owners in hub.watched().chunks(STEP) {
            match store.last_changes(owners).await {
                Ok(changed) => hub.correct(&changed),
                Err(error) => {
                    tracing::warn!(error.cause = %error, "watched mailboxes not looked at");
                }
            }
        }
    }
}
