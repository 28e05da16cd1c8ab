//! Listing and ending the caller's own sessions.

use turbomessage_service_kit::problem::{Problem, Reason};
use uuid::Uuid;

use crate::{auth::Auth, domain::Session, store::Which};

impl Auth {
    /// Ends the session of the call.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub(crate) async fn log_out(&self, session: &Session) -> Result<(), Problem> {
        let one = Which::One(session.session_id);
        self.sessions
            .revoke(session.account_id, one, self.clock.now())
            .await?;
        Ok(())
    }

    /// The caller's sessions, newest use first.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub(crate) async fn list_sessions(&self, session: &Session) -> Result<Vec<Session>, Problem> {
        self.sessions
            .list(session.account_id, self.clock.now())
            .await
    }

    /// Ends one of the caller's sessions.
    ///
    /// # Errors
    /// `SESSION_NOT_FOUND` if the caller has no such session.
    pub(crate) async fn revoke_session(
        &self,
        session: &Session,
        session_id: Uuid,
    ) -> Result<(), Problem> {
        let one = Which::One(session_id);
        let ended = self
            .sessions
            .revoke(session.account_id, one, self.clock.now())
            .await?;
        if ended == 0 {
            let problem = Problem::new(Reason::SessionNotFound);
            return Err(problem.with("session_id", session_id.to_string()));
        }
        Ok(())
    }
}
