//! `turbomessage.auth.internal.v1.DirectoryService`.

use std::sync::Arc;

use tokio::sync::watch::Receiver;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use turbomessage_proto::auth_internal_v1::{
    LookUpAccountsRequest, LookUpAccountsResponse, WatchAccountsRequest, WatchAccountsResponse,
    directory_service_server::DirectoryService,
};
use turbomessage_service_kit::{detached::detached, problem::Problem};

use super::watch::{Log, Messages, WAIT, follow};
use crate::directory::{Directory, LookUp};

/// Who there is, for the other parts of the system.
pub(super) struct DirectoryApi {
    directory: Arc<Directory>,
    shutdown: CancellationToken,
}

impl DirectoryApi {
    pub(super) fn new(directory: Directory, shutdown: CancellationToken) -> Self {
        Self {
            directory: Arc::new(directory),
            shutdown,
        }
    }
}

#[tonic::async_trait]
impl DirectoryService for DirectoryApi {
    async fn look_up_accounts(
        &self,
        request: Request<LookUpAccountsRequest>,
    ) -> Result<Response<LookUpAccountsResponse>, Status> {
        let request = request.get_ref();
        let wanted = LookUp::parse(&request.usernames, &request.account_ids)?;
        let entries = self.directory.look_up(wanted).await?;
        Ok(Response::new(LookUpAccountsResponse {
            entries: entries.into_iter().map(Into::into).collect(),
        }))
    }

    type WatchAccountsStream = Messages<WatchAccountsResponse>;

    async fn watch_accounts(
        &self,
        request: Request<WatchAccountsRequest>,
    ) -> Result<Response<Self::WatchAccountsStream>, Status> {
        let position = request.into_inner().position;
        self.directory.check_position(position).await?;
        let log = AccountEvents {
            added: self.directory.events_added(),
            directory: Arc::clone(&self.directory),
            position,
        };
        Ok(Response::new(follow(log, false, self.shutdown.clone())))
    }
}

/// The log of what happened to accounts.
struct AccountEvents {
    directory: Arc<Directory>,
    added: Receiver<()>,
    position: i64,
}

#[tonic::async_trait]
impl Log for AccountEvents {
    type Message = WatchAccountsResponse;

    async fn next(&mut self) -> Result<Option<Self::Message>, Problem> {
        self.added.borrow_and_update();
        let (directory, position) = (Arc::clone(&self.directory), self.position);
        let events = detached(async move { directory.events_after(position).await }).await?;
        if events.entries.is_empty() {
            // Rung, or time to look for what other replicas have added.
            let _ = tokio::time::timeout(WAIT, self.added.changed()).await;
            return Ok(None);
        }
        self.position = events.position;
        Ok(Some(WatchAccountsResponse {
            position: events.position,
            entries: events.entries.into_iter().map(Into::into).collect(),
        }))
    }

    fn heartbeat(&self) -> Self::Message {
        WatchAccountsResponse {
            position: self.position,
            entries: Vec::new(),
        }
    }
}
