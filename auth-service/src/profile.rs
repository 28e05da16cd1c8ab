//! Changing what others see of an account.

use turbomessage_service_kit::problem::Problem;

use crate::{
    auth::{Auth, session_invalid},
    domain::{Account, DisplayName, Session},
};

impl Auth {
    /// Changes the caller's display name, if there is one to change it to. Answers the account as
    /// it is then.
    ///
    /// # Errors
    /// `SESSION_INVALID` if the account has just been deleted.
    pub(crate) async fn update_account(
        &self,
        session: &Session,
        display_name: Option<DisplayName>,
    ) -> Result<Account, Problem> {
        let Some(display_name) = display_name else {
            return Ok(self.credentials_of(session).await?.account);
        };
        self.accounts
            .rename(session.account_id, &display_name, self.clock.now())
            .await?
            .ok_or_else(session_invalid)
    }
}
