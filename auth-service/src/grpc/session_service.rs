//! `turbomessage.auth.internal.v1.SessionService`.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use turbomessage_proto::auth_internal_v1::{
    IntrospectRequest, IntrospectResponse, ListTicketKeysRequest, ListTicketKeysResponse,
    TicketKey, WatchRevocationsRequest, WatchRevocationsResponse,
    session_service_server::SessionService,
};
use turbomessage_service_kit::{detached::detached, problem::Problem};

use super::watch::{Log, Messages, WAIT, follow};
use crate::{introspection::Introspection, store::SessionStore};

/// Sessions for the other parts of the system.
pub(super) struct SessionApi {
    introspection: Introspection,
    sessions: Arc<dyn SessionStore>,
    shutdown: CancellationToken,
}

impl SessionApi {
    pub(super) fn new(
        introspection: Introspection,
        sessions: Arc<dyn SessionStore>,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            introspection,
            sessions,
            shutdown,
        }
    }
}

#[tonic::async_trait]
impl SessionService for SessionApi {
    async fn introspect(
        &self,
        request: Request<IntrospectRequest>,
    ) -> Result<Response<IntrospectResponse>, Status> {
        let token = request.into_inner().session_token;
        let (session, ticket) = self.introspection.introspect(&token).await?;
        Ok(Response::new(IntrospectResponse {
            account_id: session.account_id.to_string(),
            session_id: session.session_id.to_string(),
            expire_time: Some(session.expire_time.into()),
            ticket: ticket.text.clone(),
            ticket_expire_time: Some(ticket.expire_time.into()),
        }))
    }

    type WatchRevocationsStream = Messages<WatchRevocationsResponse>;

    async fn watch_revocations(
        &self,
        request: Request<WatchRevocationsRequest>,
    ) -> Result<Response<Self::WatchRevocationsStream>, Status> {
        let asked = request.into_inner().position;
        let from = Some(asked.as_str()).filter(|position| !position.is_empty());
        // Says where the log ends, or that it does not reach back, before the stream begins.
        let start = self
            .sessions
            .revocations_after(from, std::time::Duration::ZERO)
            .await?;
        let log = Revocations {
            sessions: Arc::clone(&self.sessions),
            position: from.map_or(start.position, ToOwned::to_owned),
        };
        Ok(Response::new(follow(log, true, self.shutdown.clone())))
    }

    async fn list_ticket_keys(
        &self,
        _request: Request<ListTicketKeysRequest>,
    ) -> Result<Response<ListTicketKeysResponse>, Status> {
        let keys = self.introspection.keys().keys();
        let keys = keys.iter().map(|key| TicketKey {
            key_id: key.id().to_owned(),
            public_key: key.public().to_vec(),
        });
        Ok(Response::new(ListTicketKeysResponse {
            keys: keys.collect(),
        }))
    }
}

/// The log of sessions that ended.
struct Revocations {
    sessions: Arc<dyn SessionStore>,
    position: String,
}

#[tonic::async_trait]
impl Log for Revocations {
    type Message = WatchRevocationsResponse;

    async fn next(&mut self) -> Result<Option<Self::Message>, Problem> {
        let (sessions, position) = (Arc::clone(&self.sessions), self.position.clone());
        let found =
            detached(async move { sessions.revocations_after(Some(&position), WAIT).await })
                .await?;
        self.position.clone_from(&found.position);
        if found.sessions.is_empty() {
            return Ok(None);
        }
        Ok(Some(WatchRevocationsResponse {
            position: found.position,
            sessions: found.sessions.into_iter().map(Into::into).collect(),
        }))
    }

    fn heartbeat(&self) -> Self::Message {
        WatchRevocationsResponse {
            position: self.position.clone(),
            sessions: Vec::new(),
        }
    }
}
