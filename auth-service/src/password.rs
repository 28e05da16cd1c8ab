//! Changing the password.

use std::sync::Arc;

use turbomessage_service_kit::{detached::detached, problem::Problem};

use crate::{
    auth::{Auth, credentials_invalid},
    domain::{ClientAddress, Password, Session},
    store::Which,
};

impl Auth {
    /// Changes the password and ends every session but the caller's.
    ///
    /// # Errors
    /// `CREDENTIALS_INVALID` if `current` is wrong, `PASSWORD_TOO_WEAK` on `new_password`,
    /// `RATE_LIMITED` or `OVERLOADED`.
    pub(crate) async fn change_password(
        self: &Arc<Self>,
        session: Session,
        current: Password,
        new: Password,
        address: &ClientAddress,
    ) -> Result<(), Problem> {
        let credentials = self.credentials_of(&session).await?;
        self.confirm(&credentials, current, address).await?;
        let account = &credentials.account;
        let known = [
            account.username.as_str().to_owned(),
            account.display_name.as_str().to_owned(),
        ];
        let hash = self.hashing.new_hash(new, known, "new_password").await?;

        let auth = Arc::clone(self);
        detached(async move {
            // Ended before the change, so that a crash in between never leaves a session that the
            // old password opened; and after it, for those that it opened meanwhile.
            auth.end_other_sessions(&session).await?;
            let (account_id, from) = (session.account_id, &credentials.password_hash);
            if !auth
                .accounts
                .change_password(account_id, from, &hash)
                .await?
            {
                return Err(credentials_invalid());
            }
            auth.end_other_sessions(&session).await?;
            Ok(())
        })
        .await
    }

    /// Ends every session of the caller's but the one of the call. Answers how many.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub(crate) async fn end_other_sessions(&self, session: &Session) -> Result<u32, Problem> {
        let others = Which::AllBut(session.session_id);
        self.sessions
            .revoke(session.account_id, others, self.clock.now())
            .await
    }
}
