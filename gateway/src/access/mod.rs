//! Who may call, and until when: sessions are checked with auth-service, remembered for a moment,
//! and forgotten as soon as they end.

mod follower;
mod invalidations;
mod sessions;
mod streams;
mod token;

use std::{sync::Arc, time::Duration};

use anyhow::anyhow;
use futures::StreamExt;
use http::HeaderValue;
use turbomessage_service_kit::{
    clock::{SharedClock, Timestamp},
    problem::{Problem, Reason},
};
use uuid::Uuid;

pub(crate) use self::{
    follower::Follower,
    sessions::Checked,
    streams::{Ending, OpenStream},
    token::Token,
};
use self::{
    invalidations::Scope,
    sessions::Sessions,
    streams::{OpenStreams, Question},
};
use crate::introspection::SessionClient;

/// How many sessions auth-service is asked about at once because of open streams.
const QUESTIONS_AT_ONCE: usize = 16;
/// How long a round of such questions may take; what was not asked then stays in doubt.
const ROUND: Duration = Duration::from_secs(5);

/// What auth-service says of a token.
#[derive(Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_field_names,
    reason = "one of the ids is the session's own"
)]
pub(crate) struct Session {
    pub(crate) account_id: Uuid,
    pub(crate) session_id: Uuid,
    /// When it ends if it is not used again.
    pub(crate) expire_time: Timestamp,
    /// What mail-service takes for proof of the above.
    pub(crate) ticket: HeaderValue,
}

/// A session that has ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) session_id: Uuid,
    pub(crate) account_id: Uuid,
}

/// A step of the log of ended sessions.
#[derive(Debug)]
pub(crate) struct Revocations {
    /// Where the log stands after this step.
    pub(crate) position: String,
    pub(crate) ended: Vec<Ended>,
}

/// Why the log of ended sessions cannot be followed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchError {
    /// It no longer reaches back to the position asked for.
    #[error("the log of ended sessions does not reach back far enough")]
    PositionLost,
    /// auth-service does not answer, or not sensibly.
    #[error("the log of ended sessions cannot be read")]
    Broken(#[source] anyhow::Error),
}

/// The sessions this gateway knows of and the streams it has open.
#[derive(Debug)]
pub(crate) struct Access {
    client: SessionClient,
    sessions: Sessions,
    streams: Arc<OpenStreams>,
}

impl Access {
    pub(crate) fn new(client: SessionClient, clock: SharedClock) -> Self {
        Self {
            client: client.clone(),
            sessions: Sessions::new(client, Arc::clone(&clock)),
            streams: Arc::new(OpenStreams::new(clock)),
        }
    }

    /// Whose call it is that carries `token`.
    ///
    /// # Errors
    /// `SESSION_INVALID` if it is nobody's; a reason of unavailability if that cannot be known now.
    pub(crate) async fn check(&self, token: &Token) -> Result<Checked, Problem> {
        self.sessions.check(token).await
    }

    /// Opens a stream, which ends when the session does or the gateway stops. `None`: a stream of
    /// nobody's.
    ///
    /// # Errors
    /// `SHUTTING_DOWN`, or `SESSION_INVALID` if the session has ended since it was checked.
    pub(crate) fn open_stream(
        &self,
        caller: Option<(&Checked, Token)>,
    ) -> Result<OpenStream, Problem> {
        let Some((checked, token)) = caller else {
            return self.streams.open(None);
        };
        let stream = self.streams.open(Some((checked.session(), token)))?;
        // A revocation is noted first and ends the open streams then: one of the two sees the other.
        if self.sessions.ended_since(checked) {
            return Err(Problem::new(Reason::SessionInvalid));
        }
        Ok(stream)
    }

    /// Forgets a session that has ended, and ends its streams.
    fn revoke(&self, ended: Ended) {
        let scope = Scope::Session(ended.session_id);
        self.sessions.forget(scope);
        self.streams.end(scope, Reason::SessionInvalid);
    }

    /// Some sessions of this account have ended: forgets what is known of all of them, and asks
    /// again about those with open streams.
    pub(crate) async fn recheck_account(&self, account_id: Uuid) {
        let scope = Scope::Account(account_id);
        self.sessions.forget(scope);
        self.streams.doubt(scope);
        self.ask(self.streams.doubtful_of(account_id)).await;
    }

    /// Revocations may have been missed: nothing that is known is relied on.
    fn doubt_everything(&self) {
        self.sessions.forget(Scope::Everything);
        self.doubt_streams();
    }

    /// The session of any open stream may have ended unheard.
    fn doubt_streams(&self) {
        self.streams.doubt(Scope::Everything);
    }

    /// Asks auth-service about every open stream whose session is in doubt. Where it does not
    /// answer, the doubt stays, and after a while ends the stream.
    async fn settle_doubts(&self) {
        self.ask(self.streams.doubtful()).await;
        self.streams.end_overdue();
    }

    async fn ask(&self, questions: Vec<Question>) {
        let answers = futures::stream::iter(questions)
            .for_each_concurrent(QUESTIONS_AT_ONCE, |question| self.ask_about(question));
        if tokio::time::timeout(ROUND, answers).await.is_err() {
            tracing::warn!("not every open stream's session could be asked about");
        }
    }

    async fn ask_about(&self, question: Question) {
        let scope = Scope::Session(question.session_id);
        match self.client.introspect(&question.token).await {
            Ok(session) if session.session_id == question.session_id => {
                self.streams.settle(&question, session.expire_time);
            }
            Ok(_) => self.streams.end(scope, Reason::SessionInvalid),
            Err(problem) if problem.reason() == Reason::SessionInvalid => {
                self.streams.end(scope, Reason::SessionInvalid);
            }
            Err(problem) => {
                let error = anyhow!(problem);
                tracing::debug!(error.cause = %format_args!("{error:#}"), "a session stays in doubt");
            }
        }
    }

    /// Ends every stream: the gateway stops.
    fn close(&self) {
        self.streams.close();
    }
}

#[cfg(test)]
mod tests;
