//! An auth-service of which tests say what it knows.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{Stream, stream::BoxStream};
use http::{HeaderMap, Request, Response};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, body::Body, service::Routes};
use turbomessage_proto::auth_internal_v1::{
    IntrospectRequest, IntrospectResponse, ListTicketKeysRequest, ListTicketKeysResponse,
    RevokedSession, WatchRevocationsRequest, WatchRevocationsResponse,
    session_service_server::{SessionService, SessionServiceServer},
};
use turbomessage_service_kit::problem::{Problem, Reason};
use uuid::Uuid;

use super::{NOW, Raw, echo, within};

/// Tokens that are good from the start.
pub(crate) const ALICE: &str = "tm_alice";
pub(crate) const BOB: &str = "tm_bob";

type Step = Result<WatchRevocationsResponse, Status>;

/// A gateway that listens for revocations.
pub(crate) struct Watch {
    /// Where it goes on.
    pub(crate) position: String,
    steps: mpsc::Sender<Step>,
}

impl Watch {
    pub(crate) async fn step(&self, position: &str, ended: &[(Uuid, Uuid)]) {
        let sessions = ended.iter().map(|(account_id, session_id)| RevokedSession {
            session_id: session_id.to_string(),
            account_id: account_id.to_string(),
        });
        let step = WatchRevocationsResponse {
            position: position.into(),
            sessions: sessions.collect(),
        };
        self.steps.send(Ok(step)).await.unwrap();
    }

    pub(crate) async fn fail(self, status: Status) {
        self.steps.send(Err(status)).await.unwrap();
    }
}

pub(crate) struct FakeAuth {
    sessions: Mutex<HashMap<String, (Uuid, Uuid)>>,
    failure: Mutex<Option<Reason>>,
    /// How many look-ups have come.
    asked: watch::Sender<usize>,
    /// How many look-ups may go on to an answer.
    allowed: watch::Sender<usize>,
    watches: mpsc::UnboundedSender<Watch>,
    pub(crate) watching: tokio::sync::Mutex<mpsc::UnboundedReceiver<Watch>>,
    /// What `AuthService` saw.
    pub(crate) seen: Mutex<Vec<HeaderMap>>,
    pub(crate) calls: AtomicUsize,
}

impl FakeAuth {
    pub(crate) fn new() -> Arc<Self> {
        let (watches, watching) = mpsc::unbounded_channel();
        let sessions = [(ALICE, 1), (BOB, 2)].map(|(token, n)| (token.to_owned(), ids(n)));
        Arc::new(Self {
            sessions: Mutex::new(HashMap::from(sessions)),
            failure: Mutex::default(),
            asked: watch::Sender::new(0),
            allowed: watch::Sender::new(usize::MAX),
            watches,
            watching: tokio::sync::Mutex::new(watching),
            seen: Mutex::default(),
            calls: AtomicUsize::new(0),
        })
    }

    pub(crate) fn routes(self: &Arc<Self>) -> Routes {
        let this = Arc::clone(self);
        Raw::under(self.session_routes(), move |request| {
            Box::pin(Arc::clone(&this).answer(request))
        })
    }

    /// `SessionService` alone.
    pub(crate) fn session_routes(self: &Arc<Self>) -> Routes {
        Routes::new(SessionServiceServer::from_arc(Arc::clone(self)))
    }

    /// `AuthService`: `Logout` ends all of Alice's sessions.
    async fn answer(self: Arc<Self>, request: Request<Body>) -> Response<Body> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let path = request.uri().path().to_owned();
        self.seen.lock().unwrap().push(request.headers().clone());
        let mut response = echo(request).await;
        if path.ends_with("/Logout") {
            self.forget(ALICE);
            let account = ids(1).0.to_string().parse().unwrap();
            response
                .headers_mut()
                .insert("x-tm-ended-sessions-of", account);
        }
        response
    }

    /// The session of `token` has ended; nobody is told.
    pub(crate) fn forget(&self, token: &str) -> (Uuid, Uuid) {
        self.sessions.lock().unwrap().remove(token).unwrap()
    }

    pub(crate) fn fail(&self, reason: Option<Reason>) {
        *self.failure.lock().unwrap() = reason;
    }

    pub(crate) fn asked(&self) -> usize {
        *self.asked.borrow()
    }

    /// Waits until the `n`th look-up has come.
    pub(crate) async fn until_asked(&self, n: usize) {
        let mut asked = self.asked.subscribe();
        within(asked.wait_for(|asked| *asked >= n)).await.unwrap();
    }

    /// Lets the first `n` look-ups go on to an answer.
    pub(crate) fn allow(&self, n: usize) {
        self.allowed.send_replace(n);
    }

    /// The next gateway that listens.
    pub(crate) async fn next_watch(&self) -> Watch {
        within(async { self.watching.lock().await.recv().await })
            .await
            .unwrap()
    }
}

/// Account and session of the `n`th token.
fn ids(n: u128) -> (Uuid, Uuid) {
    (Uuid::from_u128(n), Uuid::from_u128(100 + n))
}

#[tonic::async_trait]
impl SessionService for FakeAuth {
    async fn introspect(
        &self,
        request: tonic::Request<IntrospectRequest>,
    ) -> Result<tonic::Response<IntrospectResponse>, Status> {
        let token = request.into_inner().session_token;
        let found = self.sessions.lock().unwrap().get(&token).copied();
        let mut number = 0;
        self.asked.send_modify(|asked| {
            *asked += 1;
            number = *asked;
        });
        let mut allowed = self.allowed.subscribe();
        allowed
            .wait_for(|allowed| *allowed >= number)
            .await
            .unwrap();
        if let Some(reason) = *self.failure.lock().unwrap() {
            return Err(Problem::new(reason).into());
        }
        let (account_id, session_id) = found.ok_or_else(|| Problem::new(Reason::SessionInvalid))?;
        Ok(tonic::Response::new(IntrospectResponse {
            account_id: account_id.to_string(),
            session_id: session_id.to_string(),
            expire_time: Some(NOW.plus(Duration::from_secs(600)).into()),
            ticket: format!("ticket-for-{token}"),
            ticket_expire_time: None,
        }))
    }

    type WatchRevocationsStream = BoxStream<'static, Step>;

    async fn watch_revocations(
        &self,
        request: tonic::Request<WatchRevocationsRequest>,
    ) -> Result<tonic::Response<Self::WatchRevocationsStream>, Status> {
        let (steps, stream) = mpsc::channel(16);
        let position = request.into_inner().position;
        let _ = self.watches.send(Watch { position, steps });
        Ok(tonic::Response::new(boxed(ReceiverStream::new(stream))))
    }

    async fn list_ticket_keys(
        &self,
        _: tonic::Request<ListTicketKeysRequest>,
    ) -> Result<tonic::Response<ListTicketKeysResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

fn boxed<S: Stream<Item = Step> + Send + 'static>(stream: S) -> BoxStream<'static, Step> {
    Box::pin(stream)
}
