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
    upstream::Upstream,
};
use uuid::Uuid;

use crate::access::{Ended, Revocations, Session, Token, WatchError};

/// How long auth-service has to answer.
const TIMEOUT: Duration = Duration::from_secs(2);

/// auth-service's word on sessions. Each question goes over the connections of the event loop it is asked in.
#[derive(Debug, Clone)]
pub(crate) struct SessionClient {
    auth: Upstream,
}

impl SessionClient {
    pub(crate) fn new(auth: Upstream) -> Self {
        Self { auth }
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
        let mut client = SessionServiceClient::new(self.auth.calls());
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
        let mut client = SessionServiceClient::new(self.auth.streams());
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use http::{HeaderMap, Request, header::AUTHORIZATION};
    use tokio::net::TcpListener;
    use tokio_util::sync::CancellationToken;
    use tonic::service::Routes;
    use tower::util::MapRequestLayer;
    use turbomessage_service_kit::{
        event_loop::EventLoops,
        listener::Peer,
        server::{self, INNER_STREAMS},
        tls::UpstreamTlsArgs,
    };

    use super::*;
    use crate::tests::support::{ALICE, FakeAuth};

    static ASKED_FROM: Mutex<Vec<String>> = Mutex::new(Vec::new());

    #[tokio::test]
    async fn each_loop_asks_over_connections_of_its_own() {
        let note = MapRequestLayer::new(|request: Request<_>| {
            if request.uri().path().ends_with("/Introspect") {
                let peer = format!("{:?}", request.extensions().get::<Peer>());
                ASKED_FROM.lock().unwrap().push(peer);
            }
            request
        });
        let routes = FakeAuth::new().session_routes().into_axum_router();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let _stop = stop.clone().drop_guard();
        tokio::spawn(server::serve(
            listener,
            Routes::from(routes.layer(note)),
            INNER_STREAMS,
            stop,
            Duration::ZERO,
        ));

        let loops = EventLoops::of(2).unwrap();
        let auth = Upstream::connect_from(&loops, &url, &UpstreamTlsArgs::default()).unwrap();
        let client = SessionClient::new(auth);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, format!("Bearer {ALICE}").parse().unwrap());
        let token = Token::from_headers(&headers).unwrap();
        for each in loops.iter().chain(loops.iter()) {
            let (client, token) = (client.clone(), token.clone());
            let asked = async move { client.introspect(&token).await.is_ok() };
            assert!(each.runtime().spawn(asked).await.unwrap());
        }
        let peers = ASKED_FROM.lock().unwrap();
        assert_ne!(peers[0], peers[1]);
        assert_eq!(peers[..2], peers[2..]);
    }
}
