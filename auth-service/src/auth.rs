//! What every use case works with, and the check of a session that comes first.

use std::sync::Arc;

use turbomessage_service_kit::{
    clock::{SharedClock, new_id},
    problem::{Problem, Reason},
};
use uuid::Uuid;

use crate::{
    domain::{
        Account, ClientAddress, Credentials, DeviceName, Lifetimes, Password, Session, SessionToken,
    },
    hashing::Hashing,
    store::{AccountStore, SessionStore},
    throttle::Throttle,
};

/// Accounts and sessions, and what is needed to work on them. The use cases are methods of it, each
/// in a file of its own.
pub(crate) struct Auth {
    pub(crate) accounts: Arc<dyn AccountStore>,
    pub(crate) sessions: Arc<dyn SessionStore>,
    pub(crate) hashing: Hashing,
    pub(crate) throttle: Throttle,
    pub(crate) clock: SharedClock,
    pub(crate) lifetimes: Lifetimes,
}

/// What somebody who has just proved who they are gets.
pub(crate) struct Welcome {
    pub(crate) account: Account,
    pub(crate) session: Session,
    /// Shown once.
    pub(crate) token: SessionToken,
}

impl Auth {
    /// The session that `token` opens. Counts as a use of it.
    ///
    /// # Errors
    /// `SESSION_INVALID` for a token that is missing, malformed, expired or revoked.
    pub(crate) async fn authenticate(&self, token: Option<&str>) -> Result<Session, Problem> {
        let Some(token) = token.and_then(SessionToken::parse) else {
            return Err(session_invalid());
        };
        self.sessions
            .check(&token.hash(), self.clock.now(), self.lifetimes.idle)
            .await?
            .ok_or_else(session_invalid)
    }

    /// The account of the caller's session, with what proves who they are.
    ///
    /// # Errors
    /// `SESSION_INVALID` if the account has just been deleted.
    pub(crate) async fn credentials_of(&self, session: &Session) -> Result<Credentials, Problem> {
        self.accounts
            .find(session.account_id)
            .await?
            .ok_or_else(session_invalid)
    }

    /// Checks the password of a caller who has a session already, as strictly as a login's.
    ///
    /// # Errors
    /// `CREDENTIALS_INVALID`, `RATE_LIMITED` or `OVERLOADED`.
    pub(crate) async fn confirm(
        &self,
        credentials: &Credentials,
        password: Password,
        address: &ClientAddress,
    ) -> Result<(), Problem> {
        let check = async {
            let hash = Some(&credentials.password_hash);
            if self.hashing.verify(password, hash).await? {
                Ok(())
            } else {
                Err(credentials_invalid())
            }
        };
        self.throttle
            .attempt(&credentials.account.username, address, check)
            .await
    }

    /// Opens a session of `account_id`'s.
    pub(crate) async fn open_session(
        &self,
        account_id: Uuid,
        device_name: DeviceName,
    ) -> Result<(Session, SessionToken), Problem> {
        let now = self.clock.now();
        let session = Session::begin(new_id(now), account_id, device_name, self.lifetimes, now);
        let token = SessionToken::generate();
        self.sessions.open(&session, &token.hash()).await?;
        Ok((session, token))
    }
}

/// One answer for every session that is of no use.
pub(crate) fn session_invalid() -> Problem {
    Problem::new(Reason::SessionInvalid)
}

/// One answer for unknown users and wrong passwords.
pub(crate) fn credentials_invalid() -> Problem {
    Problem::new(Reason::CredentialsInvalid)
}
