//! Logging in.

use turbomessage_service_kit::{problem::Problem, telemetry::metrics};

use crate::{
    auth::{Auth, Welcome, credentials_invalid},
    domain::{ClientAddress, Credentials, DeviceName, Password, Username},
    store::Which,
};

/// What somebody who wants to log in gives.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) username: Username,
    pub(crate) password: Password,
    pub(crate) device_name: DeviceName,
}

impl Auth {
    /// Opens a session for somebody who knows the password. An unknown username and a wrong
    /// password get the same answer after the same work.
    ///
    /// # Errors
    /// `CREDENTIALS_INVALID`, `RATE_LIMITED` or `OVERLOADED`.
    pub(crate) async fn log_in(
        &self,
        login: Login,
        address: &ClientAddress,
    ) -> Result<Welcome, Problem> {
        let Login {
            username,
            password,
            device_name,
        } = login;
        let attempt = async {
            let found = self.accounts.find_named(&username).await?;
            let hash = found.as_ref().map(|credentials| &credentials.password_hash);
            let verified = self.hashing.verify(password, hash).await?;
            match found {
                Some(credentials) if verified => self.let_in(credentials, device_name).await,
                Some(_) | None => Err(credentials_invalid()),
            }
        };
        let done = self.throttle.attempt(&username, address, attempt).await;
        metrics::login(match &done {
            Ok(_) => "OK",
            Err(problem) => problem.reason().name(),
        });
        done
    }

    async fn let_in(
        &self,
        credentials: Credentials,
        device_name: DeviceName,
    ) -> Result<Welcome, Problem> {
        let account_id = credentials.account.account_id;
        let (session, token) = self.open_session(account_id, device_name).await?;
        // If the password was changed or the account deleted meanwhile, whoever did that may have
        // ended all sessions before this one was there. Whoever does it from now on ends it too.
        let hash = self
            .accounts
            .find(account_id)
            .await?
            .map(|c| c.password_hash);
        if hash.as_ref() != Some(&credentials.password_hash) {
            let one = Which::One(session.session_id);
            self.sessions
                .revoke(account_id, one, self.clock.now())
                .await?;
            return Err(credentials_invalid());
        }
        Ok(Welcome {
            account: credentials.account,
            session,
            token,
        })
    }
}
