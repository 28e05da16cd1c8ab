//! Deleting an account. The account is marked as deleted first, in one transaction with the event
//! that tells the rest of the system; then its sessions end. A crash in between is made good by
//! [`end_sessions_of_deleted`], which follows the log of events from where it last stood.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;
use turbomessage_service_kit::{
    detached::{chain, detached},
    problem::Problem,
};

use crate::{
    auth::{Auth, credentials_invalid},
    domain::{ClientAddress, Password, Session},
    store::Which,
};

/// The name under which the log's position is kept.
const FOLLOWER: &str = "end-sessions-of-deleted";
/// How often the log is looked at for what other replicas have added.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Events read at once.
const AT_ONCE: u32 = 500;

impl Auth {
    /// Deletes the caller's account and ends all its sessions.
    ///
    /// # Errors
    /// `CREDENTIALS_INVALID` if the password is wrong, `RATE_LIMITED` or `OVERLOADED`.
    pub(crate) async fn delete_account(
        self: &Arc<Self>,
        session: Session,
        password: Password,
        address: &ClientAddress,
    ) -> Result<(), Problem> {
        let credentials = self.credentials_of(&session).await?;
        self.confirm(&credentials, password, address).await?;

        let auth = Arc::clone(self);
        detached(async move {
            let (account_id, now) = (session.account_id, auth.clock.now());
            let hash = &credentials.password_hash;
            if !auth.accounts.delete(account_id, hash, now).await? {
                return Err(credentials_invalid());
            }
            auth.sessions.revoke(account_id, Which::All, now).await?;
            Ok(())
        })
        .await
    }
}

/// Ends what sessions there are of accounts that have been deleted, until `shutdown`. Every replica
/// does; doing it twice changes nothing.
pub(crate) async fn end_sessions_of_deleted(auth: Arc<Auth>, shutdown: CancellationToken) {
    let following = async {
        let mut added = auth.accounts.events_added();
        let mut failing = false;
        loop {
            added.borrow_and_update();
            match catch_up(&auth).await {
                Ok(()) => failing = false,
                // Said once: health says the rest.
                Err(problem) if !failing => {
                    let cause = chain(problem);
                    tracing::warn!(error.cause = cause, "not following account events");
                    failing = true;
                }
                Err(_) => {}
            }
            let _ = tokio::time::timeout(LOOK_AGAIN, added.changed()).await;
        }
    };
    tokio::select! {
        () = following => {}
        () = shutdown.cancelled() => {}
    }
}

/// Acts on the events since the position kept.
async fn catch_up(auth: &Auth) -> Result<(), Problem> {
    let mut position = auth.accounts.follower_position(FOLLOWER).await?;
    loop {
        let events = auth.accounts.events_after(position, AT_ONCE).await?;
        if events.entries.is_empty() {
            return Ok(());
        }
        let now = auth.clock.now();
        for entry in events.entries.iter().filter(|entry| entry.names.is_none()) {
            auth.sessions
                .revoke(entry.account_id, Which::All, now)
                .await?;
        }
        position = events.position;
        auth.accounts.advance_follower(FOLLOWER, position).await?;
    }
}
