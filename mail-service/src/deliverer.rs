//! Delivering what waits in Outboxes when its time comes, whichever replica put it there.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use turbomessage_service_kit::{clock::SharedClock, problem::Problem};

use crate::mail::{Delivery, Mail};

/// How long after its time a message may still wait.
const INTERVAL: Duration = Duration::from_millis(500);
/// How many are delivered before the next look.
const STEP: i64 = 100;

/// Delivers for everybody.
#[derive(Debug, Clone)]
pub(crate) struct Deliverer {
    pub(crate) mail: Mail,
    pub(crate) clock: SharedClock,
}

impl Deliverer {
    /// Delivers until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let delivering = async {
            loop {
                match self.step().await {
                    // There may be more.
                    Ok(true) => {}
                    Ok(false) => tokio::time::sleep(INTERVAL).await,
                    Err(problem) => {
                        tracing::warn!(error.cause = %problem, "not delivered in time");
                        tokio::time::sleep(INTERVAL).await;
                    }
                }
            }
        };
        tokio::select! {
            () = delivering => {}
            () = stop.cancelled() => {}
        }
    }

    /// Delivers some of what is due; answers whether anything was.
    async fn step(&self) -> Result<bool, Problem> {
        let mut progress = false;
        for key in self.mail.due(self.clock.now(), STEP).await? {
            match self.mail.deliver(key).await {
                Ok(Delivery::Done) => progress = true,
                Ok(Delivery::Returned) => {
                    progress = true;
                    tracing::info!(account.id = %key.0, "a message went back to Drafts");
                }
                Ok(Delivery::Nothing) => {}
                // One that fails does not hold up the others.
                Err(problem) => {
                    tracing::warn!(account.id = %key.0, error.cause = %problem, "not delivered in time");
                }
            }
        }
        Ok(progress)
    }
}
