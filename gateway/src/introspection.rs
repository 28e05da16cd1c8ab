//! Asking auth-service about sessions: the only place that knows how `SessionService` looks on the
//! wire.

use std::time::Duration;

use anyhow::{Context, anyhow};
use futures::{Stream, StreamExt};
use http::HeaderValue;
use tonic::{Code, Status};
use turbomessage_proto::auth_internal_v1::{
    IntrospectRequest, IntrospectResponse, RevokedSession, WatchRevocationsRequest,
    WatchRevocationsResponse, session_service_client::SessionServiceClient,
};
use turbomessage_service_kit::{
    clock::Timestamp,
    problem::{Problem, Reason},
    upstream::{GrpcService, Upstream},
};
use uuid::Uuid;

use crate::access::{Ended, Revocations, Session, Token, WatchError};

/// How long auth-service has to answer.
const TIMEOUT: Duration = Duration::from_secs(2);

/// auth-service's word on sessions.
#[derive(Debug, Clone)]
pub(crate) struct SessionClient {
    calls: SessionServiceClient<GrpcService>,
    streams: SessionServiceClient<GrpcService>,
}

impl SessionClient {
    pub(crate) fn new(auth: &Upstream) -> Self {
        Self {
            calls: SessionServiceClient::new(auth.calls()),
            streams: SessionServiceClient::new(auth.streams()),
        }
    }

    /// Whose session `token` is.
    ///
    /// # Errors
    /// `SESSION_INVALID` if it is nobody's. Everything that keeps the answer from being known says
    /// so: it is never taken for a yes nor for a no.
    pub(crate) async fn introspect(&self, token: &Token) -> Result<Session, Problem> {
        let request = IntrospectRequest {
            session_token: token.expose().to_owned(),
        };
        let mut client = self.calls.clone();
        let answer = tokio::time::timeout(TIMEOUT, client.introspect(request))
            .await
            .map_err(|_| Problem::upstream_unavailable(anyhow!("no answer about a session")))?
            .map_err(unanswered)?;
        session(answer.into_inner()).map_err(Problem::upstream_unavailable)
    }

    /// The sessions that ended after `position`, and those that end from now on.
    ///
    /// # Errors
    /// The log does not reach back to `position`, or cannot be read.
    pub(crate) async fn watch(
        &self,
        position: &str,
    ) -> Result<impl Stream<Item = Result<Revocations, WatchError>> + Unpin + use<>, WatchError>
    {
        let request = WatchRevocationsRequest {
            position: position.to_owned(),
        };
        let mut client = self.streams.clone();
        let answer = tokio::time::timeout(TIMEOUT, client.watch_revocations(request))
            .await
            .map_err(|_| WatchError::Broken(anyhow!("no answer to a watch")))?
            .map_err(broken)?;
        let messages = answer.into_inner();
        Ok(messages.map(|message| message.map_err(broken).and_then(revocations)))
    }
}

/// What a caller hears when auth-service does not say whose session it is.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else went wrong, the session is not known"
)]
fn unanswered(status: Status) -> Problem {
    let problem = Problem::from(status);
    match problem.reason() {
        Reason::SessionInvalid
        | Reason::StoreUnavailable
        | Reason::Overloaded
        | Reason::RateLimited
        | Reason::UpstreamUnavailable => problem,
        _ => Problem::upstream_unavailable(problem),
    }
}

fn session(answer: IntrospectResponse) -> anyhow::Result<Session> {
    let mut ticket = HeaderValue::try_from(answer.ticket).context("the ticket is no header")?;
    ticket.set_sensitive(true);
    let expire_time = answer.expire_time.context("the session has no end")?;
    Ok(Session {
        account_id: answer.account_id.parse()?,
        session_id: answer.session_id.parse()?,
        expire_time: timestamp(&expire_time),
        ticket,
    })
}

fn timestamp(at: &prost_types::Timestamp) -> Timestamp {
    let micros = at.seconds.saturating_mul(1_000_000);
    Timestamp::from_micros(micros.saturating_add(i64::from(at.nanos) / 1_000))
}

fn broken(status: Status) -> WatchError {
    if status.code() == Code::OutOfRange {
        WatchError::PositionLost
    } else {
        WatchError::Broken(status.into())
    }
}

fn revocations(message: WatchRevocationsResponse) -> Result<Revocations, WatchError> {
    let ended = message.sessions.iter().map(ended);
    Ok(Revocations {
        position: message.position,
        ended: ended
            .collect::<Result<_, _>>()
            .map_err(|error| WatchError::Broken(error.into()))?,
    })
}

fn ended(session: &RevokedSession) -> Result<Ended, uuid::Error> {
    Ok(Ended {
        session_id: Uuid::try_parse(&session.session_id)?,
        account_id: Uuid::try_parse(&session.account_id)?,
    })
}
