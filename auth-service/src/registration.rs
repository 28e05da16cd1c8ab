//! Opening an account.

use std::sync::Arc;

use turbomessage_service_kit::{
    clock::new_id,
    detached::detached,
    problem::{Problem, Reason},
};

use crate::{
    auth::{Auth, Welcome},
    domain::{Account, DeviceName, DisplayName, Password, Username},
    store::Which,
};

/// What somebody who wants an account gives.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) username: Username,
    pub(crate) password: Password,
    pub(crate) display_name: DisplayName,
    pub(crate) device_name: DeviceName,
}

impl Auth {
    /// Opens an account and its first session.
    ///
    /// # Errors
    /// `USERNAME_TAKEN`, `PASSWORD_TOO_WEAK` or `OVERLOADED`.
    pub(crate) async fn register(
        self: &Arc<Self>,
        registration: Registration,
    ) -> Result<Welcome, Problem> {
        let Registration {
            username,
            password,
            display_name,
            device_name,
        } = registration;
        // A name that is taken should not cost a hash. That it is free does not say it stays so.
        let holder = self.accounts.look_up(std::slice::from_ref(&username), &[]);
        if !holder.await?.is_empty() {
            return Err(Problem::new(Reason::UsernameTaken));
        }
        let known = [
            username.as_str().to_owned(),
            display_name.as_str().to_owned(),
        ];
        let hash = self.hashing.new_hash(password, known, "password").await?;

        let now = self.clock.now();
        let account = Account {
            account_id: new_id(now),
            username,
            display_name,
            create_time: now,
        };
        let auth = Arc::clone(self);
        detached(async move {
            // The session first: if there is no room for one, the name stays free. Nobody has its
            // token before the account is there.
            let (session, token) = auth.open_session(account.account_id, device_name).await?;
            if let Err(problem) = auth.accounts.open(&account, &hash).await {
                let one = Which::One(session.session_id);
                // What is left of it opens nothing, for nobody knows its token.
                let _ = auth.sessions.revoke(account.account_id, one, now).await;
                return Err(problem);
            }
            Ok(Welcome {
                account,
                session,
                token,
            })
        })
        .await
    }
}
