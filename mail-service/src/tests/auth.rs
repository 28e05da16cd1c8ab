//! An auth-service made up for tests: keys, accounts and the log of events are what a test says.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use futures::{Stream, StreamExt};
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tonic::{Request, Response, Status, service::Routes};
use turbomessage_proto::auth_internal_v1::{
    DirectoryEntry, IntrospectRequest, IntrospectResponse, ListTicketKeysRequest,
    ListTicketKeysResponse, LookUpAccountsRequest, LookUpAccountsResponse, TicketKey as PublicKey,
    WatchAccountsRequest, WatchAccountsResponse, WatchRevocationsRequest, WatchRevocationsResponse,
    directory_service_server::{DirectoryService, DirectoryServiceServer},
    session_service_server::{SessionService, SessionServiceServer},
};
use turbomessage_service_kit::{ticket::TicketKey, upstream::Upstream};
use uuid::Uuid;

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;
type Events = Vec<Vec<DirectoryEntry>>;

/// What auth-service knows.
#[derive(Debug, Clone)]
pub(super) struct FakeAuth {
    accounts: Arc<Mutex<HashMap<String, DirectoryEntry>>>,
    keys: Arc<Mutex<Vec<PublicKey>>>,
    events: Arc<watch::Sender<Events>>,
    down: Arc<AtomicBool>,
}

impl FakeAuth {
    pub(super) fn new() -> Self {
        Self {
            accounts: Arc::default(),
            keys: Arc::default(),
            events: Arc::new(watch::Sender::new(Vec::new())),
            down: Arc::default(),
        }
    }

    pub(super) fn upstream(&self) -> Upstream {
        let routes = Routes::new(SessionServiceServer::new(self.clone()));
        Upstream::local(routes.add_service(DirectoryServiceServer::new(self.clone())))
    }

    /// Announces these keys and no others.
    pub(super) fn announce(&self, keys: &[&TicketKey]) {
        let public = |key: &&TicketKey| PublicKey {
            key_id: key.id().into(),
            public_key: key.public().to_vec(),
        };
        *self.keys.lock().unwrap() = keys.iter().map(public).collect();
    }

    pub(super) fn add(&self, id: Uuid, username: &str, display_name: &str) -> DirectoryEntry {
        let entry = DirectoryEntry {
            account_id: id.to_string(),
            username: username.into(),
            display_name: display_name.into(),
            deleted: false,
        };
        let mut accounts = self.accounts.lock().unwrap();
        accounts.insert(entry.account_id.clone(), entry.clone());
        entry
    }

    /// Deletes the account without a word to anybody yet.
    pub(super) fn delete(&self, id: Uuid) -> DirectoryEntry {
        let entry = DirectoryEntry {
            account_id: id.to_string(),
            deleted: true,
            ..DirectoryEntry::default()
        };
        let mut accounts = self.accounts.lock().unwrap();
        accounts.insert(entry.account_id.clone(), entry.clone());
        entry
    }

    /// Adds one message to the log of events.
    pub(super) fn tell(&self, entries: Vec<DirectoryEntry>) {
        self.events.send_modify(|events| events.push(entries));
    }

    /// Goes back to a backup in which there was nobody yet: the streams of events end.
    pub(super) fn restore(&self) {
        self.accounts.lock().unwrap().clear();
        self.events.send_modify(Vec::clear);
    }

    /// Whether calls are answered. Streams go on as they are.
    pub(super) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    fn up(&self) -> Result<(), Status> {
        if self.down.load(Ordering::SeqCst) {
            return Err(Status::unavailable("down"));
        }
        Ok(())
    }
}

#[tonic::async_trait]
impl SessionService for FakeAuth {
    async fn introspect(
        &self,
        _: Request<IntrospectRequest>,
    ) -> Result<Response<IntrospectResponse>, Status> {
        Err(Status::unimplemented("not asked by mail-service"))
    }

    type WatchRevocationsStream = Answers<WatchRevocationsResponse>;

    async fn watch_revocations(
        &self,
        _: Request<WatchRevocationsRequest>,
    ) -> Result<Response<Self::WatchRevocationsStream>, Status> {
        Err(Status::unimplemented("not asked by mail-service"))
    }

    async fn list_ticket_keys(
        &self,
        _: Request<ListTicketKeysRequest>,
    ) -> Result<Response<ListTicketKeysResponse>, Status> {
        self.up()?;
        let keys = self.keys.lock().unwrap().clone();
        Ok(Response::new(ListTicketKeysResponse { keys }))
    }
}

#[tonic::async_trait]
impl DirectoryService for FakeAuth {
    async fn look_up_accounts(
        &self,
        request: Request<LookUpAccountsRequest>,
    ) -> Result<Response<LookUpAccountsResponse>, Status> {
        self.up()?;
        let asked = request.into_inner();
        let accounts = self.accounts.lock().unwrap();
        let wanted = |entry: &&DirectoryEntry| {
            asked.account_ids.contains(&entry.account_id)
                || !entry.deleted && asked.usernames.contains(&entry.username)
        };
        let entries = accounts.values().filter(wanted).cloned().collect();
        Ok(Response::new(LookUpAccountsResponse { entries }))
    }

    type WatchAccountsStream = Answers<WatchAccountsResponse>;

    async fn watch_accounts(
        &self,
        request: Request<WatchAccountsRequest>,
    ) -> Result<Response<Self::WatchAccountsStream>, Status> {
        self.up()?;
        let mut next = usize::try_from(request.into_inner().position).unwrap();
        if self.events.borrow().len() < next {
            return Err(Status::out_of_range("the log is shorter"));
        }
        let log = WatchStream::new(self.events.subscribe());
        let news = log.flat_map(move |events| {
            let from = next;
            next = events.len();
            let ended = (next < from).then(|| Err(Status::unavailable("restored")));
            let news = events.into_iter().enumerate().skip(from);
            let news = news.map(|(n, entries)| {
                Ok(WatchAccountsResponse {
                    position: i64::try_from(n + 1).unwrap(),
                    entries,
                })
            });
            futures::stream::iter(ended.into_iter().chain(news))
        });
        Ok(Response::new(Box::pin(news)))
    }
}
